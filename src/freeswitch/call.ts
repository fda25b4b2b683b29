/** One user agent of a FreeSWITCH user, as far as its dialog with the focus has come. */
import { createHash } from 'node:crypto';
import { endKey, type FreeSwitchEnd } from './end.ts';
import type { DialogState } from './sip-side.ts';

export type JoinOutcome =
  | { readonly ok: true; readonly session: string }
  /** As the focus refuses: a SIP status, and the text of its Warning. */
  | { readonly ok: false; readonly status: number; readonly reason: string };

export interface Call extends DialogState {
  focusTag: string;
  target: string;
  /** Of our last request. */
  cseq: number;
  sdpVersion: number;
  isConnected: boolean;
  /** The user has left before the focus had answered. */
  isGivenUp?: true;
  expiresS: number;
  refreshAtMs: number;
  /** When the user last showed to be there. */
  heardMs: number;
  outcome?: JoinOutcome;
  waiting: ((outcome: JoinOutcome) => void)[];
}

/** How joining has ended, or will. */
export function outcomeOf(call: Call): Promise<JoinOutcome> {
  if (call.outcome !== undefined) return Promise.resolve(call.outcome);
  if (call.isConnected && call.focusTag !== '') return Promise.resolve({ ok: true, session: call.target });
  return new Promise((resolve) => call.waiting.push(resolve));
}

/** The device (RFC 5626): the same for the same end, so that it is told apart from the user's other clients. */
export function instanceOf(end: FreeSwitchEnd): string {
  const hex = createHash('sha256').update(endKey(end)).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    '-',
  );
}
