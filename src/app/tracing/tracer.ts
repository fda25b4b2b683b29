/** What is traced of the focus: what Kamailio asks and tells, and what is asked of Kamailio and of the switches. */
import type { KamailioHandlers, SipNotice } from 'kamailio-jsonrpc';
import type { KamailioPort, SwitchPort } from '../../engine/performer.ts';
import type { DecisionRecord } from '../../focus/ports.ts';
import type { TraceExporter } from './exporter.ts';
import { type Span, traceIdOf } from './span.ts';

const FIRST_SERVER_FAULT = 500;

export class FocusTracer {
  readonly #exporter: Pick<TraceExporter, 'add'>;
  /** Decisions of the call that is being served. */
  #decided: DecisionRecord[] | undefined;

  constructor(exporter: Pick<TraceExporter, 'add'>) {
    this.#exporter = exporter;
  }

  noteDecision(record: DecisionRecord): void {
    this.#decided?.push(record);
  }

  /** One span for each call of Kamailio, with what was decided on it; in the trace of the dialog. */
  handlers(inner: KamailioHandlers): KamailioHandlers {
    const notice = (name: string, handle: (notice: SipNotice) => void) => (told: SipNotice) => {
      this.#serve(name, () => handle(told));
    };
    const { again } = inner;
    return {
      request: (call) => this.#serve('SIP request', () => inner.request(call)),
      ...(again === undefined ? {} : { again: again.bind(inner) }),
      ack: notice('SIP ACK', (told) => inner.ack(told)),
      cancel: notice('SIP CANCEL', (told) => inner.cancel(told)),
      uacReply: notice('SIP response', (told) => inner.uacReply(told)),
      connected: (peer) => inner.connected?.(peer),
      disconnected: (peer) => inner.disconnected?.(peer),
    };
  }

  kamailio(inner: KamailioPort): KamailioPort {
    return {
      reply: (transaction, reply) =>
        this.#ask(
          { name: `Kamailio reply ${reply.code}`, seed: `${transaction.kam} ${transaction.tid}` },
          { 'sip.status': reply.code, 'kamailio.node': transaction.kam },
          () => inner.reply(transaction, reply),
        ),
      request: (effect) =>
        this.#ask(
          { name: `Kamailio ${effect.method}`, seed: effect.callId },
          { 'sip.method': effect.method, 'sip.call_id': effect.callId, 'kamailio.node': effect.kam },
          () => inner.request(effect),
        ),
      cancel: (effect) =>
        this.#ask(
          { name: 'Kamailio CANCEL', seed: effect.callId },
          { 'sip.method': 'CANCEL', 'sip.call_id': effect.callId, 'kamailio.node': effect.kam },
          () => inner.cancel(effect),
        ),
      ...(inner.epochOf === undefined ? {} : { epochOf: (kam: string) => inner.epochOf?.(kam) }),
    };
  }

  switches<S extends SwitchPort & { choose(): unknown }>(inner: S): SwitchPort & Pick<S, 'choose'> {
    return {
      choose: () => inner.choose(),
      command: (switchId, op, body) => {
        const { session } = body as { readonly session?: string };
        return this.#ask(
          { name: `switch ${op}`, seed: session ?? switchId },
          { 'im.switch': switchId, 'im.session': session },
          () => inner.command(switchId, op, body),
        );
      },
    };
  }

  #serve<T>(name: string, handle: () => T): T {
    const startMs = now();
    this.#decided = [];
    try {
      return handle();
    } finally {
      const endMs = now();
      for (const record of this.#decided.splice(0, 1))
        this.#exporter.add(decisionSpan(name, record, startMs, endMs));
      this.#decided = undefined;
    }
  }

  async #ask<T>(
    { name, seed }: { readonly name: string; readonly seed: string },
    attributes: Span['attributes'],
    call: () => Promise<T>,
  ): Promise<T> {
    const startMs = now();
    let isFailed = true;
    try {
      const answer = await call();
      isFailed = false;
      return answer;
    } finally {
      this.#exporter.add({
        name,
        kind: 'client',
        traceId: traceIdOf(seed),
        startMs,
        endMs: now(),
        attributes,
        isFailed,
      });
    }
  }
}

function decisionSpan(name: string, record: DecisionRecord, startMs: number, endMs: number): Span {
  const { trigger, clause, procedure, callId, status, session, warning, steps } = record;
  return {
    name: name === 'SIP request' ? `SIP ${trigger}` : name,
    kind: 'server',
    traceId: traceIdOf(callId ?? session ?? clause),
    startMs,
    endMs,
    attributes: {
      'im.clause': clause,
      'im.procedure': procedure,
      'im.session': session,
      'im.steps': steps.length,
      // The step that refused; what it found may name people.
      'im.refused_by': warning === undefined ? undefined : steps.at(-1)?.id,
      'sip.call_id': callId,
      'sip.status': status,
    },
    isFailed: status !== undefined && status >= FIRST_SERVER_FAULT && status < 600,
  };
}

/** Of the wall clock, with fractions. */
function now(): number {
  return performance.timeOrigin + performance.now();
}
