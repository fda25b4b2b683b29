/** REFERs of clients: one user or a list, to invite or to remove, in a dialog or outside, and what is told of their progress. */
import { formatResourceLists } from '../../../src/documents/resource-lists.ts';
import type { SipRequest } from '../../../src/sip/message.ts';
import { fieldOf, type Lines, type RequestOptions, sipRequest, user } from '../../unit/focus/messages.ts';
import { dialogs, done, pick, userOf, within } from './acts.ts';
import { type System, USERS } from './system.ts';

/** By its bits, `choice` says how: invite or remove, with a NOTIFY or without. */
function target(choice: number): Lines {
  const uri = user(userOf(choice >> 2));
  return [
    ['Refer-To', choice % 2 === 0 ? `<${uri}>` : `<${uri};method=BYE>`],
    ...(choice % 3 === 0 ? ([['Refer-Sub', 'false']] as const) : []),
  ];
}

function list(choice: number): Pick<RequestOptions, 'extra' | 'contentType' | 'body'> {
  const isBye = choice % 2 === 1;
  const named = USERS.filter((_, index) => ((choice >> (index + 1)) & 1) === 1).slice(0, 3);
  const entries = (named.length === 0 ? [userOf(choice)] : named).map((name) => ({
    uri: isBye ? `${user(name)};method=BYE` : user(name),
    copyControl: 'to' as const,
    anonymize: false,
  }));
  return {
    extra: [
      ['Refer-To', '<cid:list@client>'],
      ['Require', 'multiple-refer'],
      ['Content-ID', '<list@client>'],
      ...(choice % 5 === 0 ? ([['Refer-Sub', 'false']] as const) : []),
    ],
    contentType: 'application/resource-lists+xml',
    body: formatResourceLists(entries),
  };
}

function send(system: System, request: SipRequest, from: string, isInDialog: boolean): void {
  const value = (name: string) => fieldOf(request, name);
  system.request(request, from, (tid) => {
    if (value('Refer-Sub') === 'false') return;
    system.outside.referrals.push({
      tid,
      user: from,
      callId: value('Call-ID'),
      fromTag: /;tag=(\S+)/.exec(value('From'))?.[1] ?? '',
      eventId: String(Number.parseInt(value('CSeq'), 10)),
      isInDialog,
      toTag: undefined,
      cseq: Number.parseInt(value('CSeq'), 10),
      isOver: false,
    });
  });
}

export function referInDialog(system: System, choice: number, isList: boolean): string | undefined {
  const what = isList ? list(choice) : { extra: target(choice) };
  let isSent = false;
  const dialog = within(system, choice >> 3, ({ options, user: from }) => {
    const request = sipRequest({ ...options, method: 'REFER', ...what });
    send(system, request, from, true);
    isSent = true;
    return undefined;
  });
  return isSent ? done(dialog, `refers to ${describe(what.extra, what)}`) : undefined;
}

export function referOutside(system: System, choice: number, isList: boolean): string | undefined {
  const dialog = pick(dialogs(system), choice >> 3);
  const uri = pick([...system.engine.sessions.all()], choice >> 5)?.row.identity;
  if (dialog === undefined || uri === undefined) return undefined;
  const callId = system.outside.next('refer');
  const what = isList ? list(choice) : { extra: target(choice) };
  const options = { method: 'REFER', callId, fromTag: 'f', uri, from: user(dialog.user), ...what };
  send(system, sipRequest(options), dialog.user, false);
  return `${dialog.user} refers ${uri} to ${describe(what.extra, what)} (${callId})`;
}

function describe(extra: Lines | undefined, { body }: Pick<RequestOptions, 'body'>): string {
  const uris = [...String(body ?? '').matchAll(/uri="([^"]+)"/g)].map(([, uri]) => uri);
  return uris.length > 0
    ? `the list ${uris.join(', ')}`
    : (extra?.find(([name]) => name === 'Refer-To')?.[1] ?? '');
}

/** The implicit subscription of a REFER that made a dialog of its own is asked for again, or ended. */
export function refreshReferral(system: System, choice: number): string | undefined {
  const referral = pick(
    system.outside.referrals.filter(({ isInDialog, isOver, toTag }) => !isInDialog && !isOver && toTag),
    choice,
  );
  if (referral === undefined) return undefined;
  referral.cseq += 1;
  const { callId, fromTag, toTag = '', cseq } = referral;
  const expires = choice % 3 === 0 ? '0' : '300';
  const extra = [
    ['Event', 'refer'],
    ['Expires', expires],
  ] as const;
  const from = user(referral.user);
  system.request(
    sipRequest({ method: 'SUBSCRIBE', callId, fromTag, toTag, cseq, from, extra }),
    referral.user,
  );
  return `${referral.user} asks for ${expires} s more of ${callId}`;
}
