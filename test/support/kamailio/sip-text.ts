/** Just enough SIP for tests that look at the wire: no product code is used to judge product code. */
export interface SipText {
  readonly startLine: string;
  /** 0 for a request. */
  readonly status: number;
  readonly method: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  readonly raw: string;
}

export function parseSip(raw: string): SipText {
  const split = raw.indexOf('\r\n\r\n');
  const [startLine = '', ...lines] = raw.slice(0, split).split('\r\n');
  const headers = lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()] as const;
  });
  const status = startLine.startsWith('SIP/2.0 ') ? Number(startLine.split(' ')[1]) : 0;
  const cseq = headers.find(([name]) => name.toLowerCase() === 'cseq')?.[1] ?? '';
  return { startLine, status, method: cseq.split(' ')[1] ?? '', headers, body: raw.slice(split + 4), raw };
}

export function header(message: SipText, name: string): string {
  return headers(message, name)[0] ?? '';
}

export function headers(message: SipText, name: string): string[] {
  return message.headers
    .filter(([key]) => key.toLowerCase() === name.toLowerCase())
    .map(([, value]) => value);
}

export function tag(value: string): string {
  return /;tag=([^;>\s]+)/.exec(value)?.[1] ?? '';
}

/** The URI in angle brackets. */
export function uriOf(value: string): string {
  return /<([^>]+)>/.exec(value)?.[1] ?? value;
}
