/** Parts of a running stack that die, and for how long they stay dead. */
import { SipAgent } from '../../../src/agents/sip/agent.ts';
import { DOMAIN, FACTORY, type Stack } from '../../support/stack.ts';
import { eventually, LogWatch } from './eventually.ts';
import { partOf, untilGone } from './processes.ts';

type Part = 'focus' | 'kamailio' | 'switch 0';

const GONE_MS = 20_000;
/** Back-off and start of a part, on a busy machine. */
const BACK_MS = 20_000;

/** SIGKILL; resolves when `up` says that the part is ready again. */
export async function killPart(stack: Stack, name: Part): Promise<LogWatch> {
  const log = new LogWatch(stack);
  process.kill(partOf(stack.directory, name).pid, 'SIGKILL');
  await log.until({ msg: 'the part is ready again', part: name }, BACK_MS);
  if (name !== 'switch 0') await log.until({ msg: 'Kamailio connected' }, BACK_MS);
  return log;
}

/**
 * The focus is dead while `meanwhile` runs: `up` is frozen first, so that it cannot bring it back before. Resolves when
 * it is back and Kamailio has found it again.
 */
export async function whileFocusIsDown<T>(
  stack: Stack,
  meanwhile: () => Promise<T>,
): Promise<{ result: T; log: LogWatch }> {
  const log = new LogWatch(stack);
  const { pid } = partOf(stack.directory, 'focus');
  process.kill(stack.pid, 'SIGSTOP');
  try {
    process.kill(pid, 'SIGKILL');
    await untilGone([pid], GONE_MS);
    await untilNoticed(stack);
    return { result: await meanwhile(), log };
  } finally {
    process.kill(stack.pid, 'SIGCONT');
    await log.until({ msg: 'the part is ready again', part: 'focus' }, BACK_MS);
    await log.until({ msg: 'Kamailio connected' }, BACK_MS);
  }
}

/** A question that is under way when the connection breaks waits for its time-out; the next ones get 503 at once. */
async function untilNoticed(stack: Stack): Promise<void> {
  const uri = `sip:probe@${DOMAIN}`;
  const probe = await SipAgent.start({ uri, proxy: stack.proxy, assertedIdentity: uri });
  try {
    await eventually(
      async () => {
        const answer = await probe.request('OPTIONS', { to: FACTORY, timeoutMs: 300 }).catch(() => undefined);
        return answer?.status === 503;
      },
      () => 'Kamailio has not noticed that the focus is gone',
    );
  } finally {
    await probe.stop();
  }
}
