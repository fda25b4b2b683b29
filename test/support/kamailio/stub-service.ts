import {
  KamailioRpcServer,
  type Logger,
  type SipNotice,
  type SipReply,
  type SipRequestAnswer,
  type SipRequestCall,
} from 'kamailio-jsonrpc';
import { parseSip, type SipText } from './sip-text.ts';

export const SECRET = 'test-secret-0123456789';

export interface HeardRequest extends SipRequestCall {
  readonly sip: SipText;
}

export interface HeardNotice extends SipNotice {
  readonly kind: 'ack' | 'cancel' | 'uac.reply';
  readonly sip: SipText;
}

const WAIT_MS = 8000;

/** The decision service's end, with answers that the test decides. */
export class StubService {
  readonly server: KamailioRpcServer;
  readonly requests: HeardRequest[] = [];
  readonly notices: HeardNotice[] = [];
  /** Decides each request; default: 200 with a tag of its own. */
  decide: (call: HeardRequest) => SipRequestAnswer = () => ({ reply: ok() });
  readonly #waiting = new Set<() => void>();
  connections = 0;

  constructor(port: number, log: Logger = quiet) {
    const heard = (kind: HeardNotice['kind']) => (notice: SipNotice) => {
      this.notices.push({ ...notice, kind, sip: parseSip(notice.message.toString('utf8')) });
      this.#wake();
    };
    this.server = new KamailioRpcServer({
      host: '127.0.0.1',
      port,
      secret: SECRET,
      log,
      handlers: {
        request: (call) => {
          const known = { ...call, sip: parseSip(call.message.toString('utf8')) };
          this.requests.push(known);
          this.#wake();
          return this.decide(known);
        },
        ack: heard('ack'),
        cancel: heard('cancel'),
        uacReply: heard('uac.reply'),
        connected: () => {
          this.connections++;
          this.#wake();
        },
      },
    });
  }

  /** Waits until Kamailio has dialled in. */
  async whenConnected(atLeast = 1): Promise<void> {
    await this.#until('a connection', () => (this.connections >= atLeast ? true : undefined));
  }

  expectRequest(what: string, fits: (call: HeardRequest) => boolean): Promise<HeardRequest> {
    return this.#until(what, () => take(this.requests, fits));
  }

  expectNotice(
    kind: HeardNotice['kind'],
    fits: (notice: HeardNotice) => boolean = () => true,
  ): Promise<HeardNotice> {
    return this.#until(kind, () => take(this.notices, (notice) => notice.kind === kind && fits(notice)));
  }

  async #until<T>(what: string, look: () => T | undefined): Promise<T> {
    const deadline = Date.now() + WAIT_MS;
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      const rest = deadline - Date.now();
      if (rest <= 0) throw new Error(`the service waited in vain for ${what}`);
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, rest);
      const wake = () => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      this.#waiting.add(wake);
      await promise;
    }
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}

export function ok(toTag = 'service-tag', headers: SipReply['headers'] = [], body?: string): SipReply {
  return body === undefined
    ? { code: 200, reason: 'OK', toTag, headers }
    : { code: 200, reason: 'OK', toTag, headers, body };
}

export const quiet: Logger = {
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  debug: () => undefined,
};

function take<T>(list: T[], fits: (item: T) => boolean): T | undefined {
  const index = list.findIndex(fits);
  return index < 0 ? undefined : list.splice(index, 1)[0];
}
