/** All that the agents send and receive, in the order in which it happened; a copy of a SIP message is counted, not repeated. */

import { MsrpStream } from '../../agents/msrp/frame.ts';
import type { MsrpTraceEntry } from '../../agents/msrp/session-types.ts';
import type { TraceEntry } from '../../agents/sip/core.ts';
import { shortMsrp, shortSip } from './short-form.ts';
import type { ToldMessage } from './story.ts';

export class Capture {
  readonly counts = { sip: 0, msrp: 0, copies: 0 };
  readonly #fresh: ToldMessage[] = [];
  /** By agent, direction and bytes. */
  readonly #known = new Map<string, ToldMessage>();

  readonly sip = (agent: string, { message, direction, bytes, at }: TraceEntry): void => {
    if (message === undefined || direction === 'note') return; // Bytes that do not parse are among the agent's faults.
    const key = `${agent} ${direction} ${bytes.toString('latin1')}`;
    const known = this.#known.get(key);
    if (known !== undefined) {
      this.counts.copies += 1;
      if (this.#fresh.includes(known)) known.copies += 1;
      else this.#fresh.push({ ...known, atMs: at.getTime(), isLateCopy: true });
      return;
    }
    const told: ToldMessage = {
      ...shortSip(message),
      atMs: at.getTime(),
      agent,
      peer: 'Kamailio',
      protocol: 'SIP',
      direction,
      callId: message.callId,
      method: message.method,
      status: message.status,
      text: bytes.toString('utf8'),
      copies: 1,
      isLateCopy: false,
    };
    this.#known.set(key, told);
    this.counts.sip += 1;
    this.#fresh.push(told);
  };

  readonly msrp = (agent: string, entry: MsrpTraceEntry): void => {
    if (entry.direction === 'note') return;
    const frame = entry.frame ?? new MsrpStream().feed(entry.bytes)[0];
    if (frame === undefined) return;
    this.counts.msrp += 1;
    this.#fresh.push({
      ...shortMsrp(frame),
      atMs: entry.at.getTime(),
      agent,
      peer: 'switch',
      protocol: 'MSRP',
      direction: entry.direction,
      callId: '',
      method: '',
      status: frame.status,
      text: entry.bytes.toString('utf8'),
      copies: 1,
      isLateCopy: false,
    });
  };

  /** What has come since the last call. */
  take(): ToldMessage[] {
    return this.#fresh.splice(0);
  }
}
