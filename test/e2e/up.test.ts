/** `parley up` seen from the shell: its one line, its end, its complaints, and what a killed run leaves. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { stringify } from 'yaml';
import { Command } from './support/command.ts';
import { eventually } from './support/eventually.ts';
import {
  groupMembers,
  isAlive,
  type PartProcess,
  partOf,
  recordedParts,
  runDirectory,
  stackProcesses,
  startTimeOf,
  untilGone,
} from './support/processes.ts';

const STOP_LIMIT_MS = 5_000;
/** A machine with other work makes an end longer, never shorter: one of so many is to be in time. */
const STOP_TRIES = 3;
/** Nobody has promised how long it takes who is not asked to end. */
const GONE_MS = 20_000;

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'parley-up-'));
});
after(() => rm(directory, { recursive: true, force: true }));

type Sections = Readonly<Record<string, unknown>>;

const FREE_PORTS: Sections = {
  sip: { listen: ['udp:127.0.0.1:0', 'tcp:127.0.0.1:0'], domain: 'example.net' },
  kamailio: { jsonRpc: { listen: '127.0.0.1:0' }, rpc: { listen: '127.0.0.1:0' }, memoryMb: 64 },
  msrp: { listen: '127.0.0.1:0' },
  eventSocket: { listen: '127.0.0.1:0' },
  admin: { listen: '127.0.0.1:0' },
  store: { sqlite: 'parley.db' },
};

/** `up` on free ports but for the sections given; ended with the test. */
async function up(t: TestContext, sections: Sections = {}): Promise<Command> {
  const file = join(directory, 'parley.yaml');
  await writeFile(file, stringify({ ...FREE_PORTS, ...sections }));
  const command = new Command('up', '--config', file);
  t.after(() => command.stop('SIGKILL'));
  return command;
}

/** Stopped processes hear nothing; they are ended with the test if nobody else has done it. */
function freeze(t: TestContext, parts: readonly PartProcess[]): void {
  for (const { pid, startTime } of parts) {
    process.kill(pid, 'SIGSTOP');
    t.after(() => startTimeOf(pid) === startTime && isAlive(pid) && process.kill(pid, 'SIGKILL'));
  }
}

/** @param end resolves with how long it took */
async function endsInTime(end: () => Promise<number>): Promise<void> {
  const tookMs: number[] = [];
  for (let tries = 0; tries < STOP_TRIES; tries += 1) {
    const lastMs = await end();
    if (lastMs < STOP_LIMIT_MS) return;
    tookMs.push(lastMs);
  }
  assert.fail(`${tookMs.join(', ')} ms`);
}

/** Ended by itself with one line on stderr and nothing else. */
async function complaint(command: Command): Promise<string> {
  const { code, stdout, stderr } = await command.ended();
  assert.equal(stdout, '');
  assert.notEqual(code, 0);
  assert.match(stderr, /^[^\n]+\n$/, 'exactly one line on stderr');
  return stderr;
}

describe('the ready line', () => {
  test('it is the only thing on stdout and has the promised members; all addresses in it answer', async (t) => {
    const command = await up(t, { switch: { processes: 2 } });
    const line = await command.ready();
    assert.deepEqual(Object.keys(line), ['ready', 'sip', 'domain', 'admin', 'switches', 'eventSockets']);
    assert.equal(line['ready'], true);
    assert.equal(line['domain'], 'example.net');
    assert.match(String(line['sip']), /^127\.0\.0\.1:[1-9]\d*$/);
    const health = await fetch(new URL('/readyz', String(line['admin'])));
    assert.equal(health.status, 200, await health.text());
    for (const name of ['switches', 'eventSockets']) {
      const addresses = line[name] as string[];
      assert.equal(addresses.length, 2, name);
      for (const address of addresses) assert.match(address, /^127\.0\.0\.1:[1-9]\d*$/);
    }
    const { stdout, code } = await command.stop();
    assert.equal(stdout, `${JSON.stringify(line)}\n`, 'one line and no more, also at the end');
    assert.equal(code, 0);
    for (const entry of (await command.ended()).stderr.trim().split('\n')) {
      assert.doesNotThrow(() => JSON.parse(entry), `a log line that is no JSON: ${entry}`);
    }
  });
});

describe('the end', () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`${signal} ends all that it started within 5 s, Kamailio's children too, with status 0`, async (t) => {
      await endsInTime(async () => {
        const command = await up(t);
        await command.ready();
        const parts = recordedParts(directory);
        assert.deepEqual(parts.map(({ name }) => name).sort(), ['focus', 'kamailio', 'switch 0']);
        const kamailio = groupMembers(partOf(directory, 'kamailio').pid);
        assert.ok(kamailio.length > 5, `Kamailio has children: ${kamailio.join(' ')}`);
        const all = stackProcesses(directory);
        const askedMs = performance.now();
        const { code } = await command.stop(signal);
        const tookMs = performance.now() - askedMs;
        assert.equal(code, 0);
        assert.deepEqual(all.filter(isAlive), []);
        for (const { pid } of parts) assert.deepEqual(groupMembers(pid), []);
        assert.equal(existsSync(join(runDirectory(directory), 'record.json')), false);
        return tookMs;
      });
    });
  }

  test('parts that do not listen are killed, still within 5 s', async (t) => {
    await endsInTime(async () => {
      const command = await up(t);
      await command.ready();
      const all = stackProcesses(directory);
      freeze(
        t,
        ['focus', 'switch 0'].map((name) => partOf(directory, name)),
      );
      const askedMs = performance.now();
      const { code } = await command.stop('SIGTERM');
      const tookMs = performance.now() - askedMs;
      assert.equal(code, 0);
      assert.deepEqual(all.filter(isAlive), []);
      return tookMs;
    });
  });

  test('a signal during the start ends what has started, without a ready line', async (t) => {
    const command = await up(t);
    await eventually(
      () => existsSync(join(runDirectory(directory), 'record.json')) && recordedParts(directory).length > 0,
      () => command.stderr,
    );
    const started = stackProcesses(directory);
    const { stdout, code } = await command.stop('SIGINT');
    assert.equal(stdout, '');
    assert.notEqual(code, 0);
    assert.deepEqual(started.filter(isAlive), []);
    assert.equal(existsSync(join(runDirectory(directory), 'record.json')), false);
  });
});

describe('what cannot work is told in one line with key, value and mend', () => {
  test('a taken port, for each address that is listened on', async (t) => {
    const udp = createSocket('udp4');
    udp.bind(0, '127.0.0.1');
    await once(udp, 'listening');
    t.after(() => udp.close());
    const tcp = createServer();
    tcp.listen(0, '127.0.0.1');
    await once(tcp, 'listening');
    t.after(() => tcp.close());
    const { port } = tcp.address() as AddressInfo;
    const taken = `127.0.0.1:${port}`;
    const sip = `udp:127.0.0.1:${udp.address().port}`;
    for (const [key, value, sections] of [
      ['sip.listen', sip, { sip: { listen: [sip] } }],
      ['sip.listen', `tcp:${taken}`, { sip: { listen: ['udp:127.0.0.1:0', `tcp:${taken}`] } }],
      ['msrp.listen', taken, { msrp: { listen: taken } }],
      ['eventSocket.listen', taken, { eventSocket: { listen: taken } }],
      ['admin.listen', taken, { admin: { listen: taken } }],
      ['kamailio.jsonRpc.listen', taken, { kamailio: { jsonRpc: { listen: taken } } }],
      ['kamailio.rpc.listen', taken, { kamailio: { rpc: { listen: taken } } }],
    ] as const) {
      const said = await complaint(await up(t, sections));
      assert.ok(said.includes(key), said);
      assert.ok(said.includes(value), said);
      assert.match(said, /taken.*(choose|stop)/, said);
    }
  });

  test('a missing Kamailio', async (t) => {
    const binary = join(directory, 'no-such-kamailio');
    const said = await complaint(await up(t, { kamailio: { binary } }));
    assert.ok(said.includes('kamailio.binary') && said.includes(binary), said);
    assert.match(said, /apt-get install/);
  });

  test('an unknown key, with the nearest known one', async (t) => {
    const said = await complaint(await up(t, { sip: { lissen: ['udp:127.0.0.1:0'] } }));
    assert.ok(said.includes('sip.lissen') && said.includes('sip.listen'), said);
  });

  test('a value of the wrong form', async (t) => {
    const said = await complaint(await up(t, { session: { expiresS: 'soon' } }));
    assert.ok(said.includes('session.expiresS') && said.includes('"soon"'), said);
    assert.match(said, /;\s*\w+/, 'a mend follows');
  });

  test('a users file that is not there', async (t) => {
    const missing = await complaint(await up(t, { digest: { usersFile: 'nobody-here' } }));
    assert.ok(missing.includes('digest.usersFile') && missing.includes('nobody-here'), missing);
  });

  test('a bad group document is logged with its place, and the rest is served', async (t) => {
    await writeFile(join(directory, 'broken-group.xml'), '<group>');
    const command = await up(t, { groups: ['broken-group.xml'] });
    await command.ready();
    const said = command.logEntries().find(({ level }) => level === 50);
    assert.match(String(said?.['file']), /broken-group\.xml$/);
    assert.equal((await command.stop()).code, 0);
  });

  test('several faults are told at once, a line each', async (t) => {
    const command = await up(t, { session: { expiresS: 'soon' }, admin: { listen: 'nowhere' } });
    const { code, stderr } = await command.ended();
    assert.notEqual(code, 0);
    const lines = stderr.trim().split('\n');
    assert.equal(lines.length, 2, stderr);
    assert.ok(stderr.includes('session.expiresS') && stderr.includes('admin.listen'));
  });
});

describe('one run on a store', () => {
  test('a second run is refused and the first goes on', async (t) => {
    const first = await up(t);
    const { admin } = await first.ready();
    const second = await up(t);
    const said = await complaint(second);
    assert.ok(said.includes('store.sqlite') && said.includes(join(directory, 'parley.db')), said);
    assert.ok(said.includes(String(first.pid)), 'it names the run that holds it');
    assert.equal((await fetch(new URL('/readyz', String(admin)))).status, 200);
    assert.equal((await first.stop()).code, 0);
  });

  test('killed with SIGKILL, its parts end by themselves', async (t) => {
    const command = await up(t);
    await command.ready();
    const all = stackProcesses(directory);
    await command.stop('SIGKILL');
    await untilGone(all, GONE_MS);
  });

  test('what a killed run left behind is ended by the next one, by pid and start time, and nothing else', async (t) => {
    const command = await up(t);
    await command.ready();
    const left = recordedParts(directory).filter(({ name }) => name !== 'kamailio');
    // Stopped processes hear neither the end of their channel nor SIGTERM: they stay until somebody kills them.
    freeze(t, left);
    const all = stackProcesses(directory);
    await command.stop('SIGKILL');
    await untilGone(
      all.filter((pid) => !left.some((part) => part.pid === pid)),
      GONE_MS,
    );
    assert.ok(left.every(({ pid }) => isAlive(pid)));
    // A pid that is somebody else's by now: a process group leader, but started at another time.
    const bystander = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
    const bystanderPid = bystander.pid ?? 0;
    t.after(() => bystander.kill('SIGKILL'));
    const file = join(runDirectory(directory), 'record.json');
    const record = JSON.parse(await readFile(file, 'utf8')) as { parts: object[] };
    const wrongTime = String(Number(startTimeOf(bystanderPid)) - 1);
    record.parts.push({ name: 'focus', pid: bystanderPid, startTime: wrongTime });
    await writeFile(file, JSON.stringify(record));

    const next = await up(t);
    await next.ready();
    assert.deepEqual(
      left.filter(({ pid, startTime }) => isAlive(pid) && startTimeOf(pid) === startTime),
      [],
    );
    assert.ok(isAlive(bystanderPid), 'the bystander lives');
    const ended = next
      .logEntries()
      .filter(({ msg }) => msg === 'ending what a killed run left behind')
      .map(({ pid }) => pid as number);
    assert.deepEqual(new Set(ended), new Set(left.map(({ pid }) => pid)));
    assert.equal(ended.length, left.length);
    assert.equal((await next.stop()).code, 0);
  });
});
