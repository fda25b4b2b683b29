/** The admin's REST interface as commands use it: where it is, who asks, and its problems as exit status and one line. */
import { asRunning } from '../app/running-config.ts';
import { formatHostPort, reachableHost } from '../config/address.ts';
import { loadOrTell } from './load-config.ts';

export { REST_FLAGS } from './rest-flags.ts';

/** 0 done, 1 failed, 2 not understood: as all commands end. */
export const EXIT = { done: 0, failed: 1, notUnderstood: 2 } as const;

export interface RestOptions {
  /** Of the interface: http or https, with or without a path before `/api`. */
  readonly url: string;
  readonly token?: string;
  /** For one request with its answer (default 30,000). */
  readonly timeoutMs?: number;
  /** Longest answer taken (default 64 MiB). */
  readonly maxBytes?: number;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_MAX_BYTES = 67_108_864;

export interface RestRequest {
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text goes as it is, with a content-type among `headers`; anything else as JSON. */
  readonly body?: unknown;
}

export interface RestAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** One thing wrong with what was sent. */
export interface RestFault {
  readonly path: string;
  readonly line?: number;
  readonly column?: number;
  readonly message: string;
}

/** What the interface refused, or why it could not be asked. The message is one line for people. */
export class RestError extends Error {
  /** Undefined: there was no answer. */
  readonly status: number | undefined;
  /** Code of the problem, such as `ADMIN_NOT_FOUND`. */
  readonly code: string | undefined;
  readonly faults: readonly RestFault[];

  constructor(message: string, status?: number, code?: string, faults: readonly RestFault[] = []) {
    super(message);
    this.name = 'RestError';
    this.status = status;
    this.code = code;
    this.faults = faults;
  }
}

export class RestClient {
  readonly #base: string;
  readonly #token: string | undefined;
  readonly #timeoutMs: number;
  readonly #maxBytes: number;

  /** @throws RestError when the URL cannot be used */
  constructor({ url, token, timeoutMs, maxBytes }: RestOptions) {
    this.#base = baseOf(url);
    this.#token = token;
    this.#timeoutMs = timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.#maxBytes = maxBytes ?? DEFAULT_MAX_BYTES;
  }

  /** `path` from `/api` on, its segments encoded by `encodeURIComponent`. @throws RestError for anything but 2xx */
  async ask(
    method: string,
    path: string,
    { query = {}, headers = {}, body }: RestRequest = {},
  ): Promise<RestAnswer> {
    const url = new URL(`${this.#base}${path}`);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const isText = typeof body === 'string';
    try {
      const response = await fetch(url, {
        method,
        // Nobody else is to get the token, or to answer in the place of who was asked.
        redirect: 'manual',
        signal: AbortSignal.timeout(this.#timeoutMs),
        headers: {
          accept: 'application/json',
          ...(this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }),
          ...(body === undefined || isText ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
      });
      const text = await textWithin(response, this.#maxBytes);
      if (!response.ok) throw refusalOf(response, text);
      return { status: response.status, headers: response.headers, text };
    } catch (error) {
      if (error instanceof RestError) throw error;
      throw new RestError(`${url.origin} does not answer: ${reasonOf(error, this.#timeoutMs)}`);
    }
  }

  /** The body of a 2xx as JSON; the caller knows its shape from the route's schema. @throws RestError */
  async json<T>(method: string, path: string, request?: RestRequest): Promise<T> {
    const { text } = await this.ask(method, path, request);
    try {
      return JSON.parse(text) as T;
    } catch {
      throw new RestError(`${this.#base} answers what is no JSON: it is no admin interface of Parley`);
    }
  }
}

function baseOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new RestError(`--url must be like http://127.0.0.1:8085, not ${JSON.stringify(text)}`);
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new RestError('--url may have host, port and path only; the token goes into PARLEY_TOKEN');
  }
  return url.origin + url.pathname.replace(/\/+$/, '');
}

async function textWithin(response: Response, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > maxBytes) throw new RestError(`the answer is longer than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function refusalOf({ status, headers }: Response, text: string): RestError {
  const problem = headers.get('content-type')?.startsWith('application/problem+json')
    ? problemIn(text)
    : undefined;
  if (problem === undefined) {
    return new RestError(`the answer is ${status}, and not of an admin interface of Parley`, status);
  }
  const { detail, code, errors } = problem;
  const hint = code === 'ADMIN_TOKEN_NEEDED' ? '; PARLEY_TOKEN gives one to commands' : '';
  return new RestError(`${oneLine(detail)} (${code})${hint}`, status, code, errors);
}

interface ProblemBody {
  readonly detail: string;
  readonly code: string;
  readonly errors?: readonly RestFault[];
}

function problemIn(text: string): ProblemBody | undefined {
  try {
    const body = JSON.parse(text) as Partial<ProblemBody> | null;
    return typeof body?.detail === 'string' && typeof body.code === 'string'
      ? (body as ProblemBody)
      : undefined;
  } catch {
    return undefined;
  }
}

function reasonOf(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `nothing came in ${timeoutMs / 1000} s`;
  const { cause } = error;
  if (cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED') {
    return 'nobody listens there. Is the focus running, and its admin.listen what --url or --config says?';
  }
  return oneLine(cause instanceof Error && cause.message !== '' ? cause.message : error.message);
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ');
}

/** What the flags and the environment say; undefined after a configuration with faults, which are told. */
export function restOptionsOf(
  flags: ReadonlyMap<string, string>,
  env: Readonly<Record<string, string | undefined>> = process.env,
): RestOptions | undefined {
  const given = flags.get('token') ?? env['PARLEY_TOKEN'];
  const token = given === undefined || given === '' ? {} : { token: given };
  const url = flags.get('url');
  if (url !== undefined) return { url, ...token };
  const loaded = loadOrTell(flags.get('config'));
  if (loaded === undefined) return undefined;
  const { host, port } = asRunning(loaded.config).admin.listen;
  if (port === 0)
    throw new RestError(
      'admin.listen has a free port, and no `up` has run with it: say with --url where it is',
    );
  return { url: `http://${formatHostPort({ host: reachableHost(host), port })}`, ...token };
}

/**
 * Runs a command that asks the interface; what it throws as RestError goes to stderr: `parley: NAME: what is wrong
 * (CODE)`, and a line for each fault of the content. @returns the exit status
 */
export async function withRest(
  name: string,
  flags: ReadonlyMap<string, string>,
  run: (rest: RestClient) => Promise<number>,
): Promise<number> {
  try {
    const options = restOptionsOf(flags);
    return options === undefined ? EXIT.failed : await run(new RestClient(options));
  } catch (error) {
    if (!(error instanceof RestError)) throw error;
    process.stderr.write(`parley: ${name}: ${shown(error.message)}\n`);
    for (const fault of error.faults) process.stderr.write(`  ${faultLine(fault)}\n`);
    return EXIT.failed;
  }
}

/** `12:7: /group/list-service/list: what is wrong`, of XML; `/members/0/uri: …` of JSON. */
export function faultLine({ path, line, column, message }: RestFault): string {
  const at = line === undefined ? '' : `${line}${column === undefined ? '' : `:${column}`}: `;
  return shown(`${at}${path}: ${message}`);
}

/** What was written wrongly on the command line. @returns the exit status */
export function notUnderstood(name: string, message: string): number {
  process.stderr.write(`parley: ${name}: ${message}\n`);
  return EXIT.notUnderstood;
}

/** Names come from clients: nothing of them is to reach the terminal as a command to it. */
export function shown(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, '\u{fffd}');
}

export interface Column<T> {
  readonly title: string;
  readonly of: (row: T) => string | number | boolean | null | undefined;
  /** Numbers stand to the right. */
  readonly isRight?: boolean;
}

/** One line a row below the titles, each ended; nothing for no rows. */
export function formatTable<T>(rows: readonly T[], columns: readonly Column<T>[]): string {
  if (rows.length === 0) return '';
  const cells = [
    columns.map(({ title }) => title),
    ...rows.map((row) => columns.map(({ of }) => shown(String(of(row) ?? '')))),
  ];
  const widths = columns.map((_, at) => Math.max(...cells.map((line) => line[at]?.length ?? 0)));
  return cells
    .map((line) => {
      const padded = line.map((cell, at) =>
        columns[at]?.isRight === true ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0),
      );
      return `${padded.join('  ').trimEnd()}\n`;
    })
    .join('');
}
