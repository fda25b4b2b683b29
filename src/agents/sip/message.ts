/** SIP messages as bytes and back (RFC 3261 section 7). Independent of the product's own codec on purpose. */
import { parseNameAddr, parseVia, splitOutside } from './header-values.ts';

export type HeaderField = readonly [name: string, value: string];

/** A body with its type; `multipart()` and friends in documents.ts make these. */
export interface Body {
  readonly contentType: string;
  readonly content: string | Buffer;
}

const COMPACT: Readonly<Record<string, string>> = {
  a: 'accept-contact',
  b: 'referred-by',
  c: 'content-type',
  e: 'content-encoding',
  f: 'from',
  i: 'call-id',
  j: 'reject-contact',
  k: 'supported',
  l: 'content-length',
  m: 'contact',
  o: 'event',
  r: 'refer-to',
  s: 'subject',
  t: 'to',
  u: 'allow-events',
  v: 'via',
  x: 'session-expires',
};

function canonical(name: string): string {
  const lower = name.toLowerCase();
  return COMPACT[lower] ?? lower;
}

export class SipSyntaxError extends Error {
  readonly code = 'AGENT_SIP_SYNTAX';
}

/** One received (or just built) message. Header names match in any case and in compact form. */
export class SipMessage {
  readonly raw: Buffer;
  readonly startLine: string;
  readonly fields: readonly HeaderField[];
  readonly bodyBytes: Buffer;
  readonly isRequest: boolean;
  /** Of a request: its method; of a response: the method in CSeq. */
  readonly method: string;
  /** '' in a response. */
  readonly requestUri: string;
  /** 0 in a request. */
  readonly status: number;
  readonly reason: string;
  readonly cseq: number;

  constructor(raw: Buffer, startLine: string, fields: readonly HeaderField[], bodyBytes: Buffer) {
    this.raw = raw;
    this.startLine = startLine;
    this.fields = fields;
    this.bodyBytes = bodyBytes;
    const cseq = /^(\d+)\s+(\S+)$/.exec(this.header('CSeq') ?? '');
    if (cseq === null) throw new SipSyntaxError(`CSeq is missing or malformed in "${startLine}"`);
    this.cseq = Number(cseq[1]);
    const response = /^SIP\/2\.0 (\d{3}) ?(.*)$/.exec(startLine);
    this.isRequest = response === null;
    if (response !== null) {
      this.method = cseq[2] ?? '';
      this.requestUri = '';
      this.status = Number(response[1]);
      this.reason = response[2] ?? '';
      return;
    }
    const request = /^(\S+) (\S+) SIP\/2\.0$/.exec(startLine);
    if (request === null) throw new SipSyntaxError(`malformed start line "${startLine}"`);
    this.method = request[1] ?? '';
    this.requestUri = request[2] ?? '';
    this.status = 0;
    this.reason = '';
  }

  /** One complete message; a UDP body is cut at Content-Length. Throws SipSyntaxError. */
  static parse(raw: Buffer): SipMessage {
    const end = raw.indexOf('\r\n\r\n');
    if (end < 0) throw new SipSyntaxError('no empty line after the headers');
    const [startLine = '', ...lines] = raw.subarray(0, end).toString('utf8').split('\r\n');
    const fields: HeaderField[] = [];
    for (const line of lines) {
      if (/^[ \t]/.test(line)) {
        const last = fields.pop();
        if (last === undefined) throw new SipSyntaxError('a folded line without a header before it');
        fields.push([last[0], `${last[1]} ${line.trim()}`]);
        continue;
      }
      const colon = line.indexOf(':');
      if (colon <= 0) throw new SipSyntaxError(`header line without name: "${line}"`);
      fields.push([line.slice(0, colon).trimEnd(), line.slice(colon + 1).trim()]);
    }
    const rest = raw.subarray(end + 4);
    const length = fields.find(([name]) => canonical(name) === 'content-length')?.[1];
    if (length !== undefined && !/^\d+$/.test(length)) throw new SipSyntaxError('malformed Content-Length');
    if (length !== undefined && Number(length) > rest.length) {
      throw new SipSyntaxError(`Content-Length ${length} but only ${rest.length} bytes of body`);
    }
    return new SipMessage(
      raw,
      startLine,
      fields,
      length === undefined ? rest : rest.subarray(0, Number(length)),
    );
  }

  /** The value of the first such header line. */
  header(name: string): string | undefined {
    const wanted = canonical(name);
    return this.fields.find(([field]) => canonical(field) === wanted)?.[1];
  }

  /** The values of all such header lines, as they stand. */
  headers(name: string): string[] {
    const wanted = canonical(name);
    return this.fields.filter(([field]) => canonical(field) === wanted).map(([, value]) => value);
  }

  /** The members of a comma list over all such header lines (Via, Route, Contact, Allow, Supported …). */
  values(name: string): string[] {
    return this.headers(name).flatMap((value) => splitOutside(value, ','));
  }

  /** The body read as UTF-8. */
  get body(): string {
    return this.bodyBytes.toString('utf8');
  }

  get callId(): string {
    return this.header('Call-ID') ?? '';
  }

  get fromTag(): string {
    return parseNameAddr(this.header('From') ?? '').params.get('tag') ?? '';
  }

  get toTag(): string {
    return parseNameAddr(this.header('To') ?? '').params.get('tag') ?? '';
  }

  /** `branch@sent-by` of the topmost Via: with the method it names the transaction. */
  get transactionId(): string {
    const via = parseVia(this.values('Via')[0] ?? '');
    return `${via.params.get('branch') ?? ''}@${via.sentBy.toLowerCase()}`;
  }

  /** Short form for messages to people: `INVITE sip:x` or `200 OK (INVITE)`. */
  get summary(): string {
    return this.isRequest
      ? `${this.method} ${this.requestUri}`
      : `${this.status} ${this.reason} (${this.method})`;
  }
}

/** Bytes of a message; Content-Length is added unless the fields have one. */
export function formatMessage(startLine: string, fields: readonly HeaderField[], body: Buffer): Buffer {
  const lines = [startLine, ...fields.map(([name, value]) => `${name}: ${value}`)];
  if (!fields.some(([name]) => canonical(name) === 'content-length'))
    lines.push(`Content-Length: ${body.length}`);
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'utf8'), body]);
}

/** Lines that the caller adds or puts in place of ours; a null value takes ours away. */
export type HeaderOverrides = readonly (readonly [name: string, value: string | null])[];

/** Our fields with the caller's: a name that the caller gives replaces all of ours with that name. */
export function mergeFields(own: readonly HeaderField[], overrides: HeaderOverrides = []): HeaderField[] {
  const given = new Set(overrides.map(([name]) => canonical(name)));
  const kept = own.filter(([name]) => !given.has(canonical(name)));
  for (const [name, value] of overrides) if (value !== null) kept.push([name, value]);
  return kept;
}

/** Cuts a TCP byte stream into messages by Content-Length (RFC 3261 section 18.3); CRLF keep-alives are skipped. */
export class SipStream {
  #buffer: Buffer = Buffer.alloc(0);

  feed(chunk: Buffer): Buffer[] {
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    const messages: Buffer[] = [];
    for (;;) {
      let start = 0;
      while (this.#buffer[start] === 13 || this.#buffer[start] === 10) start += 1;
      if (start > 0) this.#buffer = this.#buffer.subarray(start);
      const end = this.#buffer.indexOf('\r\n\r\n');
      if (end < 0) return messages;
      const head = this.#buffer.subarray(0, end).toString('latin1');
      const length = Number(/^(?:content-length|l)[ \t]*:[ \t]*(\d+)/im.exec(head)?.[1] ?? '0');
      const total = end + 4 + length;
      if (this.#buffer.length < total) return messages;
      messages.push(Buffer.from(this.#buffer.subarray(0, total)));
      this.#buffer = this.#buffer.subarray(total);
    }
  }
}
