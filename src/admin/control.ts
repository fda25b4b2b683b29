/** What the admin has the focus do; the composition root implements it. */
import type { OperatorOrder, OrderState } from '../focus/operator.ts';
import type { SwitchAt } from './records/added-switches.ts';
import type { Awaitable } from './view.ts';

export type OrderResult =
  /** `ending`: the session takes no orders any more. `changed`: it is not as the operator saw it. */
  | { readonly kind: 'no-session' | 'no-user' | 'ending' | 'changed' }
  /** It was so already. */
  | { readonly kind: 'unchanged'; readonly now: OrderState }
  | { readonly kind: 'done'; readonly before: OrderState; readonly now: OrderState };

/** Whom an announcement got to, in legs. */
export interface ReachView {
  readonly sent: number;
  /** Not connected at the moment: they get it when they are, unless that takes too long. */
  readonly waiting: number;
  /** They take no text, not so much of it, or receive nothing at all. */
  readonly unable: number;
}

export interface Announcement {
  readonly session: string;
  /** Who speaks, as the audit log names them. */
  readonly by: string;
  readonly text: string;
}

export type AnnouncementResult =
  | { readonly kind: 'no-session' | 'ending' }
  | { readonly kind: 'done'; readonly reach: ReachView };

export interface AdminControl {
  /** Resolves once the decision is committed; what it sends leaves after that. */
  order(order: OperatorOrder): Awaitable<OrderResult>;
  /**
   * A text to all of a session, which is kept nowhere.
   * @throws CodedError with an `ESL_` code when the switch does not answer
   */
  announce(announcement: Announcement): Awaitable<AnnouncementResult>;
  /**
   * Tells a switch whether it is to take new sessions, and whether those that it has are to be moved. When it resolves the
   * focus knows it, too.
   * @throws CodedError with an `ESL_` code when the switch does not answer
   */
  drain(switchId: string, order: { readonly draining: boolean; readonly empty: boolean }): Awaitable<void>;
  /** The focus takes up with a switch whose event socket is there; nothing happens when it has already. */
  addSwitch(at: SwitchAt): Awaitable<void>;
  removeSwitch(at: SwitchAt): Awaitable<void>;
}
