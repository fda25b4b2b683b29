/** An operator spoke to all of a session: what is kept of it. The words are not. */
import type { Conference } from './conference.ts';
import type { Decision } from './decide.ts';
import { done, pass, Trace } from './procedure.ts';

export interface Announced {
  readonly by: string;
  readonly chars: number;
  readonly sent: number;
  readonly waiting: number;
  readonly unable: number;
}

/** 7.2.3: the user plane carries it; the session itself stays as it is. */
export function announcementMade(conference: Conference, made: Announced): Decision {
  const trace = new Trace();
  trace.note('operator', 'who orders it', pass(made.by));
  const { chars, sent, waiting, unable } = made;
  const found = `${chars} characters to ${sent} connection(s); ${waiting} will get it, ${unable} cannot`;
  trace.note('operator', 'all are told', done(found));
  return { clause: '7.2.3', procedure: 'An operator speaks to all', trace: trace.steps, conference };
}
