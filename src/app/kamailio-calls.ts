/** What Kamailio tells the focus, turned into events of the engine. Bad input is answered and goes no further. */
import type {
  AskedAgain,
  KamailioHandlers,
  SipNotice,
  SipReply,
  SipRequestAnswer,
  SipRequestCall,
} from 'kamailio-jsonrpc';
import type { Logger } from 'pino';
import type { Engine } from '../engine/engine.ts';
import { refusal } from '../focus/decision.ts';
import { replyToRefusal } from '../focus/responses.ts';
import type { FocusSettings } from '../focus/world.ts';
import { ParseError } from '../lib/errors.ts';
import { Histogram } from '../lib/histogram.ts';
import { randomIds } from '../lib/ids.ts';
import { parseSipMessage } from '../sip/message.ts';

export interface KamailioCallsOptions {
  readonly engine: Engine;
  readonly settings: FocusSettings;
  readonly log: Logger;
  /** A Kamailio (re)connected: what it kept for us meanwhile is to be read. */
  readonly onConnected: () => void;
  readonly onDisconnected: () => void;
  /** Every call says which start of which Kamailio it comes from. */
  readonly onEpoch: (kam: string, epoch: string) => void;
  /** The message was dealt with: its copy in the inbox is not needed any more. */
  readonly onHandled: (kam: string, message: Buffer, kind: 'ack' | 'cancel' | 'reply') => void;
  /** What it brings could not be committed now: its copy in the inbox is still needed. */
  readonly onPutOff: () => void;
}

export interface CallCounters {
  malformed: number;
  failed: number;
}

export class KamailioCalls implements KamailioHandlers {
  readonly counters: CallCounters = { malformed: 0, failed: 0 };
  /** From a request of Kamailio to its answer: reading it, the decision and its commit. */
  readonly latency = new Histogram();
  readonly #options: KamailioCallsOptions;
  #isStopping = false;

  constructor(options: KamailioCallsOptions) {
    this.#options = options;
  }

  request(call: SipRequestCall): SipRequestAnswer {
    const begunMs = performance.now();
    const answer = this.#request(call);
    this.latency.observe((performance.now() - begunMs) / 1000);
    return answer;
  }

  #request(call: SipRequestCall): SipRequestAnswer {
    const { engine, onEpoch, log } = this.#options;
    onEpoch(call.kam, call.epoch);
    try {
      const message = parseSipMessage(call.message);
      if (message.kind !== 'request')
        throw new ParseError('SIP_NOT_A_REQUEST', 'a response where a request belongs');
      return engine.request(message, {
        transaction: { kam: call.kam, epoch: call.epoch, tid: call.tid },
        src: call.src,
        rcv: call.rcv,
        asserted: call.asserted,
        trust: call.trust,
      });
    } catch (error) {
      if (error instanceof ParseError) {
        this.counters.malformed += 1;
        log.warn({ src: call.src, code: error.code, why: error.message }, 'malformed request refused');
        return { reply: this.#refuse(400, 'Bad Request', `${error.message} (${error.code})`) };
      }
      this.counters.failed += 1;
      log.error({ err: error, src: call.src, tid: call.tid }, 'a request failed by a fault of ours');
      return { reply: this.#refuse(500, 'Server Internal Error', 'the server failed; it has logged why') };
    }
  }

  /** Asked of the last run: what it has committed is still answered, all else the caller may try again. */
  again(asked: AskedAgain): SipRequestAnswer {
    const { engine, log, settings } = this.#options;
    if (engine.meansToReply(asked)) return { pending: true };
    log.warn({ ...asked }, 'asked again about a request that nobody knows');
    const unavailable = refusal(503, 'Service Unavailable', 'the server was restarted', [
      ['Retry-After', '5'],
    ]);
    return { reply: replyToRefusal(settings, unavailable, randomIds.token(50)) };
  }

  ack(notice: SipNotice): void {
    this.#notice(notice, 'ack');
  }

  cancel(notice: SipNotice): void {
    this.#notice(notice, 'cancel');
  }

  uacReply(notice: SipNotice): void {
    this.#notice(notice, 'reply');
  }

  connected(peer: string): void {
    this.#options.log.info({ peer }, 'Kamailio connected');
    this.#options.onConnected();
  }

  /** From now on it is no trouble when the connections of Kamailio end. */
  stopping(): void {
    this.#isStopping = true;
  }

  disconnected(peer: string): void {
    this.#options.log[this.#isStopping ? 'info' : 'warn']({ peer }, 'Kamailio disconnected');
    this.#options.onDisconnected();
  }

  /** Also for what is read from the inbox. @returns false when it is to be delivered again */
  deliver(message: Buffer, kind: 'ack' | 'cancel' | 'reply'): boolean {
    const { engine } = this.#options;
    const parsed = parseSipMessage(message);
    if (parsed.kind === 'response') return kind !== 'reply' || engine.response(parsed);
    if (kind === 'ack') return engine.ack(parsed);
    return kind !== 'cancel' || engine.cancel(parsed);
  }

  #notice(notice: SipNotice, kind: 'ack' | 'cancel' | 'reply'): void {
    const { log, onEpoch, onHandled, onPutOff } = this.#options;
    onEpoch(notice.kam, notice.epoch);
    try {
      if (this.deliver(notice.message, kind)) onHandled(notice.kam, notice.message, kind);
      else onPutOff();
    } catch (error) {
      if (error instanceof ParseError) {
        this.counters.malformed += 1;
        log.warn(
          { src: notice.src, kind, code: error.code, why: error.message },
          'malformed message ignored',
        );
        return;
      }
      this.counters.failed += 1;
      log.error({ err: error, kind, src: notice.src }, 'a notice failed by a fault of ours');
    }
  }

  #refuse(code: number, reason: string, why: string): SipReply {
    return replyToRefusal(this.#options.settings, refusal(code, reason, why), randomIds.token(50));
  }
}
