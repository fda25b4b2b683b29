import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { checkKamailioConfig, processStartTime, startKamailio } from '../../../src/app/kamailio-process.ts';
import { startFixture } from '../../support/kamailio/kamailio-fixture.ts';
import { eventually } from '../support/eventually.ts';

/** Of pino. */
const [DEBUG, ERROR] = [20, 50];

/** Processes of the group that still run; zombies wait for their parent only. */
async function groupMembers(group: number): Promise<number> {
  let count = 0;
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const text = await readFile(`/proc/${entry}/stat`, 'latin1').catch(() => '');
    const [state, , pgrp] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    if (Number(pgrp) === group && state !== 'Z') count++;
  }
  return count;
}

test('stop leaves no process behind, and the ports are free again', async (t) => {
  const kam = await startFixture();
  t.after(() => kam.stop());
  const { pid, startTime } = kam.kamailio;
  assert.equal(await processStartTime(pid), startTime);
  assert.ok((await groupMembers(pid)) > 5);
  await kam.kamailio.stop();
  assert.equal(await groupMembers(pid), 0);
  assert.deepEqual(await kam.kamailio.exited, { code: 0, signal: null });
  const again = await startKamailio(kam.options);
  await again.stop();
  await again.stop();
});

test('a main process that is killed takes its children along', async (t) => {
  const kam = await startFixture();
  t.after(() => kam.stop());
  const { pid } = kam.kamailio;
  process.kill(pid, 'SIGKILL');
  assert.deepEqual(await kam.kamailio.exited, { code: null, signal: 'SIGKILL' });
  await kam.kamailio.stop();
  assert.equal(await groupMembers(pid), 0);
});

/** A Kamailio whose log lines are kept, and its first child: when that ends, another says so of its socket. */
async function overheard(t: TestContext) {
  const lines: { readonly level: number; readonly kamailio?: string }[] = [];
  const sink = { write: (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[number]) };
  const kam = await startFixture();
  t.after(() => kam.stop());
  await kam.kamailio.stop();
  const kamailio = await startKamailio({ ...kam.options, log: pino({ level: 'debug' }, sink) });
  t.after(() => kamailio.stop());
  const { pid } = kamailio;
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'latin1');
  /** The last of its output may be read after its end is seen. */
  const untilSaid = (wanted: number, words: RegExp) =>
    eventually(
      () => lines.some(({ level, kamailio: text = '' }) => level === wanted && words.test(text)),
      () => JSON.stringify(lines),
    );
  return { kamailio, lines, child: Number(children.split(' ')[0]), untilSaid };
}

test('what a Kamailio says that dies by itself stays an error; what it says at each start is none', async (t) => {
  const { kamailio, child, untilSaid } = await overheard(t);
  await untilSaid(DEBUG, /tcp_accept_no_cl not set/);
  // The main process hears of it last: it ends the others, which then may have said nothing.
  process.kill(kamailio.pid, 'SIGSTOP');
  process.kill(child, 'SIGKILL');
  await untilSaid(ERROR, /EOF on \d+/);
  process.kill(kamailio.pid, 'SIGCONT');
  await kamailio.exited;
  await kamailio.stop();
  await untilSaid(ERROR, /child process \d+ exited by a signal 9/);
});

test('that its processes end is no error once it is asked to stop', async (t) => {
  const { kamailio, lines, child, untilSaid } = await overheard(t);
  // The main process hears of it when the child is gone: else the order of their ends is chance.
  process.kill(kamailio.pid, 'SIGSTOP');
  const stopped = kamailio.stop();
  process.kill(child, 'SIGKILL');
  await untilSaid(DEBUG, /CRITICAL: .*EOF on \d+/);
  process.kill(kamailio.pid, 'SIGKILL');
  await stopped;
  const errors = lines.filter(({ level, kamailio: text = '' }) => level >= ERROR && /EOF/.test(text));
  assert.deepEqual(errors, []);
});

test('a stopped main process is killed when it does not end in time', async (t) => {
  const kam = await startFixture();
  t.after(() => kam.stop());
  process.kill(kam.kamailio.pid, 'SIGSTOP');
  await kam.kamailio.stop(300);
  assert.equal(await groupMembers(kam.kamailio.pid), 0);
});

test('a taken port is named', async (t) => {
  const kam = await startFixture();
  t.after(() => kam.stop());
  const { options } = kam;
  await kam.kamailio.stop();
  const udp = createSocket('udp4');
  udp.bind(kam.sipPort, '127.0.0.1');
  await once(udp, 'listening');
  await assert.rejects(startKamailio(options), {
    code: 'KAMAILIO_PORT_TAKEN',
    message: `udp:127.0.0.1:${kam.sipPort} is taken by another process`,
  });
  udp.close();
  const tcp = createServer().listen(options.rpc.port, '127.0.0.1');
  await once(tcp, 'listening');
  await assert.rejects(startKamailio(options), {
    code: 'KAMAILIO_PORT_TAKEN',
    message: `tcp:127.0.0.1:${options.rpc.port} is taken by another process`,
  });
  tcp.close();
});

test('what is missing or wrong is told by code, and nothing runs on', async (t) => {
  const kam = await startFixture();
  t.after(() => kam.stop());
  const { options } = kam;
  await kam.kamailio.stop();
  await checkKamailioConfig(options);
  await assert.rejects(startKamailio({ ...options, binary: '/nowhere/kamailio' }), {
    code: 'KAMAILIO_MISSING',
    message: /apt-get install kamailio/,
  });
  const broken = path.join(options.runDir, 'broken.cfg');
  await writeFile(broken, 'request_route { nonsense( }\n');
  for (const start of [startKamailio, checkKamailioConfig]) {
    await assert.rejects(start({ ...options, configFile: broken }), {
      code: 'KAMAILIO_CONFIG',
      message: /broken\.cfg, line 1/,
    });
  }
  await writeFile(broken, 'loadmodule "janssonrpcc_of_another_world.so"\nrequest_route { exit; }\n');
  await assert.rejects(startKamailio({ ...options, configFile: broken }), {
    code: 'KAMAILIO_MISSING',
    message: /lacks janssonrpcc_of_another_world/,
  });
  for (const bad of [
    { secret: 'short' },
    { secret: 'quote"quote"quote"' },
    { trustedPeers: ['10.0.0.0/33'] },
    { trustedPeers: ['host'] },
    { listen: [] },
    { listen: [{ proto: 'udp', host: '0.0.0.0', port: 5060 } as const] },
    { domain: 'a"b' },
    { factories: ['tel:+1'] },
    { service: [] },
  ]) {
    await assert.rejects(
      startKamailio({ ...options, ...bad }),
      { code: 'KAMAILIO_BAD_OPTIONS' },
      JSON.stringify(bad),
    );
  }
  await writeFile(options.usersFile ?? '', 'alice:realm\n');
  await assert.rejects(startKamailio(options), { code: 'KAMAILIO_BAD_USERS', message: /line 1/ });
});

test('the secret is in no command line, and its file is for the owner only', async (t) => {
  const kam = await startFixture();
  t.after(() => kam.stop());
  const commandLine = await readFile(`/proc/${kam.kamailio.pid}/cmdline`, 'utf8');
  assert.ok(commandLine.includes('kamailio'));
  assert.ok(!commandLine.includes(kam.options.secret));
  const file = await stat(path.join(kam.options.runDir, 'kamailio.cfg'));
  assert.equal(file.mode & 0o777, 0o600);
});
