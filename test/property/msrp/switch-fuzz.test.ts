/** A running switch and a hostile client: whatever it sends, it is answered or closed, and the room goes on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { legOf, Member, openHall, putRoom, RawClient } from '../../integration/msrp/raw-client.ts';

test('random bytes and damaged frames end in an answer or a close; the room is untouched', async () => {
  await using hall = await openHall({ limits: { idleMs: 50, tickMs: 10 } });
  putRoom(hall, [legOf('a'), legOf('b'), legOf('c')]);
  const a = await Member.join(hall, 'a');
  const b = await Member.join(hall, 'b');
  const c = new Member('c', await RawClient.connect(hall.port), hall.port);
  c.client.socket.destroy();
  const good = c.frame('From: <sip:c@example.net>\r\n\r\n\r\nhello', { type: 'message/cpim' }).bytes;
  const damage = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }).map((edits) => {
      const bytes = Buffer.from(good);
      for (const [at, value] of edits) bytes[at] = value;
      return bytes;
    }),
    fc
      .tuple(fc.nat(good.length), fc.nat(good.length))
      .map(([x, y]) => Buffer.concat([good.subarray(0, x), good.subarray(y)])),
  );
  let turn = 0;
  await fc.assert(
    fc.asyncProperty(damage, async (bytes) => {
      const client = await RawClient.connect(hall.port);
      client.write(bytes);
      await client.until(() => client.isClosed || client.frames.length > 0, 'an answer or a close');
      client.socket.destroy();
      turn++;
      assert.equal(await a.sendAndStatus(`turn ${turn}`), '200');
      await b.client.next((frame) => frame.body.toString() === `turn ${turn}`);
    }),
    { numRuns: 60 },
  );
});
