/** The configuration as it is shown: all of it, but for what proves an identity. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { loadConfig } from '../../../src/config/load.ts';
import { asking } from './asking.ts';

test('all keys and values, and none of the secrets', async (t) => {
  const loaded = loadConfig({ env: {} });
  assert(loaded.ok);
  const { config } = loaded;
  const { get } = asking(t, { configuration: () => config }, { withoutToken: 'viewer' });
  const { status, body, text } = await get('/api/v1/configuration');
  assert.equal(status, 200);
  const { secret } = config.kamailio;
  const { password } = config.eventSocket;
  assert(secret.length > 16 && password.length > 16);
  assert(!text.includes(secret) && !text.includes(password));
  const shown = structuredClone(config) as unknown as Record<string, Record<string, unknown>>;
  (shown['kamailio'] as Record<string, unknown>)['secret'] = '(hidden)';
  (shown['eventSocket'] as Record<string, unknown>)['password'] = '(hidden)';
  assert.deepEqual(body, JSON.parse(JSON.stringify(shown)));
});

test('a secret is hidden wherever it stands, by its name', async (t) => {
  const configuration = () => ({
    webhooks: [{ url: 'https://hooks.example.net', secret: 'abc', signingSecret: ['d', 'e'] }],
    tls: { keyFile: '/etc/key.pem', passphrase: 'f' },
    admin: { withoutToken: 'viewer', bearerToken: 'g' },
  });
  const { get } = asking(t, { configuration });
  assert.deepEqual((await get('/api/v1/configuration')).body, {
    webhooks: [{ url: 'https://hooks.example.net', secret: '(hidden)', signingSecret: '(hidden)' }],
    tls: { keyFile: '/etc/key.pem', passphrase: '(hidden)' },
    admin: { withoutToken: 'viewer', bearerToken: '(hidden)' },
  });
});
