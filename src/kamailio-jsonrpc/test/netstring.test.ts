import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeNetstring, NetstringDecoder } from '../netstring.ts';

test('a stream of netstrings comes out the same, whatever the chunks', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 5 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 7 })),
      (payloads, sizes) => {
        const stream = Buffer.concat(payloads.map((payload) => encodeNetstring(Buffer.from(payload))));
        const decoder = new NetstringDecoder(100);
        const got: Buffer[] = [];
        for (let at = 0; at < stream.length; ) {
          const size = sizes.next().value ?? 1;
          got.push(...decoder.push(stream.subarray(at, at + size)));
          at += size;
        }
        assert.deepEqual(
          got.map((payload) => [...payload]),
          payloads.map((payload) => [...payload]),
        );
        assert.equal(decoder.isPartial, false);
      },
    ),
  );
});

test('every split in two of a pair of frames gives both', () => {
  const stream = Buffer.concat([encodeNetstring('{"ü":1}'), encodeNetstring(''), encodeNetstring('x')]);
  for (let at = 0; at <= stream.length; at++) {
    const decoder = new NetstringDecoder(100);
    const got = [...decoder.push(stream.subarray(0, at)), ...decoder.push(stream.subarray(at))];
    assert.deepEqual(got.map(String), ['{"ü":1}', '', 'x'], `split at ${at}`);
  }
});

test('a payload is a copy: the chunk may be used again', () => {
  const chunk = encodeNetstring('abc');
  const [payload] = new NetstringDecoder(100).push(chunk);
  chunk.fill(0);
  assert.equal(String(payload), 'abc');
});

test('what is no netstring is refused by code', () => {
  for (const text of [
    'x',
    ':',
    ',',
    '-1:',
    '01:a,',
    '00:,',
    ' 1:a,',
    '1 :a,',
    '1:ab',
    '1:a;',
    '{"jsonrpc":1}',
  ]) {
    assert.throws(() => new NetstringDecoder(100).push(Buffer.from(text)), { code: 'RPC_BAD_FRAME' }, text);
  }
});

test('a length above the limit is refused before its bytes come, however many digits it has', () => {
  const decoder = new NetstringDecoder(100);
  assert.equal(decoder.push(encodeNetstring('a'.repeat(100))).length, 1);
  assert.throws(() => decoder.push(Buffer.from('101')), { code: 'RPC_FRAME_TOO_LARGE' });
  assert.throws(() => new NetstringDecoder(100).push(Buffer.from('9'.repeat(400))), {
    code: 'RPC_FRAME_TOO_LARGE',
  });
});

test('random bytes never do anything but decode or throw a code', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 6 }), (chunks) => {
      const decoder = new NetstringDecoder(64);
      try {
        for (const chunk of chunks) decoder.push(chunk);
      } catch (error) {
        assert.match((error as { code: string }).code, /^RPC_(BAD_FRAME|FRAME_TOO_LARGE)$/);
      }
    }),
  );
});
