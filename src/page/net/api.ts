/** REST under /api/v1, with the token of this tab. */
import { Problem } from './problem.ts';
import type { ProblemBody } from './shapes.ts';

export interface Answer<T> {
  readonly body: T;
  readonly headers: Headers;
}

export interface Ask {
  readonly method?: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is; its type is in the headers. */
  readonly text?: string;
  readonly signal?: AbortSignal;
}

export interface Credentials {
  readonly token: string | null;
}

export class Api {
  readonly #credentials: Credentials;
  readonly #origin: string;
  /** Told when an answer says that the token is none (any more). */
  onTokenRefused: () => void = () => {};

  /** `origin` is where REST is: where the page comes from. */
  constructor(origin: string, credentials: Credentials) {
    this.#origin = origin;
    this.#credentials = credentials;
  }

  /** @throws Problem */
  async get<T>(path: string, ask: Ask = {}): Promise<T> {
    return (await this.ask<T>(path, ask)).body;
  }

  /** @throws Problem */
  async ask<T>(path: string, ask: Ask = {}): Promise<Answer<T>> {
    const response = await this.open(path, ask);
    const text = await response.text();
    return { body: (text === '' ? undefined : jsonOrText(response, text)) as T, headers: response.headers };
  }

  /** The response with its body unread. @throws Problem */
  async open(
    path: string,
    { method = 'GET', query = {}, headers = {}, body, text, signal }: Ask = {},
  ): Promise<Response> {
    const url = new URL(`/api/v1${path}`, this.#origin);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined && value !== '') url.searchParams.set(name, String(value));
    }
    const { token } = this.#credentials;
    const payload = body === undefined ? text : JSON.stringify(body);
    let response: Response;
    try {
      response = await fetch(url, {
        method,
        credentials: 'omit',
        headers: {
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(token === null ? {} : { authorization: `Bearer ${token}` }),
          ...headers,
        },
        ...(payload === undefined ? {} : { body: payload }),
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (error) {
      if (error instanceof DOMException && error.name === 'AbortError') throw error;
      throw Problem.unreachable();
    }
    if (response.ok) return response;
    const problem = await problemOf(response);
    if (problem.status === 401) this.onTokenRefused();
    throw problem;
  }
}

function jsonOrText(response: Response, text: string): unknown {
  return /json/.test(response.headers.get('content-type') ?? '') ? (JSON.parse(text) as unknown) : text;
}

async function problemOf(response: Response): Promise<Problem> {
  try {
    return new Problem((await response.json()) as ProblemBody);
  } catch {
    return new Problem({
      code: 'PAGE_ANSWER',
      status: response.status,
      detail: `the answer was ${response.status}`,
    });
  }
}
