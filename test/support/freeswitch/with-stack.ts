/** The stack with a FreeSWITCH beside it, both on free loopback ports and with each other's addresses. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../kamailio/free-port.ts';
import { DOMAIN, Stack, type StackOptions } from '../stack.ts';
import { type FreeSwitch, startFreeSwitch } from './free-switch.ts';

const PASSWORD = 'a-password-of-tests';

export interface WithFreeSwitch {
  readonly stack: Stack;
  readonly freeSwitch: FreeSwitch;
  stop(): Promise<void>;
}

/** @param settings of `freeswitch`, beside its one node `fs1` */
export async function startWithFreeSwitch(
  options: Pick<StackOptions, 'config' | 'groups'>,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<WithFreeSwitch> {
  const directory = await mkdtemp(join(tmpdir(), 'parley-fs-'));
  await writeFile(join(directory, 'password'), PASSWORD);
  const kamailioPort = await freePort();
  const freeSwitch = await startFreeSwitch({ domain: DOMAIN, kamailioPort, password: PASSWORD });
  const { eventSocket, sip } = freeSwitch;
  const node = { id: 'fs1', eventSocket, sip, user: 'parley@im.invalid', passwordFile: 'password' };
  try {
    const stack = await Stack.start({
      ...options,
      directory,
      config: {
        ...options.config,
        sip: { listen: [`udp:127.0.0.1:${kamailioPort}`, `tcp:127.0.0.1:${kamailioPort}`] },
        freeswitch: { nodes: [node], ...settings },
      },
    });
    return {
      stack,
      freeSwitch,
      async stop() {
        await stack.stop();
        await freeSwitch.stop();
        await rm(directory, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await freeSwitch.stop();
    throw error;
  }
}
