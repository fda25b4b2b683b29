import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  formatImEvents,
  type ImMessage,
  parseImEvent,
  type ReceivedImMessage,
  splitPages,
} from '../../../src/event-socket/im-message.ts';
import { PageAssembler } from '../../../src/event-socket/page-assembler.ts';
import { CodedError } from '../../../src/lib/errors.ts';

const MESSAGE: ImMessage = {
  op: 'session.put',
  corr: 'c1',
  from: 'focus-1',
  to: 'sw1',
  seq: 3,
  epoch: 'e1',
  ttlMs: 2000,
};

const code =
  (expected: string) =>
  (error: unknown): boolean =>
    error instanceof CodedError && error.code === expected;

function received(text: string, pageBytes: number, message = MESSAGE): ReceivedImMessage[] {
  return formatImEvents('im::request', message, text, { pageBytes, pages: 64 }).map(parseImEvent);
}

test('a short message is one event without im-page', () => {
  const [event] = formatImEvents('im::request', MESSAGE, '{}');
  assert.deepEqual(Object.fromEntries(event?.headers ?? []), {
    'im-v': '1',
    'im-op': 'session.put',
    'im-corr': 'c1',
    'im-from': 'focus-1',
    'im-to': 'sw1',
    'im-seq': '3',
    'im-epoch': 'e1',
    'im-ttl-ms': '2000',
  });
});

test('a long message comes in pages and is put together again', () => {
  const pages = received('äöü💬abc', 4);
  assert.deepEqual(
    pages.map(({ page }) => `${page.number}.${page.count}`),
    ['1.4', '2.4', '3.4', '4.4'],
  );
  const assembler = new PageAssembler();
  const texts = pages.map((page) => assembler.accept('im::request', page, 0));
  assert.deepEqual(texts, [null, null, null, 'äöü💬abc']);
});

test('no page is cut inside a character', () => {
  assert.deepEqual(splitPages('a💬b', 4), ['a', '💬', 'b']);
  assert.deepEqual(splitPages('', 4), ['']);
});

test('more pages than the bound are not sent', () => {
  const send = (): unknown =>
    formatImEvents('im::request', MESSAGE, 'x'.repeat(50), { pageBytes: 4, pages: 12 });
  assert.throws(send, code('ESL_TOO_MANY_PAGES'));
});

test('more pages than the bound are not taken', () => {
  const [first] = received('x'.repeat(50), 4);
  const assembler = new PageAssembler({ maxPages: 12 });
  assert.throws(
    () => assembler.accept('im::request', first as ReceivedImMessage, 0),
    code('ESL_TOO_MANY_PAGES'),
  );
});

test('a page over 64 KiB is not taken', () => {
  const [first] = received('x'.repeat(65_537), 70_000);
  const assembler = new PageAssembler();
  assert.throws(
    () => assembler.accept('im::request', first as ReceivedImMessage, 0),
    code('ESL_BODY_TOO_LONG'),
  );
});

test('a page out of order drops the message, and the next first page starts it anew', () => {
  const pages = received('abcdefghijkl', 4) as [ReceivedImMessage, ReceivedImMessage, ReceivedImMessage];
  const assembler = new PageAssembler();
  assembler.accept('im::request', pages[0], 0);
  assert.throws(() => assembler.accept('im::request', pages[2], 0), code('ESL_BAD_PAGE'));
  assert.throws(() => assembler.accept('im::request', pages[1], 0), code('ESL_BAD_PAGE'));
  assert.deepEqual(
    [pages[0], pages[1], pages[2]].map((page) => assembler.accept('im::request', page, 0)),
    [null, null, 'abcdefghijkl'],
  );
});

test('of too many unfinished messages the oldest gives way; an expired one goes first', () => {
  const make = (corr: string, ttlMs: number): ReceivedImMessage[] =>
    received('abcdefgh', 4, { ...MESSAGE, corr, ttlMs });
  const [a, b, c] = [make('a', 9000), make('b', 1000), make('c', 9000)];
  const assembler = new PageAssembler({ maxPartials: 2 });
  const accept = (pages: ReceivedImMessage[], index: number, nowMs: number): string | null =>
    assembler.accept('im::request', pages[index] as ReceivedImMessage, nowMs);
  accept(a, 0, 0);
  accept(b, 0, 0);
  accept(c, 0, 1000);
  assert.throws(() => accept(b, 1, 1000), code('ESL_BAD_PAGE'));
  assert.equal(accept(a, 1, 1000), 'abcdefgh');
  accept(a, 0, 1000);
  accept(b, 0, 1000);
  assert.throws(() => accept(c, 1, 1000), code('ESL_BAD_PAGE'));
});

for (const [what, name, value] of [
  ['another version', 'im-v', '2'],
  ['a sequence that is no number', 'im-seq', '-1'],
  ['a time to live that is no number', 'im-ttl-ms', '1e3'],
  ['a page that is none', 'im-page', '1'],
  ['a page after the last', 'im-page', '3.2'],
  ['page zero', 'im-page', '0.2'],
] as const) {
  test(`refused: ${what}`, () => {
    const [event] = formatImEvents('im::request', MESSAGE, '{}');
    const headers = new Map(event?.headers).set(name, value);
    const bad = { name: 'CUSTOM', subclass: 'im::request', headers, body: '' };
    assert.throws(() => parseImEvent(bad), code('ESL_BAD_EVENT'));
  });
}

for (const name of ['im-v', 'im-op', 'im-corr', 'im-from', 'im-to', 'im-seq', 'im-epoch', 'im-ttl-ms']) {
  test(`refused: no ${name}`, () => {
    const [event] = formatImEvents('im::request', MESSAGE, '{}');
    const headers = new Map(event?.headers);
    headers.delete(name);
    const bad = { name: 'CUSTOM', subclass: 'im::request', headers, body: '' };
    assert.throws(() => parseImEvent(bad), code('ESL_BAD_EVENT'));
  });
}

test('a name that cannot be sent is refused', () => {
  assert.throws(() => formatImEvents('im::request', { ...MESSAGE, to: 'a b' }, '{}'), code('ESL_BAD_VALUE'));
});
