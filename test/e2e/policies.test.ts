/** A policy is tried, put in force and taken back while people converse. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Subscriber } from '../../src/agents/chat.ts';
import { progressOf } from '../conformance/support/refer-progress.ts';
import { FACTORY, Stack } from '../support/stack.ts';
import { chat, conversation } from './support/conversing.ts';
import { eventually } from './support/eventually.ts';

let stack: Stack;
let [ada, ben, eve] = [] as unknown as [Subscriber, Subscriber, Subscriber];
before(async () => {
  stack = await Stack.start({});
  [ada, ben, eve] = await Promise.all([
    stack.subscriber('ada'),
    stack.subscriber('ben'),
    stack.subscriber('eve'),
  ]);
});
after(() => stack.stop());

async function ask<T>(method: string, path: string, body?: object, etag?: string): Promise<T> {
  const response = await fetch(new URL(`/api/v1${path}`, stack.ready.admin), {
    method,
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(etag === undefined ? {} : { 'if-match': etag }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  assert(response.ok, text);
  return { ...(JSON.parse(text) as T), etag: response.headers.get('etag') };
}

test('shadowed, explained, in force from the next INVITE on, and rolled back; the conversation goes on', async () => {
  const [adas, bens, eves] = await conversation(FACTORY, ada, ben, eve);
  assert(adas !== undefined && bens !== undefined && eves !== undefined);
  const policy = { adHoc: { maxParticipants: 2 } };

  const shadow = await ask<{ looked: number; differing: { method: string; candidate: object }[] }>(
    'POST',
    '/policies/shadow',
    { policy },
  );
  assert.equal(shadow.looked, 1);
  assert.deepEqual(
    shadow.differing.map(({ method, candidate }) => [method, (candidate as { status: number }).status]),
    [['INVITE', 486]],
  );
  const lenient = await ask<{ differing: object[] }>('POST', '/policies/shadow', { version: 0 });
  assert.deepEqual(lenient.differing, []);

  const { version } = await ask<{ version: number }>('POST', '/policies/versions', { policy });
  const { etag } = await ask<{ etag: string }>('GET', '/policies/active');
  const activated = await ask<{ inForce: boolean; etag: string }>(
    'POST',
    `/policies/versions/${version}/activate`,
    undefined,
    etag,
  );
  assert.equal(activated.inForce, true);
  const refused = await ben.startAdHoc({ factory: FACTORY, invite: [ada.uri, eve.uri] }).then(
    () => assert.fail('it was let in'),
    (error: Error) => error.message,
  );
  assert.match(refused, /486/);
  await chat('we go on', adas, bens, eves);

  await ask('POST', '/policies/rollback', undefined, activated.etag);
  const again = await conversation(FACTORY, ben, ada, eve);
  assert.equal(again.length, 3);
  await chat('and still', eves, adas, bens);
});

test('A-26 adHoc.mayInitiate nobody switches ad hoc sessions off, to running ones nothing happens; a list lets some in', async () => {
  const [adas, bens] = await conversation(FACTORY, ada, ben);
  assert(adas !== undefined && bens !== undefined);
  const inForce = async (mayInitiate: unknown): Promise<void> => {
    const { version } = await ask<{ version: number }>('POST', '/policies/versions', {
      policy: { adHoc: { mayInitiate } },
    });
    const { etag } = await ask<{ etag: string }>('GET', '/policies/active');
    await ask('POST', `/policies/versions/${version}/activate`, undefined, etag);
  };
  const set = (person: Subscriber, other: Subscriber): Promise<string> =>
    person.startAdHoc({ factory: FACTORY, invite: [other.uri] }).then(
      () => assert.fail('it was let in'),
      (error: Error) => error.message,
    );
  await inForce('nobody');
  assert.match(await set(eve, ada), /403/);
  await chat('ours goes on', adas, bens);
  await inForce([ada.uri]);
  assert.match(await set(eve, ada), /403/);
  assert.equal((await conversation(FACTORY, ada, ben)).length, 2);
});

test('a REFER within its dialog is shadowed, as long as that dialog stands', async () => {
  interface Shadowed {
    readonly callId: string;
    readonly method: string;
    readonly hasMoved: boolean;
    readonly active: { readonly status: number };
    readonly candidate: { readonly status: number };
  }
  const [adas] = await conversation(FACTORY, ada, ben, eve);
  assert(adas !== undefined);
  const dan = await stack.subscriber('dan');
  const [refer] = await Promise.all([adas.dialog.refer(`<${dan.uri}>`), dan.answerNext({ ring: false })]);
  assert.equal(refer.response.status, 202);
  await progressOf(refer);
  const policy = { adHoc: { mayAdd: 'nobody' } };
  const shadow = async () => {
    const all = await ask<{ moved: number; differing: Shadowed[] }>('POST', '/policies/shadow', { policy });
    return { ...all, differing: all.differing.filter(({ callId }) => callId === adas.dialog.callId) };
  };
  const { moved, differing } = await shadow();
  assert.deepEqual(
    differing.map(({ method, hasMoved, active, candidate }) => [
      method,
      hasMoved,
      active.status,
      candidate.status,
    ]),
    [['REFER', false, 202, 403]],
  );

  await adas.leave();
  await eventually(
    async () => (await shadow()).moved === moved + 1,
    () => 'the REFER of a dialog that is gone is not said to have moved',
  );
  assert.deepEqual((await shadow()).differing, []);
});
