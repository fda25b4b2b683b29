import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ExplainQuestion } from '../../../src/admin/view.ts';
import { ParseError } from '../../../src/lib/errors.ts';
import { asking } from './asking.ts';
import { EXPLANATION } from './fake-view.ts';

const JSON_BODY = { 'content-type': 'application/json' };
const MESSAGE = 'INVITE sip:nobody@example.com SIP/2.0\n\n';

describe('POST /api/v1/explain', () => {
  test('asks with what was given, and answers the whole explanation', async (t) => {
    const asked: ExplainQuestion[] = [];
    const { ask } = asking(t, {
      explain: (question) => {
        asked.push(question);
        return EXPLANATION;
      },
    });
    const question = { message: MESSAGE, src: '[2001:db8::7]:5060', trust: 'core' };
    const { status, body } = await ask('POST', '/api/v1/explain', JSON_BODY, JSON.stringify(question));
    assert.equal(status, 200);
    assert.deepEqual(body, EXPLANATION);
    assert.deepEqual(asked, [question]);
  });

  for (const [code, path] of [
    ['SIP_BAD_START_LINE', '/message'],
    ['SIP_BAD_SOURCE', '/src'],
  ] as const) {
    test(`what cannot be understood (${code}) is 422, and says where`, async (t) => {
      const { ask } = asking(t, {
        explain: () => {
          throw new ParseError(code, 'it is wrong');
        },
      });
      const payload = JSON.stringify({ message: MESSAGE });
      const { status, body } = await ask('POST', '/api/v1/explain', JSON_BODY, payload);
      assert.equal(status, 422);
      const { code: problem, errors } = body as { code: string; errors: unknown };
      assert.equal(problem, 'ADMIN_INVALID');
      assert.deepEqual(errors, [{ path, message: `it is wrong (${code})` }]);
    });
  }

  for (const body of [
    {},
    { message: '' },
    { message: {} },
    { message: 'x'.repeat(65_537) },
    { message: MESSAGE, trust: 'all' },
    { message: MESSAGE, more: 1 },
  ]) {
    test(`a body of another shape is refused: ${JSON.stringify(body).slice(0, 60)}`, async (t) => {
      const { ask } = asking(t, { explain: () => assert.fail('was asked') });
      const { status } = await ask('POST', '/api/v1/explain', JSON_BODY, JSON.stringify(body));
      assert.equal(status, 400);
    });
  }
});
