/** A TCP connection that somebody can cut and mend: bytes go through, or nowhere, and neither end is told. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export class CutWire {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isCut = false;
  #fatal: { readonly words: string; readonly onWords: () => void } | undefined;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param target `host:port` */
  static async to(target: string): Promise<CutWire> {
    const server = createServer();
    const wire = new CutWire(server);
    const colon = target.lastIndexOf(':');
    server.on('connection', (near) =>
      wire.#join(near, target.slice(0, colon), Number(target.slice(colon + 1))),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return wire;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  cut(): void {
    this.#isCut = true;
  }

  /** Cuts it the moment these words are to go through, from either end: they do not. Resolves then. */
  cutBefore(words: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#fatal = { words, onWords: resolve };
    return promise;
  }

  /** What was connected before stays dead: it has missed too much. */
  mend(): void {
    this.#isCut = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.mend();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(near: Socket, host: string, port: number): void {
    const far = connect({ host, port });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(from);
      from.on('data', (bytes) => {
        const { words, onWords } = this.#fatal ?? {};
        if (words !== undefined && bytes.includes(words)) {
          this.#fatal = undefined;
          this.cut();
          onWords?.();
        }
        if (!this.#isCut) to.write(bytes);
      });
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.#sockets.delete(from);
        if (!this.#isCut) to.destroy();
      });
    }
  }
}
