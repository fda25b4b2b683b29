/** Who is in a conference, kept up to date from its NOTIFYs (RFC 4575 section 4.6). */
import { type ConferenceInfo, type ConferenceUser, readConferenceInfo } from './documents.ts';
import type { Subscription } from './sip/subscription.ts';
import { WaitFailed, type WaitOptions, WaitTimeout } from './waiting.ts';

export type Users = readonly ConferenceUser[];

export class Roster {
  readonly subscription: Subscription;
  readonly #users = new Map<string, ConferenceUser>();
  /** Each document in order. */
  readonly documents: ConferenceInfo[] = [];
  /** Faults in the documents: versions that do not rise by one, a first state that is not full. */
  readonly violations: string[] = [];

  constructor(subscription: Subscription) {
    if (subscription.response.status >= 300) {
      const { status, reason } = subscription.response;
      const warning = subscription.response.header('Warning') ?? 'no Warning';
      throw new WaitFailed(`SUBSCRIBE was refused: ${status} ${reason}; ${warning}`);
    }
    this.subscription = subscription;
  }

  /** All users of the last state, disconnected ones too. */
  get users(): Users {
    return [...this.#users.values()];
  }

  /** URIs of the users with a connected endpoint. */
  get connected(): string[] {
    return this.users.filter((user) => user.status === 'connected').map((user) => user.entity);
  }

  /** Takes NOTIFYs until `condition` holds for the users; resolves with them. */
  async until(
    condition: (users: Users) => boolean,
    options: WaitOptions & { what?: string } = {},
  ): Promise<Users> {
    const deadline = Date.now() + (options.timeoutMs ?? this.subscription.waitMs);
    while (!condition(this.users)) {
      const timeoutMs = deadline - Date.now();
      try {
        if (timeoutMs <= 0) throw new WaitTimeout('the deadline passed');
        await this.next({ timeoutMs });
      } catch (error) {
        const users = this.users.map((user) => `${user.entity} ${user.status}`).join(', ');
        const what = `${options.what ?? 'the roster never met its condition'}`;
        throw new WaitFailed(
          `${what}; users [${users}] after ${this.documents.length} documents: ${(error as Error).message}`,
        );
      }
    }
    return this.users;
  }

  /** Takes the next NOTIFY and applies it; one without body counts as no change. */
  async next(options: WaitOptions = {}): Promise<ConferenceInfo | undefined> {
    const notify = await this.subscription.nextNotify(options);
    if (notify.bodyBytes.length === 0) return undefined;
    const info = readConferenceInfo(notify.body);
    this.#apply(info);
    return info;
  }

  #apply(info: ConferenceInfo): void {
    const last = this.documents.at(-1);
    if (last === undefined && info.state !== 'full')
      this.violations.push(`the first document is ${info.state}, not full`);
    if (last !== undefined && info.version !== last.version + 1) {
      this.violations.push(`version ${info.version} after ${last.version}`);
    }
    this.documents.push(info);
    if (info.state === 'full') this.#users.clear();
    for (const user of info.users) {
      if (user.state === 'deleted') this.#users.delete(user.entity);
      else this.#users.set(user.entity, user);
    }
  }
}
