/**
 * How the stand-in behaves. The defaults are FreeSWITCH's own ways, which each member of a bus has to live with; the rest
 * are mishaps, off until a test turns them on. All may be changed while it runs.
 */
export interface BusBehaviour {
  /** A listener looks for events so often. 0: at once. */
  pollMs: number;
  /** Senders get their own events when they have asked for them. */
  selfDelivery: boolean;
  /** The plain format leaves a `%41` in a value as it is, so that it decodes to `A`. */
  percentQuirk: boolean;
  /** Values and bodies end at their first NUL. */
  nulTruncation: boolean;
  /** JSON events name Content-Length a second time. */
  duplicateContentLength: boolean;
  /** About 560 bytes of headers are added to each event. */
  ownHeaders: boolean;
  /** Headers without a value are left out, spaces before one are cut. */
  emptyHeadersVanish: boolean;
  /** `ARRAY::a|:b` is a list. */
  arrays: boolean;
  /** Events that wait for one listener; one more kills it. */
  maxQueuedEvents: number;

  /** Which events wait for how many milliseconds before any listener has them. */
  delayMs: (event: SeenEvent) => number;
  /** Which events are taken with `+OK` and reach nobody. */
  loses: (event: SeenEvent) => boolean;
  /** Which events are delivered behind the next one of the same listener. */
  overtaken: (event: SeenEvent) => boolean;
  /** How often an event is delivered. */
  copies: (event: SeenEvent) => number;
  /** Commands that are never answered. */
  ignores: (command: { readonly line: string; readonly body: string }) => boolean;
}

/** What a mishap is chosen by. */
export interface SeenEvent {
  readonly name: string;
  readonly subclass: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

export function freeswitchWays(): BusBehaviour {
  return {
    pollMs: 20,
    selfDelivery: true,
    percentQuirk: true,
    nulTruncation: true,
    duplicateContentLength: true,
    ownHeaders: true,
    emptyHeadersVanish: true,
    arrays: true,
    maxQueuedEvents: 100_000,
    delayMs: () => 0,
    loses: () => false,
    overtaken: () => false,
    copies: () => 1,
    ignores: () => false,
  };
}
