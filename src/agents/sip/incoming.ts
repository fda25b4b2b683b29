/** Sorts the requests that reach an agent: to its dialogs, its subscriptions, its queues; answers what answers itself. */
import { Mailbox } from '../waiting.ts';
import type { SipCore } from './core.ts';
import { type Dialog, type DialogHost, dialogFromRequest, dialogKey } from './dialog.ts';
import type { HeaderField, SipMessage } from './message.ts';
import { type Answer, ReceivedRequest } from './received-request.ts';
import type { ServerTransaction } from './server-transaction.ts';
import type { Subscription } from './subscription.ts';
import { UasInvite } from './uas-invite.ts';

export interface IncomingOptions {
  readonly core: SipCore;
  readonly host: DialogHost;
  readonly waitMs: number;
  readonly responseFields: (request: SipMessage, status: number) => readonly HeaderField[];
  readonly isUdp: boolean;
  /** User part of our Contact. */
  readonly ownUser: string;
}

export class Incoming {
  readonly dialogs = new Map<string, Dialog>();
  readonly subscriptions = new Set<Subscription>();
  readonly answers = new Map<string, (received: ReceivedRequest) => Answer>();
  readonly invites: Mailbox<UasInvite>;
  readonly requests: Mailbox<ReceivedRequest>;
  readonly #options: IncomingOptions;
  readonly #pending = new WeakMap<ServerTransaction, UasInvite>();

  constructor(options: IncomingOptions) {
    this.#options = options;
    const box = { seen: () => options.core.tail(), defaultTimeoutMs: options.waitMs };
    this.invites = new Mailbox({ ...box, describe: (invite) => invite.request.summary });
    this.requests = new Mailbox({ ...box, describe: (received) => received.request.summary });
  }

  /** The dialog that our 2xx to a SUBSCRIBE, REFER or early NOTIFY makes. */
  dialogOf(received: ReceivedRequest): Dialog {
    const dialog = dialogFromRequest(this.#options.host, received.request, received.localTag);
    dialog.state = 'confirmed';
    this.dialogs.set(dialog.key, dialog);
    return dialog;
  }

  cancel(message: SipMessage, transaction: ServerTransaction): void {
    this.#pending.get(transaction)?.cancel(message);
  }

  receive(transaction: ServerTransaction): void {
    const { request } = transaction;
    const { core, host, waitMs, responseFields } = this.#options;
    const dialog = this.dialogs.get(dialogKey(request.callId, request.toTag, request.fromTag));
    const received = new ReceivedRequest({ transaction, dialog, ownFields: responseFields });
    if (dialog !== undefined) this.#track(dialog, request);
    if (request.method === 'NOTIFY' && this.#notify(received)) return;
    if (request.method === 'INVITE' && request.toTag === '') {
      const invite = new UasInvite({ received, host, waitMs, seen: () => core.tail() });
      this.#pending.set(transaction, invite);
      this.invites.put(invite);
      return;
    }
    if (request.toTag !== '' && dialog === undefined) {
      if (this.#isForPortsLastOwner(request)) {
        received.reply(404);
        return;
      }
      core.note(`${request.method} in no dialog of ours (answered 481)`, request);
      received.reply(481);
      return;
    }
    const configured = this.answers.get(request.method);
    received.give(dialog?.onRequest?.(received) ?? configured?.(received) ?? defaultAnswer(received));
    if (request.method === 'BYE' && received.status < 300) dialog?.end('remote');
    this.requests.put(received);
  }

  /** A system gives a free port again soon: what still goes to an agent of another name there is no fault of who sends it. */
  #isForPortsLastOwner({ requestUri }: SipMessage): boolean {
    const user = /^sips?:([^@]*)@/i.exec(requestUri)?.[1];
    return user !== undefined && user !== this.#options.ownUser;
  }

  /** True when a subscription of ours took it. */
  #notify(received: ReceivedRequest): boolean {
    for (const subscription of this.subscriptions) {
      if (!subscription.matches(received.request)) continue;
      if (!subscription.hasDialog && received.dialog === undefined) {
        subscription.established(undefined, this.dialogOf(received));
      }
      subscription.notified(received);
      return true;
    }
    return false;
  }

  #track(dialog: Dialog, request: SipMessage): void {
    // What a proxy has passed on by UDP may have overtaken what it got before: its processes do not wait for each other.
    const isOvertaken =
      request.values('Via').length > 1 && this.#options.isUdp && !dialog.remoteCseqs.has(request.cseq);
    dialog.remoteCseqs.add(request.cseq);
    if (dialog.remoteCseq >= 0 && request.cseq <= dialog.remoteCseq && !isOvertaken) {
      const text = `${request.summary}: CSeq ${request.cseq} is not above ${dialog.remoteCseq}`;
      this.#options.core.violations.push(text);
    }
    dialog.remoteCseq = Math.max(dialog.remoteCseq, request.cseq);
    if (request.method === 'INVITE' || request.method === 'UPDATE') dialog.refreshTarget(request);
  }
}

/** A re-INVITE or UPDATE with an offer is answered with our last SDP; NOTIFY for nothing gets 481; the rest 200. */
function defaultAnswer(received: ReceivedRequest): Answer {
  const { request, dialog } = received;
  if (request.method === 'NOTIFY') return { status: 481 };
  if (request.method === 'REFER') return { status: 202 };
  const sdp = dialog?.localSdp;
  const needsSdp =
    request.method === 'INVITE' || (request.method === 'UPDATE' && request.bodyBytes.length > 0);
  if (!needsSdp) return { status: 200 };
  if (sdp === undefined) return { status: 488 };
  return { status: 200, body: { contentType: 'application/sdp', content: sdp } };
}
