/**
 * Reference points from outside the repository: a directory with the sources of a generator (`msrpload.c`), of a minimal fan-out
 * in C (`msrpfan.c`) and of a forwarder of raw bytes on Node's net (`rawfan.js`). They are built in a scratch directory.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';

export interface Reference {
  readonly generator: string;
  readonly fanOut: string;
  readonly rawNet: string;
}

/** The programs, or why there are none. */
export function buildReference(directory: string | undefined, scratch: string): Reference | string {
  if (directory === undefined) return 'no --reference DIR given';
  const missing = ['msrpload.c', 'msrpfan.c', 'rawfan.js'].find((name) => !existsSync(join(directory, name)));
  if (missing !== undefined) return `${missing} is not in the directory of --reference`;
  for (const name of ['msrpload', 'msrpfan']) {
    const built = spawnSync('cc', ['-O2', '-w', '-o', join(scratch, name), join(directory, `${name}.c`)]);
    if (built.status !== 0)
      return `cc did not build ${name}.c: ${built.error?.message ?? String(built.stderr)}`;
  }
  // CommonJS, in a directory where nothing says so.
  copyFileSync(join(directory, 'rawfan.js'), join(scratch, 'rawfan.cjs'));
  return {
    generator: join(scratch, 'msrpload'),
    fanOut: join(scratch, 'msrpfan'),
    rawNet: join(scratch, 'rawfan.cjs'),
  };
}
