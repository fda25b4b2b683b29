/** What we write, read again: by our own parser, and by the reader of src/agents, which shares nothing with it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MsrpStream } from '../../../src/agents/msrp/frame.ts';
import {
  formatEmptySend,
  formatPaths,
  formatReport,
  formatResponse,
} from '../../../src/msrp/protocol/encode.ts';
import {
  BYTE_RANGE,
  CONTENT_TYPE,
  FROM_PATH,
  MESSAGE_ID,
  STATUS,
  TO_PATH,
} from '../../../src/msrp/protocol/frame-head.ts';
import { TransactionIds } from '../../../src/msrp/protocol/transaction-id.ts';
import { FLAG_ABORT, FLAG_COMPLETE, FLAG_MORE } from '../../../src/msrp/protocol/wire.ts';
import { AS_SENT, OutgoingChunk } from '../../../src/msrp/switch/chunk.ts';
import { FrameMemory } from '../../../src/msrp/transport/frame.ts';
import { recordFrames } from '../../unit/msrp/record-frames.ts';

const TO = 'msrp://relay.example:2855/r;tcp msrp://192.0.2.1:7777/c;tcp';
const FROM = 'msrp://switch.example:2855/s;tcp';
/** An answer goes to the nearest hop only. */
const NEAREST = 'msrp://relay.example:2855/r;tcp';
const PATHS = formatPaths(TO, FROM);
const HEADERS = [TO_PATH, FROM_PATH, MESSAGE_ID, BYTE_RANGE, CONTENT_TYPE, STATUS] as const;

const numbers = fc.integer({ min: 1, max: 2 ** 40 });
const tids = numbers.map((number) => new TransactionIds('abcdefgh').text(number));
const ids = fc.stringMatching(/^[A-Za-z0-9.+%=-]{1,32}$/);

function parsed(text: string) {
  const recording = recordFrames([Buffer.from(text, 'latin1')], HEADERS);
  assert.equal(recording.fault, '');
  assert.equal(recording.frames.length, 1);
  const [frame] = recording.frames;
  assert.ok(frame !== undefined && frame.flag !== '');
  return frame;
}

test('answers, reports and empty SENDs: what is written is read as it was', () => {
  const statuses = fc.constantFrom(200, 400, 403, 404, 408, 413, 415, 423, 424, 425, 428, 481, 501, 506, 499);
  fc.assert(
    fc.property(tids, ids, statuses, numbers, (tid, id, status, bytes) => {
      const response = formatResponse(tid, status, FROM, TO);
      const answer = parsed(response);
      assert.deepEqual([answer.tid, answer.status], [tid, status]);
      // Ours does not look at the headers of an answer.
      const [other] = new MsrpStream().feed(Buffer.from(response));
      assert.deepEqual(
        [other?.status, other?.header('To-Path'), other?.header('From-Path')],
        [status, NEAREST, FROM],
      );
      const report = parsed(formatReport(tid, PATHS, id, bytes, status));
      assert.deepEqual(
        [report.method, report.values.slice(0, 4)],
        ['REPORT', [TO, FROM, id, `1-${bytes}/${bytes}`]],
      );
      assert.match(report.values[5] ?? '', new RegExp(`^000 ${status} `));
      const empty = parsed(formatEmptySend(tid, PATHS, id));
      assert.deepEqual(
        [empty.method, empty.hasBody, empty.values.slice(0, 4)],
        ['SEND', false, [TO, FROM, id, '1-0/0']],
      );
    }),
  );
});

test('chunks: two readers find the body, the flag and the range that were written, whatever the body', () => {
  const bodies = fc.oneof(
    fc.uint8Array({ maxLength: 3_000 }).map((bytes) => Buffer.from(bytes)),
    fc
      .array(
        fc.constantFrom(
          '\r\n',
          '-------abcdefgh0000000',
          '1',
          '$',
          '+',
          '\r\n-------',
          'MSRP x SEND\r\n',
          '\0',
        ),
      )
      .map((parts) => Buffer.from(parts.join(''), 'latin1')),
  );
  const flags = fc.constantFrom(FLAG_COMPLETE, FLAG_MORE, FLAG_ABORT);
  fc.assert(
    fc.property(
      bodies,
      flags,
      numbers,
      fc.option(fc.nat(1e6)),
      ids,
      (body, flag, start, after, messageId) => {
        const transactions = new TransactionIds('abcdefgh');
        const number = transactions.next(body);
        const total = after === null ? -1 : start - 1 + body.length + after;
        const forms = [{ contentType: 'text/plain;charset=utf-8', cutBytes: 0, prefix: '' }];
        const source = { messageId, otherContentLines: '', forms, start, total, body, flag };
        const {
          memory,
          start: from,
          ownAt,
          end: to,
        } = new OutgoingChunk(transactions, number, source).frame(AS_SENT, new FrameMemory());
        const whole = Buffer.concat([
          memory.subarray(from, ownAt),
          Buffer.from(PATHS),
          memory.subarray(ownAt, to),
        ]);
        const end = start - 1 + body.length;
        const lastByte = flag === FLAG_COMPLETE ? String(end) : total < 0 ? '*' : String(total);
        const range = `${start}-${body.length > 2048 ? '*' : end}/${lastByte}`;

        const frame = parsed(whole.toString('latin1'));
        assert.equal(frame.body, body.toString('latin1'));
        assert.deepEqual(frame.values.slice(2, 5), [messageId, range, 'text/plain;charset=utf-8']);
        assert.equal(frame.flag, String.fromCharCode(flag));

        const [other, ...none] = new MsrpStream().feed(whole);
        assert.deepEqual(none, []);
        assert.deepEqual(other?.body, body);
        assert.deepEqual([other?.header('Byte-Range'), other?.flag], [range, frame.flag]);
      },
    ),
    { numRuns: 300 },
  );
});
