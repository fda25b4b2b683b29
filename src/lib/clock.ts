/** Time as milliseconds since the epoch, passed in so that decisions stay functions of their inputs. */
export interface Clock {
  nowMs(): number;
}

export const systemClock: Clock = { nowMs: () => Date.now() };
