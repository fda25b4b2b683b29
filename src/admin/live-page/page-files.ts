/**
 * The page's files as they are served: TypeScript without its types, style, the library that renders. There is no
 * build: Node, which strips types when it runs TypeScript, strips them here too (docs/decisions/0013).
 */
import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

export interface PageFile {
  readonly type: string;
  readonly bytes: Buffer;
  readonly gzipped: Buffer;
}

export interface PageFiles {
  /** Of all of it. */
  readonly version: string;
  /** The entry; it names all other files by their version. */
  readonly shell: PageFile;
  /** By `VERSION/NAME`: what has this name never changes. */
  readonly files: ReadonlyMap<string, PageFile>;
}

const SOURCES = fileURLToPath(new URL('../../page/', import.meta.url));
const SCRIPT = 'text/javascript; charset=utf-8';
const STYLE = 'text/css; charset=utf-8';
const HTML = 'text/html; charset=utf-8';
const ICON = 'icon.svg';
/** What the page uses of lit-html, by the path in its package. */
const LIBRARY = [
  'lit-html.js',
  'directive.js',
  'directive-helpers.js',
  'directives/live.js',
  'directives/repeat.js',
] as const;
const VENDOR = 'vendor';
const HASH_CHARS = 16;
const SHELL_MARK = '<!-- files -->';

let known: PageFiles | undefined;

/** The first call reads and strips them all: a third of a second. */
export function pageFiles(): PageFiles {
  known ??= readPageFiles();
  return known;
}

function readPageFiles(): PageFiles {
  const scripts = globSync('**/*.ts', { cwd: SOURCES }).sort();
  const styles = globSync('style/*.css', { cwd: SOURCES }).sort();
  const texts = new Map<string, { type: string; text: string }>([
    ...scripts.map((name) => [name, { type: SCRIPT, text: scriptOf(name) }] as const),
    ...styles.map(
      (name) => [name, { type: STYLE, text: readFileSync(join(SOURCES, name), 'utf8') }] as const,
    ),
    [ICON, { type: 'image/svg+xml', text: readFileSync(join(SOURCES, ICON), 'utf8') }],
    ...LIBRARY.map((name) => [`${VENDOR}/${name}`, { type: SCRIPT, text: libraryText(name) }] as const),
  ]);
  const shell = readFileSync(join(SOURCES, 'index.html'), 'utf8');
  const version = versionOf([shell, ...[...texts.values()].map(({ text }) => text)]);
  return {
    version,
    shell: pageFile(HTML, withFiles(shell, `/page/${version}`, styles, [...texts.keys()])),
    files: new Map([...texts].map(([name, { type, text }]) => [`${version}/${name}`, pageFile(type, text)])),
  };
}

function pageFile(type: string, text: string): PageFile {
  const bytes = Buffer.from(text);
  return { type, bytes, gzipped: gzipSync(bytes) };
}

function versionOf(texts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const text of texts) hash.update(text);
  return hash.digest('hex').slice(0, HASH_CHARS);
}

function scriptOf(name: string): string {
  const depth = name.split('/').length - 1;
  const vendor = `${depth === 0 ? './' : '../'.repeat(depth)}${VENDOR}/`;
  return stripped(readFileSync(join(SOURCES, name), 'utf8')).replace(
    /(from ')lit-html(\/(?:directives\/)?[a-z]+\.js)?(')/g,
    (_whole, open: string, path: string | undefined, close: string) =>
      `${open}${vendor}${path?.slice(1) ?? 'lit-html.js'}${close}`,
  );
}

/** Types become spaces, so lines and columns in a browser's tools are those of the source. */
function stripped(source: string): string {
  // The call is experimental and says so on stderr, which is the log's; Node's release is pinned by the lock file.
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  try {
    return stripTypeScriptTypes(source);
  } finally {
    process.emitWarning = emitWarning;
  }
}

function libraryText(name: string): string {
  // What `import` finds under Node is the build for servers, one folder below.
  const base = new URL('../', import.meta.resolve('lit-html'));
  return readFileSync(new URL(name, base), 'utf8').replace(/^\/\/# sourceMappingURL=.*$/m, '');
}

function withFiles(shell: string, base: string, styles: readonly string[], names: readonly string[]): string {
  const links = [
    `<link rel="icon" href="${base}/${ICON}">`,
    ...styles.map((name) => `<link rel="stylesheet" href="${base}/${name}">`),
    // All at once, instead of one after the other as the imports are found.
    ...names
      .filter((name) => !styles.includes(name) && name !== ICON)
      .map((name) => `<link rel="modulepreload" href="${base}/${name}">`),
    `<script type="module" src="${base}/main.ts"></script>`,
  ];
  return shell.replace(SHELL_MARK, () => links.join('\n'));
}
