/** A stage with sessions in several states, valid messages of every kind for it, and ways to spoil them. */
import fc from 'fast-check';
import { formatResourceLists } from '../../../src/documents/resource-lists.ts';
import { formatSipMessage, type SipMessage, type SipRequest } from '../../../src/sip/message.ts';
import { listBody, sdp, sdpBody, sipRequest, sipResponse, user } from '../../unit/focus/messages.ts';
import { group, requestsOf, Stage } from '../../unit/focus/stage.ts';

export interface Sample {
  readonly name: string;
  readonly entry: 'request' | 'ack' | 'cancel' | 'response';
  readonly from: string;
  readonly bytes: Buffer;
}

export interface Scenery {
  readonly stage: Stage;
  readonly samples: readonly Sample[];
  /** A session that none of the messages is about. */
  readonly bystander: string;
}

export function buildScenery(): Scenery {
  const stage = new Stage({}, [group('crew', ['alice', 'bob', 'carol']), group('club', ['xavier', 'yves'])]);
  const club = stage.request({ uri: user('club'), from: user('xavier'), callId: 'xavier-1', ...sdpBody() });
  for (const invite of requestsOf(club, 'INVITE')) stage.answer(invite);
  const bystander = club.conference?.row.id ?? '';

  const running = stage.adHoc(['bob', 'carol']);
  const [toBob] = running.invites;
  if (toBob === undefined) throw new Error('nobody was invited');
  stage.answer(toBob);
  const session = stage.sessions.byId(running.decision.conference?.row.id ?? '');
  if (session === undefined) throw new Error('no session');
  const uri = session.row.identity;
  const alice = [...session.legs.values()].find(({ origin }) => origin === 'incoming');
  const subscribe = { method: 'SUBSCRIBE', uri, callId: 'sub-1', extra: [['Event', 'conference']] } as const;
  const subscribed = stage.request(subscribe);
  const forming = stage.request({
    callId: 'zoe-1',
    from: user('zoe'),
    ...listBody([user('bob'), user('dan')]),
  });
  const [pending] = requestsOf(forming, 'INVITE');
  const [notify] = requestsOf(subscribed, 'NOTIFY');
  const subscription = [...(stage.sessions.byId(session.row.id)?.subscriptions.values() ?? [])][0];
  if (alice === undefined || pending === undefined || notify === undefined || subscription === undefined)
    throw new Error('the stage is not set');

  const dialog = { uri, callId: 'alice-1', toTag: alice.dialog.localTag, cseq: 7 };
  const referList = {
    contentType: 'application/resource-lists+xml',
    body: formatResourceLists([{ uri: user('eve'), copyControl: 'to', anonymize: false }]),
  };
  const requests: Record<string, SipRequest> = {
    factory: sipRequest({ callId: 'new-1', ...listBody([user('bob'), user('eve')]) }),
    group: sipRequest({ callId: 'new-2', uri: user('crew'), ...sdpBody() }),
    rejoin: sipRequest({ callId: 'new-3', uri, from: user('bob'), ...sdpBody() }),
    private: sipRequest({
      callId: 'new-4',
      ...listBody([user('bob')]),
      extra: [
        ['Privacy', 'id'],
        ['Record-Route', '<sip:p.example;lr>'],
        ['Session-Expires', '1800;refresher=uac'],
        ['Subject', 'Harbour'],
        ['P-Charging-Vector', 'icid-value=1'],
      ],
    }),
    reinvite: sipRequest({ ...dialog, ...sdpBody(sdp({ version: 2 })) }),
    update: sipRequest({ ...dialog, method: 'UPDATE', extra: [['Session-Expires', '600']] }),
    bye: sipRequest({ ...dialog, method: 'BYE' }),
    options: sipRequest({ method: 'OPTIONS' }),
    subscribe: sipRequest({ ...subscribe, callId: 'sub-2' }),
    resubscribe: sipRequest({ ...subscribe, toTag: subscription.dialog.localTag, cseq: 2 }),
    add: sipRequest({ ...dialog, method: 'REFER', extra: [['Refer-To', `<${user('eve')}>`]] }),
    addList: sipRequest({
      ...dialog,
      method: 'REFER',
      extra: [
        ['Refer-To', '<cid:list@x>'],
        ['Require', 'multiple-refer'],
      ],
      ...referList,
    }),
    remove: sipRequest({
      method: 'REFER',
      uri,
      callId: 'new-5',
      extra: [['Refer-To', `<${user('bob')};method=BYE>`]],
    }),
  };
  const samples: Sample[] = Object.entries(requests).map(([name, message]) => ({
    name,
    entry: 'request',
    from:
      /<(sip:\w+@[\w.]+)/.exec(message.headers.find((field) => field.name === 'From')?.value ?? '')?.[1] ??
      '',
    bytes: formatSipMessage(message),
  }));
  const add = (name: string, entry: Sample['entry'], message: SipMessage) =>
    samples.push({ name, entry, from: user('alice'), bytes: formatSipMessage(message) });
  add('ack', 'ack', sipRequest({ ...dialog, cseq: 1, method: 'ACK', ...sdpBody() }));
  add('cancel', 'cancel', sipRequest({ method: 'CANCEL', callId: 'zoe-1', from: user('zoe') }));
  const far = { toTag: 'far', contact: '<sip:bob@192.0.2.9>' };
  add('ringing', 'response', sipResponse(pending.headers, { status: 180, ...far }));
  const routed = {
    extra: [
      ['Record-Route', '<sip:p.example;lr>'],
      ['Session-Expires', '600;refresher=uac'],
    ],
  } as const;
  add(
    'answer',
    'response',
    sipResponse(pending.headers, { status: 200, ...far, ...routed, body: sdp({ setup: 'active' }) }),
  );
  add(
    'refusal',
    'response',
    sipResponse(pending.headers, { status: 486, ...far, extra: [['Warning', '399 x "busy"']] }),
  );
  add('fork', 'response', sipResponse(toBob.headers, { status: 200, ...far, toTag: 'fork', body: sdp() }));
  add('notified', 'response', sipResponse(notify.headers, { status: 481 }));
  return { stage, samples, bystander };
}

const NASTY = [
  '',
  ' ',
  '<',
  '>',
  '"',
  '""',
  ';',
  ';;=',
  ',',
  ',,',
  '*',
  '<sip:>',
  '<sip:a@b',
  'sip:',
  'sip:%zz@b',
  'tel:',
  '<http://x>',
  '4294967296',
  '-1',
  '99999999999999999999',
  '1e9',
  'NaN',
  '\u0000',
  '\u00ff\u00fe',
  '\u2028',
  '"\\',
  '=?',
  '${}',
  '__proto__',
  '<sip:im-s-@im.example>',
  '0 INVITE',
  '1 BYE',
  'multipart/mixed',
  'multipart/mixed;boundary=""',
  'application/sdp',
  'x'.repeat(9000),
  '<sip:a@b>;tag=',
  '<sip:[::@b>',
  'timer',
  '0',
  'id;critical',
];

/** A change of the lines of a message, or of its bytes. */
export const spoiling: fc.Arbitrary<(bytes: Buffer) => Buffer> = fc.oneof(
  fc.nat().map((at) => onLines((lines) => lines.toSpliced(index(lines, at), 1))),
  fc
    .nat()
    .map((at) => onLines((lines) => lines.toSpliced(index(lines, at), 0, lines[index(lines, at)] ?? ''))),
  fc
    .tuple(fc.nat(), fc.nat())
    .map(([a, b]) => onLines((lines) => valued(lines, index(lines, a), valueOf(lines[index(lines, b)])))),
  fc
    .tuple(fc.nat(), fc.constantFrom(...NASTY))
    .map(([at, value]) => onLines((lines) => valued(lines, index(lines, at), value))),
  fc
    .tuple(fc.nat(), fc.string({ unit: 'binary', maxLength: 30 }))
    .map(([at, value]) => onLines((lines) => valued(lines, index(lines, at), value))),
  fc
    .tuple(fc.nat(), fc.nat(), fc.constantFrom(...NASTY))
    .map(([at, where, text]) => onLines((lines) => inserted(lines, index(lines, at), where, text))),
  fc.tuple(fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 4 })).map(
    ([at, bytes]) =>
      (message: Buffer) =>
        overwritten(message, at, bytes),
  ),
  fc
    .nat()
    .map(
      (length) => (message: Buffer) =>
        message.subarray(0, bodyAt(message) + (length % (message.length - bodyAt(message) + 1))),
    ),
  fc.tuple(fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 9 })).map(
    ([at, bytes]) =>
      (message: Buffer) =>
        overwritten(message, bodyAt(message) + at, bytes),
  ),
  fc.tuple(fc.nat(), fc.constantFrom(...NASTY)).map(
    ([at, text]) =>
      (message: Buffer) =>
        inBody(message, at, text),
  ),
);

const index = (lines: readonly string[], at: number) => 1 + (at % Math.max(1, lines.length - 1));
const valueOf = (line = '') => line.slice(line.indexOf(':') + 1).trim();

function valued(lines: readonly string[], at: number, value: string): string[] {
  const name = (lines[at] ?? '').split(':')[0];
  return lines.with(Math.min(at, lines.length - 1), `${name}: ${value}`);
}

function inserted(lines: readonly string[], at: number, where: number, text: string): string[] {
  const line = lines[at] ?? '';
  const position = where % (line.length + 1);
  return lines.with(Math.min(at, lines.length - 1), line.slice(0, position) + text + line.slice(position));
}

/** Without Content-Length, so that a spoilt body stays whole. */
function onLines(change: (lines: readonly string[]) => string[]): (bytes: Buffer) => Buffer {
  return (bytes) => {
    const end = bodyAt(bytes);
    const lines = change(bytes.toString('utf8', 0, Math.max(0, end - 4)).split('\r\n'));
    return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), bytes.subarray(end)]);
  };
}

export function withoutLength(bytes: Buffer): Buffer {
  return onLines((lines) => lines.filter((line) => !/^content-length:/i.test(line)))(bytes);
}

function bodyAt(bytes: Buffer): number {
  const at = bytes.indexOf('\r\n\r\n');
  return at < 0 ? bytes.length : at + 4;
}

function overwritten(message: Buffer, at: number, bytes: Uint8Array): Buffer {
  const copy = Buffer.from(message);
  if (copy.length > 0) copy.set(bytes.subarray(0, copy.length - (at % copy.length)), at % copy.length);
  return copy;
}

function inBody(message: Buffer, at: number, text: string): Buffer {
  const body = bodyAt(message);
  const position = body + (at % (message.length - body + 1));
  return Buffer.concat([message.subarray(0, position), Buffer.from(text), message.subarray(position)]);
}
