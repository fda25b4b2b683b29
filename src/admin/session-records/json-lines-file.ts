/** A file of JSON lines that is put aside when it is large or old, and of which so many are kept. */
import { appendFileSync, existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

export interface JsonLinesLimits {
  /** A line that would make it longer begins a new file. */
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  /** Files put aside; the oldest go. */
  readonly maxFiles: number;
}

export class JsonLinesFile {
  readonly #file: string;
  readonly #limits: JsonLinesLimits;
  readonly #nowMs: () => number;
  #state: { bytes: number; sinceMs: number } | undefined;

  constructor(file: string, limits: JsonLinesLimits, nowMs: () => number) {
    this.#file = file;
    this.#limits = limits;
    this.#nowMs = nowMs;
  }

  /** @throws when the disk does */
  append(value: unknown): void {
    const line = `${JSON.stringify(value)}\n`;
    const bytes = Buffer.byteLength(line);
    const { maxBytes, maxAgeMs } = this.#limits;
    const before = this.#measured();
    const isOld = this.#nowMs() - before.sinceMs >= maxAgeMs;
    if (before.bytes > 0 && (before.bytes + bytes > maxBytes || isOld)) this.#putAside();
    const state = this.#measured();
    appendFileSync(this.#file, line, { mode: 0o600 });
    state.bytes += bytes;
  }

  /** Another program may have taken the file away. */
  #measured(): { bytes: number; sinceMs: number } {
    if (this.#state === undefined || !existsSync(this.#file)) {
      const found = statSync(this.#file, { throwIfNoEntry: false });
      const nowMs = this.#nowMs();
      this.#state = { bytes: found?.size ?? 0, sinceMs: found === undefined ? nowMs : bornMs(found, nowMs) };
    }
    return this.#state;
  }

  /** `FILE.20261129T101500Z`, with a number behind where there is one already. */
  #putAside(): void {
    const stamp = new Date(this.#nowMs()).toISOString().replace(/[-:]|\.\d+/g, '');
    // Behind the last one of the same second, of which the first may be gone already.
    const last = asideOf(this.#file).findLast((name) => name.includes(`.${stamp}`));
    const more = last === undefined ? '' : `-${Number(last.split(`${stamp}-`)[1] ?? 0) + 1}`;
    renameSync(this.#file, `${this.#file}.${stamp}${more}`);
    this.#state = undefined;
    const kept = asideOf(this.#file);
    for (const name of kept.slice(0, Math.max(0, kept.length - this.#limits.maxFiles))) {
      rmSync(join(dirname(this.#file), name), { force: true });
    }
  }
}

/** The oldest first. */
function asideOf(file: string): string[] {
  const prefix = `${basename(file)}.`;
  return readdirSync(dirname(file))
    .filter((name) => name.startsWith(prefix) && /^\d{8}T\d{6}Z(-\d+)?$/.test(name.slice(prefix.length)))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}

/** Some file systems keep no time of birth. */
function bornMs({ birthtimeMs, mtimeMs }: { birthtimeMs: number; mtimeMs: number }, nowMs: number): number {
  return Math.min(birthtimeMs > 0 ? birthtimeMs : mtimeMs, nowMs);
}
