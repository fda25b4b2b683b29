/** The numbers of the focus about users of FreeSWITCH; those of their texts are with each switch (`im freeswitch`). */
import type { Metric } from '../../admin/view.ts';
import type { FreeSwitchSide } from '../freeswitch.ts';

export type FreeSwitchNumbers = {
  readonly calls: Pick<FreeSwitchSide['calls'], 'size' | 'counters'>;
  readonly controls: readonly Pick<FreeSwitchSide['controls'][number], 'node' | 'isUp' | 'counters'>[];
  readonly rooms: readonly Pick<FreeSwitchSide['rooms'][number], 'counters'>[];
};

export function freeSwitchMetrics({ calls, controls, rooms }: FreeSwitchNumbers): Metric[] {
  const { joined, refused, overLimit, left, removed } = calls.counters;
  const byResult = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts).map(([result, value]) => ({ labels: { result }, value }));
  const invitations = { invited: 0, removed: 0, 'not-invited': 0 };
  for (const { counters } of rooms) {
    invitations.invited += counters.invited;
    invitations.removed += counters.removed;
    invitations['not-invited'] += counters.notInvited;
  }
  return [
    {
      name: 'im_freeswitch_up',
      help: '1 while the event socket of the FreeSWITCH is up',
      type: 'gauge',
      values: controls.map(({ node, isUp }) => ({ labels: { node }, value: isUp ? 1 : 0 })),
    },
    {
      name: 'im_freeswitch_users',
      help: 'Users of FreeSWITCH in conversations',
      type: 'gauge',
      values: [{ labels: {}, value: calls.size }],
    },
    {
      name: 'im_freeswitch_joins_total',
      help: 'Wishes of users of FreeSWITCH to join, and how those who were in have gone',
      type: 'counter',
      values: byResult({ joined, refused, 'over-limit': overLimit, left, removed }),
    },
    {
      name: 'im_freeswitch_bad_wishes_total',
      help: 'Events of scripts that were malformed or named a user who is not theirs',
      type: 'counter',
      values: controls.map(({ node, counters }) => ({ labels: { node }, value: counters.badWishes })),
    },
    {
      name: 'im_freeswitch_room_callers_total',
      help: 'Callers of voice rooms whom the focus let be invited or removed, or not be invited',
      type: 'counter',
      values: byResult(invitations),
    },
  ];
}
