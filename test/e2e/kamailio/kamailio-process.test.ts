import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { checkKamailioConfig, processStartTime, startKamailio } from '../../../src/app/kamailio-process.ts';
import { startFixture } from '../../support/kamailio/kamailio-fixture.ts';

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
