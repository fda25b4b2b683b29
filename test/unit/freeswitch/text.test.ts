import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  authorName,
  channelText,
  FREESWITCH_TEXT_BYTES,
  MAX_TEXT_BYTES,
  messageText,
  receivedText,
} from '../../../src/freeswitch/text.ts';

const ADA = { name: 'Ada' };

test('one line for a call, line breaks for a MESSAGE, and who speaks before it', () => {
  assert.equal(channelText('a\r\nb\nc', ADA), 'Ada: a\u2028b\u2028c');
  assert.equal(messageText('a\u2028b\rc', ADA), 'Ada: a\r\nb\r\nc');
  assert.equal(channelText('the group speaks', { name: '' }), 'the group speaks');
});

test('nothing passes that would end the command or the text', () => {
  for (const code of [0, 1, 7, 8, 9, 11, 12, 27, 31, 127])
    assert.equal(channelText(`a${String.fromCharCode(code)}b`, ADA), 'Ada: a b');
  assert.doesNotMatch(channelText('a\n\nContent-Length: 5\n\nexit\n\n', ADA), /[\r\n]/);
});

test('at most what FreeSWITCH carries, and never half a character', () => {
  for (const unit of ['x', 'é', '€', '😀']) {
    const text = channelText(unit.repeat(FREESWITCH_TEXT_BYTES), ADA);
    const bytes = Buffer.byteLength(text);
    assert.ok(bytes <= FREESWITCH_TEXT_BYTES && bytes > FREESWITCH_TEXT_BYTES - 4, `${unit}: ${bytes}`);
    assert.doesNotMatch(text, /\ufffd/);
  }
  const longest = authorName('😀'.repeat(200), 'sip:a@h');
  const whole = 'y'.repeat(MAX_TEXT_BYTES);
  assert.equal(
    channelText(whole, { name: longest }),
    `${longest}: ${whole}`,
    'what is offered in SDP fits whole',
  );
});

test('names of authors', () => {
  assert.equal(authorName('Ada', 'sip:a@h'), 'Ada');
  assert.equal(authorName('', 'sip:ada@example.net'), 'ada');
  assert.equal(authorName('', 'tel:+49123'), '+49123');
  assert.equal(authorName('Eve\r\nAda: hi', 'sip:a@h'), 'Eve  Ada  hi', 'nobody speaks for another');
});

test('what users have written', () => {
  assert.equal(receivedText('hi\r\n'), 'hi');
  assert.equal(receivedText('a\u2028b\u2028'), 'a\r\nb');
  assert.equal(receivedText('\ufeff\r\n'), '');
});
