/**
 * The order of the checks of a procedure ("Decision order" of the readings): a request that is wrong in two ways gets
 * the answer of the check that comes first. Each fault is asked about alone too, so that both of a pair are real.
 */
import type { SipMessage } from '../../../src/agents/sip/message.ts';
import { assertRefused } from './groups-outcomes.ts';

/** A way in which a request `R` can be wrong, and what it is answered. */
export interface Fault<R> {
  /** The statement whose check finds it. */
  readonly id: string;
  readonly what: string;
  readonly status: number;
  readonly warning: RegExp;
  /** What it changes in a request that is right. */
  readonly change: Partial<R>;
}

export interface Order<R> {
  /** In the order of the checks. */
  readonly faults: readonly Fault<R>[];
  /** A request without fault, which is never sent. */
  readonly right: () => R;
  readonly send: (request: R) => Promise<SipMessage>;
  /** After each refusal: nobody invited, no session, and the like. */
  readonly after?: () => Promise<void>;
}

export interface OrderRow {
  readonly name: string;
  readonly run: () => Promise<void>;
}

/** Each fault alone, and each pair. Faults that change the same thing cannot meet and make no pair. */
export function orderRows<R extends object>({ faults, right, send, after }: Order<R>): readonly OrderRow[] {
  const refused = async (expected: Fault<R>, ...others: readonly Fault<R>[]): Promise<void> => {
    const changes = [expected, ...others].map(({ change }) => change);
    const response = await send(Object.assign({}, right(), ...changes) as R);
    assertRefused(response, expected.status, expected.warning, expected.id);
    await after?.();
  };
  return faults.flatMap((first, at) => [
    { name: `${first.id} alone: ${first.what}: ${first.status}`, run: () => refused(first) },
    ...faults
      .slice(at + 1)
      .filter((second) => !Object.keys(first.change).some((key) => key in second.change))
      .map((second) => {
        const found = first.id === second.id ? first.id : `${first.id} before ${second.id}`;
        const name = `${found}: ${first.what} and ${second.what}: ${first.status}`;
        return { name, run: () => refused(first, second) };
      }),
  ]);
}
