/** Server-sent events out of a byte stream, cut anywhere (HTML Living Standard, section 9.2.6). */
export interface ServerEvent {
  readonly name: string;
  readonly data: string;
  /** In force when this event came; '' before the first. */
  readonly lastId: string;
}

/** One event is far smaller; more than this without an end is no event stream. */
const MAX_PENDING_CHARS = 1_048_576;

export class EventParser {
  readonly #decoder = new TextDecoder();
  readonly #onEvent: (event: ServerEvent) => void;
  #rest = '';
  #name = '';
  #data: string[] = [];
  #lastId = '';

  constructor(onEvent: (event: ServerEvent) => void) {
    this.#onEvent = onEvent;
  }

  get lastId(): string {
    return this.#lastId;
  }

  /** @throws RangeError when a line does not end */
  push(bytes: Uint8Array): void {
    const lines = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split('\n');
    this.#rest = lines.pop() ?? '';
    if (this.#rest.length > MAX_PENDING_CHARS)
      throw new RangeError('a line of the event stream does not end');
    for (const line of lines) this.#line(line.endsWith('\r') ? line.slice(0, -1) : line);
  }

  #line(line: string): void {
    if (line === '') {
      this.#dispatch();
      return;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') this.#name = value;
    else if (field === 'data') this.#data.push(value);
    else if (field === 'id') this.#lastId = value;
  }

  #dispatch(): void {
    const name = this.#name === '' ? 'message' : this.#name;
    const data = this.#data;
    this.#name = '';
    this.#data = [];
    if (data.length > 0) this.#onEvent({ name, data: data.join('\n'), lastId: this.#lastId });
  }
}
