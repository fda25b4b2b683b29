import type { IdSource } from '../../lib/ids.ts';
import type { SessionTraffic } from '../../switch-control/protocol.ts';
import { canonicalAddress } from './address.ts';
import type { Leg } from './leg.ts';
import type { Peer } from './peer.ts';

const MESSAGE_ID_BITS = 100;

/** One session as the focus described it, and who of it is connected. */
export class Room {
  readonly name: string;
  revision: number;
  readonly legs = new Map<string, Leg>();
  /** The same legs, for going over them quickly. */
  members: readonly Leg[] = [];
  /** Canonical addresses that mean everybody. */
  addresses: ReadonlySet<string> = new Set();
  /** What stands in CPIM To when the switch writes a head. */
  ownAddress = '';
  /** Reserved nicknames, without case, by leg. */
  readonly nicknames = new Map<string, Leg>();
  /** Senders that wait for the recipients to catch up. */
  readonly paused = new Set<Peer>();
  /** Message-IDs under which recipients hold the beginning of a message. */
  readonly unfinishedIds = new Set<string>();
  /** Of legs that are gone. */
  readonly #past = { messagesIn: 0, messagesOut: 0, bytesIn: 0, bytesOut: 0 };

  constructor(name: string, revision: number) {
    this.name = name;
    this.revision = revision;
  }

  setAddresses(addresses: readonly string[]): void {
    this.addresses = new Set(addresses.map(canonicalAddress));
    this.ownAddress = addresses[0] ?? 'sip:anonymous@anonymous.invalid';
  }

  membersChanged(): void {
    this.members = [...this.legs.values()];
  }

  forgetLeg(leg: Leg): void {
    if (!this.legs.delete(leg.name)) return;
    addCounts(this.#past, leg);
  }

  /** What has passed so far, leg by leg and in all. */
  traffic(): SessionTraffic {
    const sum = { ...this.#past };
    const legs = this.members.map((leg) => {
      const { name, peer, shownNickname, messagesIn, messagesOut, bytesIn, bytesOut } = leg;
      addCounts(sum, leg);
      const nickname = shownNickname === '' ? {} : { nickname: shownNickname };
      return { leg: name, isBound: peer !== null, ...nickname, messagesIn, messagesOut, bytesIn, bytesOut };
    });
    return { ...sum, legs };
  }

  /**
   * The Message-ID that a sender's message goes out under: the sender's own, unless another's unfinished message has it. A
   * recipient has one session for all of the room, and would put the two together (RFC 4975 section 7.3.1).
   */
  idFor(messageId: string, ids: IdSource): string {
    return this.unfinishedIds.size > 0 && this.unfinishedIds.has(messageId)
      ? ids.token(MESSAGE_ID_BITS)
      : messageId;
  }

  boundCount(): number {
    let bound = 0;
    for (const leg of this.members) if (leg.peer !== null) bound++;
    return bound;
  }

  resumePaused(): void {
    if (this.paused.size === 0) return;
    const peers = [...this.paused];
    this.paused.clear();
    for (const peer of peers) peer.resume();
  }
}

type Counts = Record<'messagesIn' | 'messagesOut' | 'bytesIn' | 'bytesOut', number>;

function addCounts(sum: Counts, leg: Counts): void {
  sum.messagesIn += leg.messagesIn;
  sum.messagesOut += leg.messagesOut;
  sum.bytesIn += leg.bytesIn;
  sum.bytesOut += leg.bytesOut;
}
