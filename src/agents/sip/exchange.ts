/** One request of ours with its answers: sent, challenged, sent again with credentials (RFC 3261 section 22). */

import type { ClientTransaction } from './client-transaction.ts';
import type { SipCore } from './core.ts';
import { answerChallenge, type Credentials } from './digest.ts';
import {
  type Body,
  formatMessage,
  type HeaderField,
  type HeaderOverrides,
  mergeFields,
  SipMessage,
} from './message.ts';
import { newToken } from './responses.ts';
import type { Hop } from './transport.ts';

/** Everything of a request but Via, CSeq, credentials and Content-Length. */
export interface RequestPlan {
  readonly method: string;
  readonly requestUri: string;
  /** From, To, Call-ID, Contact and so on, in wire order. */
  readonly fields: readonly HeaderField[];
  readonly routes: readonly string[];
  readonly inDialog: boolean;
  readonly overrides?: HeaderOverrides;
  readonly body?: Body;
}

export interface ExchangeOptions {
  readonly core: SipCore;
  readonly plan: RequestPlan;
  /** Called once per attempt. */
  readonly nextCseq: () => number;
  readonly credentials?: Credentials;
  readonly autoAck?: boolean;
  /** Never a 401 or 407 that is being answered with credentials. */
  readonly onResponse: (response: SipMessage) => void;
  readonly onTimeout: () => void;
}

export class Exchange {
  readonly #options: ExchangeOptions;
  #attempts = 0;
  #authorization: readonly HeaderField[] = [];
  #transaction: ClientTransaction | undefined;
  #hop: Hop | undefined;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.#send([]);
  }

  /** The request as last sent. */
  get request(): SipMessage {
    if (this.#transaction === undefined) throw new Error('nothing was sent yet');
    return this.#transaction.request;
  }

  get hop(): Hop {
    if (this.#hop === undefined) throw new Error('nothing was sent yet');
    return this.#hop;
  }

  /** Copies of the last attempt that went out, the first included. */
  get timesSent(): number {
    return this.#transaction?.sent ?? 0;
  }

  /** Credentials that the last attempt carried; an ACK to 2xx carries them too. */
  get authorization(): readonly HeaderField[] {
    return this.#authorization;
  }

  #send(authorization: readonly HeaderField[]): void {
    const { core, plan } = this.#options;
    this.#attempts += 1;
    this.#authorization = authorization;
    this.#hop = core.nextHop(plan.requestUri, plan.routes, plan.inDialog);
    const request = buildRequest(core, plan, this.#options.nextCseq(), authorization);
    this.#transaction = core.sendRequest(request, this.#hop, {
      autoAck: this.#options.autoAck ?? true,
      onResponse: (response) => this.#receive(response),
      onTimeout: () => this.#options.onTimeout(),
    });
  }

  #receive(response: SipMessage): void {
    const { credentials, plan } = this.#options;
    const challenged = response.status === 401 || response.status === 407;
    if (challenged && credentials !== undefined && this.#attempts < MAX_ATTEMPTS) {
      const lines = answerChallenge(response, plan.method, plan.requestUri, credentials);
      const isStale = /stale\s*=\s*"?true/i.test(
        `${response.header('WWW-Authenticate') ?? ''}${response.header('Proxy-Authenticate') ?? ''}`,
      );
      // A second challenge that is not stale, for the same header, means that the password is wrong.
      const isNew = lines.some(([name]) => !this.#authorization.some(([sent]) => sent === name));
      if (lines.length > 0 && (isNew || isStale)) {
        const kept = this.#authorization.filter(([name]) => !lines.some(([answered]) => answered === name));
        this.#send([...kept, ...lines]);
        return;
      }
    }
    this.#options.onResponse(response);
  }
}

/** One for a proxy, one for the server behind it, one stale nonce each. */
const MAX_ATTEMPTS = 5;

export function buildRequest(
  core: SipCore,
  plan: RequestPlan,
  cseq: number,
  authorization: readonly HeaderField[],
): SipMessage {
  const strict = plan.routes.length > 0 && !/;\s*lr\b/i.test(plan.routes[0] ?? '');
  // A strict router wants its own URI in the Request-URI and the target last (RFC 3261 section 12.2.1.1).
  const requestUri = strict ? (plan.routes[0] ?? '').replace(/^<|>.*$/g, '') : plan.requestUri;
  const routes = strict ? [...plan.routes.slice(1), `<${plan.requestUri}>`] : plan.routes;
  const own: HeaderField[] = [
    ['Via', core.newVia(`z9hG4bK${newToken()}`)],
    ['Max-Forwards', '70'],
    ...routes.map((route): HeaderField => ['Route', route]),
    ...plan.fields,
    ['CSeq', `${cseq} ${plan.method}`],
    ...authorization,
    ...(plan.body === undefined ? [] : [['Content-Type', plan.body.contentType] as const]),
  ];
  const content = plan.body === undefined ? Buffer.alloc(0) : Buffer.from(plan.body.content as string);
  const bytes = formatMessage(
    `${plan.method} ${requestUri} SIP/2.0`,
    mergeFields(own, plan.overrides),
    content,
  );
  return SipMessage.parse(bytes);
}
