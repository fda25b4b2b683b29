import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseIncoming } from '../json-rpc.ts';
import { readNotice, readRequestCall } from '../sip-call.ts';

const parse = (text: string) => parseIncoming(Buffer.from(text));

test('requests and notifications are told apart by their id', () => {
  const call = parse('{"jsonrpc":"2.0","id":7,"method":"m","params":{"a":1}}');
  assert.deepEqual([call.kind, 'id' in call && call.id], ['request', 7]);
  assert.equal(parse('{"jsonrpc":"2.0","method":"m"}').kind, 'notification');
});

test('what is no call gets the code that the specification gives it, and its id when it has one', () => {
  for (const [text, id, code] of [
    ['{', null, -32700],
    ['', null, -32700],
    ['[]', null, -32600],
    ['null', null, -32600],
    ['1', null, -32600],
    ['{"id":1,"method":"m"}', 1, -32600],
    ['{"jsonrpc":"2.0","id":1}', 1, -32600],
    ['{"jsonrpc":"2.0","id":{},"method":"m"}', null, -32600],
    ['{"jsonrpc":"2.0","id":null,"method":"m"}', null, -32600],
    ['{"jsonrpc":"2.0","id":"x","method":"m","params":[1]}', 'x', -32602],
    ['{"jsonrpc":"2.0","id":1,"method":"m","params":null}', 1, -32602],
  ] as const) {
    const call = parse(text);
    assert.deepEqual(call.kind === 'invalid' && [call.id, call.code], [id, code], text);
  }
});

test('any JSON value is read without a throw', () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => void parse(JSON.stringify(value))));
  fc.assert(fc.property(fc.uint8Array(), (bytes) => void parseIncoming(Buffer.from(bytes))));
});

const params = {
  kam: 'k',
  epoch: '1',
  tid: '1:2',
  src: 'udp:[::1]:5060',
  rcv: 'udp:[::1]:5060',
  asserted: ['<sip:a@b>, <tel:+1>'],
  trust: 'core',
  msg: Buffer.from('BYE\0"').toString('base64'),
};

test('the parameters of a request are read, and any that is missing or odd refuses the whole', () => {
  const call = readRequestCall(params);
  assert.deepEqual(call?.asserted, ['<sip:a@b>', '<tel:+1>']);
  assert.equal(call?.message.toString(), 'BYE\0"');
  assert.deepEqual(readRequestCall({ ...params, trust: 'none' })?.asserted, []);
  for (const name of Object.keys(params)) {
    const { [name as 'kam']: _, ...rest } = params;
    assert.equal(readRequestCall(rest), undefined, name);
    for (const odd of [null, 5, {}, '', 'ü'.repeat(300)]) {
      assert.equal(readRequestCall({ ...params, [name]: odd }), undefined, `${name}=${JSON.stringify(odd)}`);
    }
  }
  assert.equal(readRequestCall({ ...params, tid: '1:2; x' }), undefined);
  assert.equal(readRequestCall({ ...params, asserted: [1] }), undefined);
  assert.equal(readRequestCall({ ...params, asserted: Array(20).fill('<sip:a@b>') }), undefined);
});

test('a notice needs no transaction, but not an odd one', () => {
  const { kam, epoch, src, msg } = params;
  assert.equal(readNotice({ kam, epoch, src, msg })?.tid, undefined);
  assert.equal(readNotice({ kam, epoch, src, msg, tid: '1:2' })?.tid, '1:2');
  assert.equal(readNotice({ kam, epoch, src, msg, tid: 'x' }), undefined);
  assert.equal(readNotice({ kam, epoch, src, msg: '***' }), undefined);
});
