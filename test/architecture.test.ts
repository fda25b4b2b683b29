/** The shape of the house, checked on the files themselves. Fails when it finds nothing to check. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MAX_LINES = 400;

/** What a folder of src may import; `*` for everything. The same direction as in .oxlintrc.json, on resolved paths. */
const CODECS = ['lib', 'sip', 'sdp', 'xml', 'switch-control', 'documents'];
const DIRECTION: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  sip: ['lib'],
  sdp: ['lib'],
  xml: ['lib'],
  'switch-control': ['lib'],
  documents: ['lib', 'sip', 'sdp', 'xml'],
  focus: CODECS,
  engine: [...CODECS, 'focus'],
  'event-socket': [...CODECS, 'focus'],
  msrp: [...CODECS, 'focus'],
  freeswitch: [...CODECS, 'focus', 'event-socket', 'msrp'],
  store: [...CODECS, 'focus'],
  admin: [...CODECS, 'focus'],
  'kamailio-jsonrpc': [],
  agents: [],
  page: [],
  config: ['lib'],
  app: [
    ...CODECS,
    'focus',
    'engine',
    'event-socket',
    'msrp',
    'freeswitch',
    'store',
    'admin',
    'kamailio-jsonrpc',
    'config',
  ],
  cli: [
    ...CODECS,
    'focus',
    'engine',
    'event-socket',
    'msrp',
    'freeswitch',
    'store',
    'admin',
    'kamailio-jsonrpc',
    'config',
    'agents',
    'app',
  ],
};
const PURE = ['sip/', 'sdp/', 'xml/', 'switch-control/', 'documents/', 'focus/', 'msrp/protocol/'];
const IMPURE = [
  /from '(node:)?(net|tls|fs|fs\/promises|timers|timers\/promises|worker_threads|dgram|http|child_process)'/,
  /from 'pino'/,
  /\bDate\.now\(/,
  /\bnew Date\(\)/,
  /\bMath\.random\(/,
  /\brandomUUID\(/,
  /\bset(Timeout|Interval|Immediate)\(/,
  /\bprocess\./,
];

/** Committed files and those about to be. */
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => file !== '');
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const sources = files.filter((file) => /^(src|test)\/.*\.ts$/.test(file) || /^deploy\/.*\.mjs$/.test(file));

/** `src/focus/x.ts` → `focus`; undefined for src/main.ts and what is outside src. */
function folderOf(file: string): string | undefined {
  return /^src\/([^/]+)\//.exec(file)?.[1];
}

function importsOf(file: string): string[] {
  const found = [...read(file).matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)];
  return found.map((match) => match[1] ?? '');
}

test('there is something to check', () => {
  assert(sources.length > 100, `only ${sources.length} source files were found`);
  assert(importsOf('src/main.ts').length > 0, 'no import was found');
});

test('dependencies point downwards only', () => {
  let checked = 0;
  for (const file of sources) {
    const folder = folderOf(file);
    if (folder === undefined || file.startsWith('src/kamailio-jsonrpc/test/')) continue;
    const may = DIRECTION[folder];
    assert(may !== undefined, `src/${folder} has no place in the direction of dependencies`);
    for (const specifier of importsOf(file)) {
      const isOurs = specifier.startsWith('.') || specifier === 'kamailio-jsonrpc';
      if (!isOurs) continue;
      const target = specifier.startsWith('.')
        ? normalize(join(dirname(file), specifier))
        : 'src/kamailio-jsonrpc/index.ts';
      checked++;
      const other = folderOf(target);
      assert(other !== undefined, `${file} imports ${target}, which is outside the folders of src`);
      assert(other === folder || may.includes(other), `${file} imports ${target}: src/${folder} must not`);
      assert(
        !(file.startsWith('src/msrp/protocol/') && /^src\/msrp\/(?!protocol\/)/.test(target)),
        `${file} imports ${target}: the codec must not`,
      );
    }
  }
  assert(checked > 50, `only ${checked} imports were checked`);
});

test('codecs and decisions are pure', () => {
  const pure = sources.filter((file) => PURE.some((folder) => file.startsWith(`src/${folder}`)));
  assert(pure.length > 20, `only ${pure.length} pure files were found`);
  for (const file of pure) {
    const code = read(file).replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
    for (const pattern of IMPURE) assert.doesNotMatch(code, pattern, `${file} is not pure`);
  }
});

test(`no source file is longer than ${MAX_LINES} lines`, () => {
  const long = sources
    .map((file) => [file, read(file).split('\n').length - 1] as const)
    .filter(([, lines]) => lines > MAX_LINES);
  assert.deepEqual(long, []);
});

test('files are named for what they hold: kebab-case, and no drawer for odds and ends', () => {
  for (const file of sources) {
    const name = file.split('/').at(-1) ?? '';
    assert.match(name, /^[a-z0-9][a-z0-9.-]*\.(ts|mjs)$/, file);
    assert.doesNotMatch(file, /(^|\/)(utils?|helpers?|common|misc)(\.ts|\.mjs|\/)/, file);
  }
});

test('no default exports, and nothing that type stripping cannot strip', () => {
  for (const file of sources) {
    assert.doesNotMatch(read(file), /^export default /m, file);
    assert.doesNotMatch(read(file), /^(export )?(const )?enum |^(export )?namespace /m, file);
  }
});

test('committed text names no place of the machine it was written on', () => {
  const texts = files.filter(
    (file) => !/\.(png|svg|ico|pcap|bin|db)$/.test(file) && file !== 'package-lock.json',
  );
  assert(texts.length > sources.length);
  // Written so that this file does not find itself.
  const places = [new RegExp('/(work|root|home)/[a-z]'), new RegExp('[\'"`( ]/tmp/[a-zA-Z]')];
  for (const file of texts) for (const place of places) assert.doesNotMatch(read(file), place, file);
});

test('the lock file names no registry host: it works against any mirror', () => {
  const lock = JSON.parse(read('package-lock.json')) as { packages: Record<string, { resolved?: string }> };
  const packages = Object.values(lock.packages);
  assert(packages.length > 20);
  assert.deepEqual(
    packages.filter(({ resolved }) => resolved?.includes('://') === true),
    [],
  );
});
