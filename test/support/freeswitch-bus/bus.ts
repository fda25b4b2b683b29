/** A bus for whole processes to meet on: the stand-in, or a real FreeSWITCH. */
import { freePort } from '../kamailio/free-port.ts';
import { RealFreeswitch } from './real-freeswitch.ts';
import { StandInBus } from './stand-in-bus.ts';

export const PASSWORD = 'bus-password-1';

export interface Bus {
  readonly port: number;
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** After `end`, at the same port. */
  launch(): Promise<void>;
  stop(): Promise<void>;
}

export async function standIn(): Promise<Bus & { readonly bus: StandInBus }> {
  // Nobody is to take it while the bus is away.
  const bus = new StandInBus({ password: PASSWORD, port: await freePort() });
  await bus.start();
  return {
    bus,
    port: bus.port,
    end: (signal) => bus.stop(signal),
    launch: () => bus.start(),
    stop: () => bus.stop(),
  };
}

export function realBus(binary: string): Promise<Bus> {
  return RealFreeswitch.start({ binary, password: PASSWORD, userPassword: 'unused-here' });
}
