/** A file that a command line names, or `-` for standard input. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { RestError } from './rest.ts';

/** @throws RestError, which says where it was looked for: npm runs commands in the folder of the project */
export function readInput(file: string): Buffer {
  try {
    return readFileSync(file === '-' ? 0 : file);
  } catch (error) {
    const { code = 'error' } = error as NodeJS.ErrnoException;
    const [why, mend] = WHY[code] ?? [`(${code})`, 'give a file that can be read'];
    if (file === '-') throw new RestError(`standard input cannot be read: ${why}; name a file`);
    throw new RestError(`${resolve(file)} cannot be read: ${why}; ${mend}, or give - for standard input`);
  }
}

const WHY: Readonly<Record<string, readonly [why: string, mend: string]>> = {
  ENOENT: ['there is no such file', 'mend the name'],
  ENOTDIR: ['there is no such file', 'mend the name'],
  EACCES: ['this user may not read it', 'make it readable'],
  EISDIR: ['it is a folder', 'name a file in it'],
};
