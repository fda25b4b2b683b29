/** The switch's side of the benchmark, in a process of its own: answers requests, and publishes events as fast as they are taken. */
import { SwitchBus } from '../../../src/event-socket/bus/switch-bus.ts';
import { silentLog } from '../../../src/event-socket/log.ts';
import { EventSocketServer } from '../../../src/event-socket/server.ts';
import { serveSwitchControl } from '../../../src/event-socket/switch-control.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import type { FromSwitch, SwitchBenchOptions, ToSwitch } from './protocol.ts';

/** Not yet seen by the focus. */
const MAX_AHEAD = 4000;

const { busPort, password, key } = JSON.parse(process.argv[2] ?? '{}') as SwitchBenchOptions;
const [id, epoch] = ['bench-switch', `e${process.pid}`];
const server = new EventSocketServer({ port: 0, password, log: silentLog });
const { port } = await server.listen();
const bus =
  busPort === undefined
    ? undefined
    : new SwitchBus({
        id,
        epoch,
        log: silentLog,
        clock: systemClock,
        address: { host: '127.0.0.1', port: busPort, password, keys: [key] },
      });
const control = serveSwitchControl({
  server,
  ...(bus === undefined ? {} : { bus }),
  id,
  epoch,
  log: silentLog,
  clock: systemClock,
  handle: () => ({ ok: true, revision: 1 }),
  hello: () => ({
    id,
    epoch,
    msrp: [{ transport: 'tcp', host: '127.0.0.1', port: 2855 }],
    sessions: 0,
    legs: 0,
    load: 0,
    draining: false,
    messagesIn: 0,
    messagesOut: 0,
  }),
});
bus?.start();

let [seen, sent, wanted] = [0, 0, 0];
process.on('message', (message: ToSwitch) => {
  if (message.say === 'seen') seen = message.events;
  else wanted = message.events;
  while (sent < wanted && sent - seen < MAX_AHEAD) publishNext();
});
process.on('disconnect', () => process.exit());
const ready: FromSwitch = { port };
process.send?.(ready);

function publishNext(): void {
  sent += 1;
  const leg = `l${sent}`;
  control.publish({ op: 'leg.bound', session: 'im-s-of-the-bench', leg, remote: '127.0.0.1:50000' });
}
