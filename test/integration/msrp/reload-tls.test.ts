/** `im reload-tls` at the event socket of a switch as `parley switch` starts it: answered when the certificate is in use. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connect } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { FreeSwitchClient, type FreeSwitchResponse } from 'esl';
import { createLogger } from '../../../src/app/logging.ts';
import { startSwitch } from '../../../src/app/switch.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { LOOPBACK, SIGNED } from './certificates.ts';

const PASSWORD = 'password-of-this-test';
const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../fixtures/msrp/${name}`, import.meta.url));
const quiet = { debug: () => undefined, info: () => undefined, error: () => undefined };

/** In a folder of its own, with a client of its event socket. */
async function switchWith(t: TestContext, msrp: string) {
  const directory = await mkdtemp(join(tmpdir(), 'parley-reload-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  await writeFile(join(directory, 'password'), PASSWORD);
  const put = (part: 'cert' | 'key', name: string): Promise<void> =>
    copyFile(fixture(`${name}-${part}.pem`), join(directory, `${part}.pem`));
  await put('cert', 'loopback');
  await put('key', 'loopback');
  const file = join(directory, 'parley.yaml');
  await writeFile(file, `eventSocket: { listen: '127.0.0.1:0', passwordFile: password }\nmsrp: ${msrp}\n`);
  const loaded = loadConfig({ file, env: {} });
  assert.ok(loaded.ok);
  const { addresses, stop } = await startSwitch(loaded.config, 0, createLogger('silent', 'switch'));
  const portOf = (address: string | undefined): number => Number(address?.split(':').at(-1));
  const client = new FreeSwitchClient({
    host: '127.0.0.1',
    port: portOf(addresses.eventSocket),
    password: PASSWORD,
    logger: quiet,
  });
  t.after(async () => {
    client.end();
    await stop();
  });
  const connected = new Promise<FreeSwitchResponse>((resolve) => client.on('connect', resolve));
  client.connect();
  const call = await connected;
  return {
    put,
    api: async (command: string): Promise<string> => String((await call.api(command)).body),
    /** The certificate that a client is shown now, as PEM without line ends. */
    async shown(): Promise<string> {
      const socket = connect({
        port: portOf(addresses.msrp[0]),
        host: '127.0.0.1',
        rejectUnauthorized: false,
      });
      await once(socket, 'secureConnect');
      const { raw } = socket.getPeerCertificate();
      socket.destroy();
      return raw.toString('base64');
    },
  };
}

/** As the client's error has it. */
const answer = (body: string) => ({
  headers: { 'Content-Type': 'api/response', 'Content-Length': String(body.length) },
  body,
});
const base64Of = (pem: Buffer): string => pem.toString().replace(/-----[A-Z ]+-----|\s/g, '');

test('im reload-tls: the next client is shown the new certificate; while key and certificate are no pair, the old one', async (t) => {
  const msrp = `{ listen: 'tls:127.0.0.1:0', tls: { certificateFile: cert.pem, keyFile: key.pem } }`;
  const { api, put, shown } = await switchWith(t, msrp);
  assert.match(await api('im help'), /^im reload-tls +\S/m);
  assert.equal(await shown(), base64Of(LOOPBACK.cert));
  await put('cert', 'signed');
  await assert.rejects(api('im reload-tls'), {
    res: answer('-ERR the certificate and its key cannot be used\n'),
  });
  assert.equal(await shown(), base64Of(LOOPBACK.cert));
  await put('key', 'signed');
  assert.equal(await api('im reload-tls'), '+OK\n');
  assert.equal(await shown(), base64Of(SIGNED.cert));
});

test('im reload-tls: without a certificate it says so', async (t) => {
  const { api } = await switchWith(t, `{ listen: '127.0.0.1:0' }`);
  await assert.rejects(api('im reload-tls'), { res: answer('-ERR no certificate is configured\n') });
});
