/** Files that an operator may change while we run: read within a bound, and told apart by what the file system says. */
import { readFileSync, statSync } from 'node:fs';

export interface DocumentFile {
  /** Changes with every change of the file. */
  readonly fingerprint: string;
  readonly bytes: Buffer;
}

export interface UnreadableFile {
  readonly fingerprint: string;
  /** Why, and what to do. */
  readonly fault: string;
}

/** Largest document taken, in bytes; a group of ten thousand has half of it. */
export const DOCUMENT_MAX_BYTES = 1_048_576;

export function readDocumentFile(file: string): DocumentFile | UnreadableFile {
  const fingerprint = fingerprintOf(file);
  try {
    // Before reading: what grew out of hand is not to fill the memory.
    const { size } = statSync(file);
    if (size > DOCUMENT_MAX_BYTES) {
      return { fingerprint, fault: `has ${size} bytes, at most ${DOCUMENT_MAX_BYTES} are read: divide it` };
    }
    return { fingerprint, bytes: readFileSync(file) };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'error';
    return { fingerprint, fault: `cannot be read (${code}): make it a file that this user may read` };
  }
}

/** Empty for a file that is not there. */
export function fingerprintOf(file: string): string {
  try {
    const { mtimeMs, ctimeMs, size, ino } = statSync(file);
    return `${mtimeMs} ${ctimeMs} ${size} ${ino}`;
  } catch {
    return '';
  }
}
