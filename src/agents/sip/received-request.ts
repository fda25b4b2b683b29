/** A request that came in, and the ways to answer it. */

import type { Dialog } from './dialog.ts';
import {
  type Body,
  formatMessage,
  type HeaderField,
  type HeaderOverrides,
  mergeFields,
  type SipMessage,
} from './message.ts';
import { mirroredFields, newToken, reasonOf } from './responses.ts';
import type { ServerTransaction } from './server-transaction.ts';
import type { Source } from './transport.ts';

export interface Reply {
  readonly status: number;
  readonly reason?: string;
  readonly headers?: HeaderOverrides;
  readonly body?: Body;
}

/** An answer to give at once, or 'withhold' when the test will call `reply` itself (or never). */
export type Answer = Reply | 'withhold';

export interface ReceivedRequestOptions {
  readonly transaction: ServerTransaction;
  readonly dialog: Dialog | undefined;
  /** Contact, Allow, User-Agent … of the agent for this response. */
  readonly ownFields: (request: SipMessage, status: number) => readonly HeaderField[];
}

export class ReceivedRequest {
  readonly request: SipMessage;
  /** The dialog of ours that it belongs to. */
  readonly dialog: Dialog | undefined;
  readonly source: Source;
  readonly transaction: ServerTransaction;
  readonly #ownFields: ReceivedRequestOptions['ownFields'];
  /** The To tag of our responses; may be set before the first one. */
  localTag: string;

  constructor(options: ReceivedRequestOptions) {
    this.transaction = options.transaction;
    this.request = options.transaction.request;
    this.source = options.transaction.source;
    this.dialog = options.dialog;
    this.#ownFields = options.ownFields;
    this.localTag = this.request.toTag === '' ? newToken() : this.request.toTag;
  }

  get method(): string {
    return this.request.method;
  }

  /** The final status that we gave, 0 before. */
  get status(): number {
    return this.transaction.finalStatus;
  }

  /** The ACK to our final response to an INVITE; rejects when none came in 64·T1. */
  get acked(): Promise<SipMessage> {
    return this.transaction.acked;
  }

  reply(status: number, reason?: string, options: { headers?: HeaderOverrides; body?: Body } = {}): void {
    const recordRoutes =
      status > 100 && status < 300 && this.request.toTag === '' ? this.request.headers('Record-Route') : [];
    const own: HeaderField[] = [
      ...(status === 100
        ? mirroredFields(this.request, '').map(untagged)
        : mirroredFields(this.request, this.localTag)),
      ...recordRoutes.map((route): HeaderField => ['Record-Route', route]),
      ...this.#ownFields(this.request, status),
      ...(options.body === undefined ? [] : [['Content-Type', options.body.contentType] as const]),
    ];
    const content =
      options.body === undefined ? Buffer.alloc(0) : Buffer.from(options.body.content as string);
    this.transaction.localTag = this.localTag;
    const startLine = `SIP/2.0 ${status} ${reason ?? reasonOf(status)}`;
    this.transaction.respond(status, formatMessage(startLine, mergeFields(own, options.headers), content));
  }

  /** Gives this answer unless it is 'withhold'. */
  give(answer: Answer): void {
    if (answer === 'withhold') return;
    this.reply(answer.status, answer.reason, {
      ...(answer.headers === undefined ? {} : { headers: answer.headers }),
      ...(answer.body === undefined ? {} : { body: answer.body }),
    });
  }
}

/** A 100 carries no To tag of ours. */
function untagged([name, value]: HeaderField): HeaderField {
  return [name, name === 'To' ? value.replace(/;tag=$/, '') : value];
}
