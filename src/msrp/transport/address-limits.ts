/** How many connections one address holds, bound ones and others. */
export interface AddressLimitOptions {
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
  /** Connections of one address that have not named a session yet. */
  readonly maxUnboundPerAddress: number;
}

export const DEFAULT_ADDRESS_LIMITS: AddressLimitOptions = {
  maxConnections: 65_536,
  maxConnectionsPerAddress: 8_192,
  maxUnboundPerAddress: 1_024,
};

interface Tally {
  total: number;
  unbound: number;
}

export class AddressLimits {
  readonly #options: AddressLimitOptions;
  readonly #tallies = new Map<string, Tally>();
  #total = 0;

  constructor(options: AddressLimitOptions) {
    this.#options = options;
  }

  /** Counts a new connection in, or returns false when it must be refused. */
  admit(address: string): boolean {
    const tally = this.#tallies.get(address) ?? { total: 0, unbound: 0 };
    const options = this.#options;
    if (
      this.#total >= options.maxConnections ||
      tally.total >= options.maxConnectionsPerAddress ||
      tally.unbound >= options.maxUnboundPerAddress
    ) {
      return false;
    }
    tally.total++;
    tally.unbound++;
    this.#total++;
    this.#tallies.set(address, tally);
    return true;
  }

  bound(address: string): void {
    const tally = this.#tallies.get(address);
    if (tally !== undefined) tally.unbound--;
  }

  release(address: string, wasBound: boolean): void {
    const tally = this.#tallies.get(address);
    if (tally === undefined) return;
    this.#total--;
    tally.total--;
    if (!wasBound) tally.unbound--;
    if (tally.total === 0) this.#tallies.delete(address);
  }
}
