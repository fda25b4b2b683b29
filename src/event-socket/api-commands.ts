/** The commands that `api` and `bgapi` run, as a table. */
import type { EventSocketLog } from './log.ts';

export interface ApiCommand {
  /** One line for `im help`. */
  readonly help: string;
  /** Gets the text after the command's name; returns the whole output. A refusal starts with `-ERR `. */
  run(argument: string): string | Promise<string>;
}

/** By name: lower-case words with single spaces, such as `im sessions`. */
export type ApiCommandTable = Readonly<Record<string, ApiCommand>>;

export class ApiCommands {
  readonly #byName = new Map<string, ApiCommand>();
  readonly #log: EventSocketLog;

  constructor(log: EventSocketLog) {
    this.#log = log;
  }

  add(table: ApiCommandTable): void {
    for (const [name, command] of Object.entries(table)) this.#byName.set(name, command);
  }

  /** Names and help, in order of the names. */
  list(): readonly (readonly [name: string, help: string])[] {
    return [...this.#byName]
      .map(([name, { help }]) => [name, help] as const)
      .sort((a, b) => (a[0] < b[0] ? -1 : 1));
  }

  /** Runs the longest name that the line begins with. Never throws; a failure is an `-ERR` text. */
  run(line: string): string | Promise<string> {
    const words = line.trim().split(/\s+/);
    for (let count = Math.min(words.length, 4); count > 0; count -= 1) {
      const command = this.#byName.get(words.slice(0, count).join(' ').toLowerCase());
      if (command === undefined) continue;
      return this.#guard(command, words.slice(count).join(' '));
    }
    return `-ERR ${printable(words[0] ?? '')} Command not found!\n`;
  }

  #guard(command: ApiCommand, argument: string): string | Promise<string> {
    try {
      const output = command.run(argument);
      return typeof output === 'string' ? output : output.catch((error: unknown) => this.#failed(error));
    } catch (error) {
      return this.#failed(error);
    }
  }

  #failed(error: unknown): string {
    this.#log.error({ err: error }, 'api command failed');
    return '-ERR command failed\n';
  }
}

function printable(word: string): string {
  return word.slice(0, 64).replace(/[^\x20-\x7e]/g, '.');
}
