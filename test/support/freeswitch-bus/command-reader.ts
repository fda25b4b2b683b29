/** Takes the commands of one listener out of its bytes: lines to an empty one, then Content-Length bytes. */
export interface ReadCommand {
  /** First line. */
  readonly line: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

export class CommandReader {
  #bytes = Buffer.alloc(0);

  feed(chunk: Buffer): ReadCommand[] {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    const commands: ReadCommand[] = [];
    for (;;) {
      while (this.#bytes[0] === 0x0a || this.#bytes[0] === 0x0d) this.#bytes = this.#bytes.subarray(1);
      const end = this.#bytes.indexOf('\n\n');
      if (end < 0) return commands;
      const [line = '', ...rest] = this.#bytes.toString('utf8', 0, end).split('\n');
      const headers = rest.flatMap((text) => {
        const colon = text.indexOf(':');
        return colon < 1 ? [] : [[text.slice(0, colon), text.slice(colon + 1).trim()] as const];
      });
      const given = headers.findLast(([name]) => name.toLowerCase() === 'content-length')?.[1] ?? '0';
      const from = end + 2;
      const length = Number.parseInt(given, 10) || 0;
      if (this.#bytes.length < from + length) return commands;
      const body = this.#bytes.toString('utf8', from, from + length);
      this.#bytes = this.#bytes.subarray(from + length);
      commands.push({ line: line.trim(), headers, body });
    }
  }
}
