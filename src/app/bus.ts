/** The seats of focus and switch on the bus, from the configuration. */
import type { Logger } from 'pino';
import type { BusConfig } from '../config/resolve-bus.ts';
import type { BusAddress } from '../event-socket/bus/bus-member.ts';
import { FocusBus } from '../event-socket/bus/focus-bus.ts';
import { SwitchBus } from '../event-socket/bus/switch-bus.ts';
import type { SwitchFleet } from '../event-socket/switch-fleet.ts';
import { systemClock } from '../lib/clock.ts';

/** Every switch that is met there joins the fleet. */
export function focusOnBus(bus: BusConfig, focusEpoch: string, fleet: SwitchFleet, log: Logger): FocusBus {
  const { host, port, focusName, switches } = bus;
  return new FocusBus({
    address: addressOf(bus),
    focusId: focusName,
    focusEpoch,
    switches,
    log,
    clock: systemClock,
    onMeet: (switchId, open) => {
      log.info({ switch: switchId }, 'switch met on the bus');
      fleet.meet({ host, port }, open);
    },
  });
}

export function switchOnBus(bus: BusConfig, id: string, epoch: string, log: Logger): SwitchBus {
  return new SwitchBus({ address: addressOf(bus), id, epoch, log, clock: systemClock });
}

/** One line of JSON. */
export function busCounters({ counters, isUp }: FocusBus | SwitchBus): string {
  return JSON.stringify({ up: isUp, ...counters, refused: Object.fromEntries(counters.refused) });
}

function addressOf({ host, port, user, password, keys, windowMs }: BusConfig): BusAddress {
  return { host, port, password, keys, windowMs, ...(user === undefined ? {} : { user }) };
}
