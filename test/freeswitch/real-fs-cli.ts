/** FreeSWITCH's own client against the event socket of a switch. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { PASSWORD as FLEET_PASSWORD, Fleet } from '../e2e/support/far-switch.ts';
import { bound, PASSWORD, switchFor } from '../integration/event-socket/rig.ts';
import { freeswitchBinary } from '../support/freeswitch-bus/real-freeswitch.ts';

/** Where it lies is where the program of the tests lies. */
const client = join(dirname(freeswitchBinary() ?? ''), 'fs_cli');

async function asked(port: number, password: string, command: string): Promise<string> {
  const args = ['-H', '127.0.0.1', '-P', String(port), '-p', password, '-x', command];
  return (await promisify(execFile)(client, args, { timeout: 10_000 })).stdout;
}

const SESSIONS = [{ session: 'im-s-1', revision: 4, legs: 3, bound: 2 }];

test('FreeSWITCH: fs_cli lists sessions, asks for help, and is told what is no command', async (t) => {
  const sw = await switchFor(t, { handle: () => ({ ok: true, revision: 0, sessions: SESSIONS }) });
  const ask = (command: string): Promise<string> => asked(sw.port, PASSWORD, command);
  assert.match(await ask('im sessions'), /session,revision,legs,bound\nim-s-1,4,3,2\n\n1 total\./);
  assert.match(await ask('status'), /^UP \d+ s/);
  assert.equal(await ask('switchname'), 'sw1\n');
  assert.match(await ask('im help'), /im sessions +sessions of this switch/);
  assert.match(await ask('sofia status'), /-ERR sofia Command not found!/);
});

test('FreeSWITCH: fs_cli stays, watches events and leaves', async (t) => {
  const sw = await switchFor(t);
  const args = ['-H', '127.0.0.1', '-P', String(sw.port), '-p', PASSWORD];
  const child = spawn(client, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  let seen = '';
  const heard = Promise.withResolvers<void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    seen += text;
    if (seen.includes('leg.bound')) heard.resolve();
  });
  // auth, switchname, hostname, log: from then on it reads what is typed.
  while (sw.server.counters.commands < 4) await delay(10);
  await delay(200);
  child.stdin.write('/event json CUSTOM im::event\n');
  const timer = setInterval(() => sw.control.publish(bound('l1')), 50);
  await heard.promise;
  clearInterval(timer);
  child.stdin.write('/exit\n');
  await once(child, 'exit');
});

test('FreeSWITCH: fs_cli with a wrong password is refused', async (t) => {
  const sw = await switchFor(t);
  const args = ['-H', '127.0.0.1', '-P', String(sw.port), '-p', 'wrong', '-x', 'status'];
  await assert.rejects(promisify(execFile)(client, args, { timeout: 10_000 }));
  assert.equal(sw.server.counters.authFailures, 1);
});

test('FreeSWITCH: fs_cli drains a switch that a focus commands, and lets it serve again', async (t) => {
  const fleet = await Fleet.start();
  t.after(() => fleet.stop());
  const far = await fleet.add('operated');
  const ask = (command: string) =>
    asked(Number(far.listens.eventSocket.split(':')[1]), FLEET_PASSWORD, command);
  assert.match(await ask('im sessions'), /^session,revision,legs,bound\n\n0 total\.\n/);
  assert.match(await ask('im event-socket'), /^\{"server":\{.*"control":\{"requests":/);
  assert.match(await ask('im drain'), /^\+OK draining/);
  await fleet.until(far.id, ({ draining }) => draining);
  assert.match(await ask('im resume'), /^\+OK taking new sessions/);
  await fleet.until(far.id, ({ draining }) => !draining);
});
