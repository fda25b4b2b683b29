import { canonicalAddress } from './address.ts';
import type { Leg } from './leg.ts';
import type { Peer } from './peer.ts';

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
