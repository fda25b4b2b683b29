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

/** One connection's place among those of its address. */
export interface Admission {
  /** It has named a session. */
  bound(): void;
  /** It is gone; later calls do nothing. */
  release(): void;
}

/** Of connections that we opened ourselves: nobody else's limits count them. */
export const OUR_OWN: Admission = { bound() {}, release() {} };

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

  /** Counts a new connection in, from its first byte on; null when it must be refused. */
  admit(address: string): Admission | null {
    const tally = this.#tallies.get(address) ?? { total: 0, unbound: 0 };
    const options = this.#options;
    if (
      this.#total >= options.maxConnections ||
      tally.total >= options.maxConnectionsPerAddress ||
      tally.unbound >= options.maxUnboundPerAddress
    ) {
      return null;
    }
    tally.total++;
    tally.unbound++;
    this.#total++;
    this.#tallies.set(address, tally);
    let isBound = false;
    let isReleased = false;
    return {
      bound: () => {
        if (!isBound && !isReleased) tally.unbound--;
        isBound = true;
      },
      release: () => {
        if (isReleased) return;
        isReleased = true;
        this.#total--;
        tally.total--;
        if (!isBound) tally.unbound--;
        if (tally.total === 0) this.#tallies.delete(address);
      },
    };
  }
}
