import type { AskedAgain, SipRequestAnswer } from './types.ts';

/** The answers given last, each under its transaction: janssonrpcc drops one that comes late, and Kamailio asks again. */
export class GivenAnswers {
  readonly #answers = new Map<string, SipRequestAnswer>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  put(asked: AskedAgain, answer: SipRequestAnswer): void {
    this.#answers.set(keyOf(asked), answer);
    const [oldest] = this.#answers.keys();
    if (this.#answers.size > this.#max && oldest !== undefined) this.#answers.delete(oldest);
  }

  get(asked: AskedAgain): SipRequestAnswer | undefined {
    return this.#answers.get(keyOf(asked));
  }
}

function keyOf({ kam, epoch, tid }: AskedAgain): string {
  return `${kam} ${epoch} ${tid}`;
}
