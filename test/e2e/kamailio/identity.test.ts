import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  DOMAIN,
  FACTORY,
  type KamailioFixture,
  PASSWORDS,
  REALM,
  startFixture,
} from '../../support/kamailio/kamailio-fixture.ts';
import { header } from '../../support/kamailio/sip-text.ts';

let strict: KamailioFixture;

before(async () => {
  strict = await startFixture();
});
after(async () => {
  await strict.stop();
});

test('an initial request without credentials is asked for its digest and does not reach the service', async () => {
  const alice = await strict.udp('alice');
  const reply = await alice.transact({ method: 'INVITE', uri: FACTORY, to: FACTORY });
  assert.equal(reply.status, 407);
  assert.match(header(reply, 'Proxy-Authenticate'), new RegExp(`realm="${REALM}"`));
  assert.equal(strict.service.requests.length, 0);
});

test('a digest user is the identity, whatever From and P-Asserted-Identity say', async () => {
  const alice = await strict.udp('alice');
  const reply = await alice.transact(
    {
      method: 'INVITE',
      uri: FACTORY,
      to: FACTORY,
      headers: [`P-Asserted-Identity: <sip:boss@${DOMAIN}>`, `P-Preferred-Identity: <sip:boss@${DOMAIN}>`],
    },
    PASSWORDS.alice,
  );
  assert.equal(reply.status, 200);
  const call = await strict.service.expectRequest('the INVITE', (c) => c.sip.method === 'INVITE');
  assert.deepEqual(call.asserted, [`<sip:alice@${DOMAIN}>`]);
  assert.equal(call.trust, 'digest');
});
