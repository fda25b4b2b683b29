/** A deadline of a subscription has passed: a NOTIFY that was put off is due, or the subscription has expired. */
import type { SubscriptionRow } from '../conference.ts';
import { notifyNow, terminateSubscription } from '../notification.ts';
import { done, type Procedure, step, type Trace } from '../procedure.ts';
import { abandonReferSubscription } from '../refer-subscription.ts';
import type { Work } from '../work.ts';
import type { World } from '../world.ts';

export interface SubscriptionTurn {
  readonly work: Work;
  readonly world: World;
  readonly trace: Trace;
  readonly subscription: SubscriptionRow;
}

const change: Procedure<SubscriptionTurn> = {
  clause: '7.2.1.12',
  name: 'Change of the conference state',
  steps: [
    step('R-7.2.1.12-chg', 'notify of the changes since the last NOTIFY', ({ work, world, subscription }) => {
      notifyNow(work, world, subscription);
      return done(`version ${subscription.version + 1}`);
    }),
  ],
};

const expiry: Procedure<SubscriptionTurn> = {
  clause: '7.2.1.12',
  name: 'Expiry of a subscription',
  steps: [
    step('R-7.2.1.12-term', 'the subscription has expired', ({ work, world, subscription }) => {
      terminateSubscription(work, world, subscription, 'timeout');
      return done('NOTIFY terminated;reason=timeout');
    }),
  ],
};

const referExpiry: Procedure<SubscriptionTurn> = {
  clause: '7.2.2.10',
  name: 'Expiry of a subscription',
  steps: [
    step('7.2.2.10', 'the subscription of a REFER has expired', ({ work, world, subscription }) => {
      abandonReferSubscription(work, world, subscription);
      return done('terminated');
    }),
  ],
};

export function subscriptionDue(
  event: SubscriptionRow['event'],
  deadline: 'notify' | 'expiry',
): Procedure<SubscriptionTurn> {
  if (event === 'refer') return referExpiry;
  return deadline === 'notify' ? change : expiry;
}
