/** A group made over REST on a running stack: its members talk at once, and an edit counts with the next request. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Subscriber } from '../../src/agents/chat.ts';
import { groupDocument } from '../support/groups.ts';
import { DOMAIN, Stack } from '../support/stack.ts';
import { assertClean, chat } from './support/conversing.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const run = promisify(execFile);
const XML = 'application/vnd.oma.poc.groups+xml';
const uriOf = (name: string) => `sip:${name}@${DOMAIN}`;
const CREW = uriOf('im-g-crew');
const ALL = ['ada', 'ben', 'eve'].map(uriOf);
const FILED = uriOf('im-g-filed');

describe('groups over REST', () => {
  let stack: Stack;
  let [ada, ben, eve] = [] as unknown as [Subscriber, Subscriber, Subscriber];
  before(async () => {
    stack = await Stack.start({
      groups: [groupDocument({ uri: FILED, members: [uriOf('ada'), uriOf('ben')] })],
    });
    [ada, ben, eve] = await Promise.all([
      stack.subscriber('ada'),
      stack.subscriber('ben'),
      stack.subscriber('eve'),
    ]);
  });
  after(() => stack.stop());

  function ask(
    method: string,
    uri: string,
    headers: Record<string, string> = {},
    body?: string,
  ): Promise<Response> {
    const url = new URL(`/api/v1/groups/${encodeURIComponent(uri)}`, stack.ready.admin);
    return fetch(url, { method, headers, ...(body === undefined ? {} : { body }) });
  }
  const put = (uri: string, xml: string, headers: Record<string, string>) =>
    ask('PUT', uri, { 'content-type': XML, ...headers }, xml);

  test('made, used, kept through a bad edit, narrowed, deleted', async () => {
    const xml = groupDocument({ uri: CREW, displayName: 'Crew', members: ALL });
    const before = await ada.sip.invite({ to: CREW }).final();
    assert.equal(before.status, 404);
    const made = await put(CREW, xml, { 'if-none-match': '*' });
    assert.equal(made.status, 201, await made.clone().text());
    const etag = made.headers.get('etag') ?? '';

    const out = await ada.dial(CREW);
    const [adas, bens, eves] = await Promise.all([out.room(), ben.answerNext(), eve.answerNext()]);
    await chat('made a moment ago', adas, bens, eves);

    const bad = await put(CREW, xml.replace('<invite-members>true', '<invite-members>perhaps'), {
      'if-match': etag,
    });
    assert.equal(bad.status, 422);
    const { errors } = (await bad.json()) as { errors: { path: string; line: number }[] };
    assert.deepEqual(
      errors.map(({ path }) => path),
      ['/group/list-service/invite-members'],
    );
    assert.equal(await (await ask('GET', CREW, { accept: XML })).text(), xml, 'the old one holds');
    await bens.leave();
    const again = await ben.join(CREW);
    await chat('still allowed to join', again, adas, eves);

    const narrowed = groupDocument({
      uri: CREW,
      displayName: 'Quiet crew',
      members: ALL,
      actions: { 'allow-initiate-conference': true, 'allow-conference-state': true },
    });
    const edited = await put(CREW, narrowed, { 'if-match': etag });
    assert.equal(edited.status, 200);
    assert.equal(((await edited.json()) as { inForce: boolean }).inForce, true);
    await again.leave();
    const refused = await (await ben.dial(CREW)).call.final();
    assert.equal(refused.status, 403, refused.summary);
    const roster = await adas.watch();
    const state = await roster.next();
    assert.match(JSON.stringify(state), /Quiet crew/, 'the running session follows its document');

    await adas.leave();
    assert.equal(await eves.ended, 'remote');
    const gone = await ask('DELETE', CREW, { 'if-match': edited.headers.get('etag') ?? '' });
    assert.equal(gone.status, 204);
    assert.equal((await ada.sip.invite({ to: CREW }).final()).status, 404);
    assertClean(ada, ben, eve);
  });

  test('a group of a file is edited once it is adopted', async () => {
    const filed = groupDocument({ uri: FILED, members: [uriOf('eve'), uriOf('ben')] });
    const read = await ask('GET', FILED);
    assert.equal(read.headers.get('parley-source'), 'file');
    assert.equal((await put(FILED, filed, { 'if-match': read.headers.get('etag') ?? '' })).status, 409);
    assert.equal((await (await eve.dial(FILED)).call.final()).status, 403);
    const url = new URL(`/api/v1/groups/${encodeURIComponent(FILED)}/adopt`, stack.ready.admin);
    const adopted = await fetch(url, { method: 'POST' });
    assert.equal(adopted.status, 201);
    assert.equal((await put(FILED, filed, { 'if-match': adopted.headers.get('etag') ?? '' })).status, 200);
    const out = await eve.dial(FILED);
    const [eves, bens] = await Promise.all([out.room(), ben.answerNext()]);
    await chat('mine now', eves, bens);
    const { status } = await eves.leave();
    assert.equal(status, 200);
  });

  test('put by an XDM tool, then by the command line: each counts with the next INVITE', async () => {
    const uri = uriOf('im-g-xdm');
    const document = (...names: string[]) =>
      groupDocument({ uri, members: names.map(uriOf), inviteMembers: false });
    const place = `/xcap-root/org.openmobilealliance.groups/users/${encodeURIComponent(uriOf('ada'))}/xdm`;
    const made = await fetch(new URL(place, stack.ready.admin), {
      method: 'PUT',
      headers: { 'content-type': XML },
      body: document('ada'),
    });
    assert.equal(made.status, 201);
    const adas = await ada.join(uri);
    assert.equal((await (await ben.dial(uri)).call.final()).status, 403);

    const file = join(stack.directory, 'by-hand.txt');
    await writeFile(file, document('ada', 'ben'));
    const config = join(stack.directory, 'parley.yaml');
    const parley = (...words: string[]) =>
      run(process.execPath, [MAIN, ...words], { env: { PATH: process.env['PATH'] } });
    const { stdout: token } = await parley(
      'token',
      'create',
      '--config',
      config,
      '--name',
      'cli',
      '--role',
      'admin',
    );
    const url = ['--url', stack.ready.admin, '--token', token.trim()];
    const put = await parley('group', 'put', file, ...url);
    assert.equal(put.stdout, `${uri} version 2, 2 members: in force now\n`);
    const bens = await ben.join(uri);
    await chat('the running session took it', bens, adas);
    const { stdout: versions } = await parley('group', 'versions', uri, '--json', ...url);
    const who = (JSON.parse(versions) as { who: string }[]).map((version) => version.who);
    assert.deepEqual(who, ['token:cli', 'loopback']);
    await Promise.all([bens.leave(), adas.leave()]);
    assertClean(ada, ben);
  });
});
