/** `parley focus` and `parley switch` beside a Kamailio that somebody else runs. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { stringify } from 'yaml';
import type { Room } from '../../src/agents/room.ts';
import { Attached, DOMAIN, FACTORY, freePorts, SECRET } from './support/attached.ts';
import { Command } from './support/command.ts';
import { assertClean, chat, conversation } from './support/conversing.ts';
import { eventually } from './support/eventually.ts';

/** Of pino. */
const WARN = 40;

describe('attached to a Kamailio with the same secret', () => {
  test('a conversation is held; both end with status 0 and leave Kamailio alone', async (t) => {
    const ports = await freePorts();
    const attached = await Attached.start(ports);
    t.after(() => attached.stop());
    const { ready, waitsFor, jsonRpc } = await attached.focus.ready();
    assert.deepEqual([ready, jsonRpc], [false, `127.0.0.1:${ports.jsonRpc}`]);
    assert.ok((waitsFor as string[]).includes('no Kamailio has connected yet'));
    await attached.startKamailio(t);
    await attached.kamailioConnected();
    const lines = () => attached.focus.stdout.trim().split('\n');
    await eventually(
      () => lines().length === 2,
      () => attached.focus.stdout,
    );
    const { admin, ...second } = JSON.parse(lines()[1] ?? '') as Record<string, unknown>;
    assert.deepEqual(second, { ready: true, jsonRpc });
    assert.equal((await fetch(`${String(admin)}/readyz`)).status, 200);
    const [ada, ben] = await Promise.all([attached.subscriber('ada'), attached.subscriber('ben')]);
    const [adas, bens] = (await conversation(FACTORY, ada, ben)) as [Room, Room];
    await chat('attached', adas, bens);
    await chat('indeed', bens, adas);
    assert.equal((await bens.leave()).status, 200);
    assert.equal(await adas.ended, 'remote');
    assertClean(ada, ben);
    await attached.focus.stop();
    const last = attached.focus.logEntries();
    const whileStopping = last.slice(last.findIndex(({ msg }) => msg === 'stopping'));
    assert.deepEqual(
      whileStopping.filter(({ level }) => Number(level) >= WARN),
      [],
      'to let Kamailio go is no trouble then',
    );
    assert.ok(whileStopping.some(({ msg }) => msg === 'Kamailio disconnected'));
    assert.deepEqual(await attached.stop(), [0, 0]);
    const answer = await fetch(`http://127.0.0.1:${ports.rpc}/RPC`, { method: 'POST', body: '{}' });
    assert.equal(answer.status, 403, 'Kamailio still answers');
  });
});

describe('attached with another secret', () => {
  test('what Kamailio asks is refused and logged, the caller gets 500, and nothing is decided', async (t) => {
    const ports = await freePorts();
    const attached = await Attached.start(ports, { secret: 'not-the-secret-of-theirs' });
    t.after(() => attached.stop());
    await attached.startKamailio(t);
    await attached.kamailioConnected();
    const ada = await attached.subscriber('ada');
    const { call } = await ada.dialAdHoc({ factory: FACTORY, invite: [`sip:ben@${DOMAIN}`] });
    assert.equal((await call.final()).status, 500);
    await eventually(
      () =>
        attached.focus
          .logEntries()
          .some((entry) => Number(entry['level']) >= WARN && /secret/i.test(JSON.stringify(entry))),
      () => 'the focus does not say why',
    );
    assert.ok(!attached.focus.logEntries().some(({ msg }) => msg === 'decision'));
  });
});

describe('what the two cannot know by themselves is asked for', () => {
  for (const [command, key, sections] of [
    ['focus', 'kamailio.manage', {}],
    ['focus', 'kamailio.nodes', { kamailio: { manage: false, secretFile: 'secret' } }],
    ['focus', 'eventSocket.passwordFile', { kamailio: { manage: true } }],
    ['switch', 'eventSocket.passwordFile', {}],
  ] as const) {
    test(`${command}: ${key}`, async (t) => {
      const directory = await mkdtemp(join(tmpdir(), 'parley-attached-'));
      t.after(() => rm(directory, { recursive: true, force: true }));
      await writeFile(join(directory, 'secret'), SECRET);
      const file = join(directory, 'parley.yaml');
      await writeFile(file, stringify(sections));
      const { code, stdout, stderr } = await new Command(command, '--config', file).ended();
      assert.equal(code, 1);
      assert.equal(stdout, '');
      const escaped = key.replaceAll('.', '\\.');
      assert.match(stderr, new RegExp(`^parley: ${escaped}: .+; .+$`, 'm'));
    });
  }

  test('a switch whose address is taken says so', async (t) => {
    const ports = await freePorts();
    const attached = await Attached.start(ports);
    t.after(() => attached.stop());
    const second = await new Command('switch', '--config', join(attached.directory, 'parley.yaml')).ended();
    assert.equal(second.code, 1);
    const lines = second.stderr.trim().split('\n');
    assert.deepEqual(
      lines.map((line) => /^parley: (\S+) .*is taken.*; stop .*choose/.exec(line)?.[1]),
      ['eventSocket.listen', 'msrp.listen[0]'],
    );
  });
});
