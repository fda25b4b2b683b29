/** What the two processes of the benchmark say to each other beside the event socket. */
export interface SwitchBenchOptions {
  /** Of the bus; absent: direct mode. */
  readonly busPort?: number;
  readonly password: string;
  readonly key: string;
}

export type ToSwitch = { readonly say: 'publish' | 'seen'; readonly events: number };

/** The switch is there; where it serves its own event socket. */
export interface FromSwitch {
  readonly port: number;
}
