/** Sessions whose MSRP runs over TLS, WebSocket and IPv6: what the SDP says, through a real Kamailio, and that it works. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Subscriber } from '../../src/agents/chat.ts';
import { multipart, resourceLists } from '../../src/agents/documents.ts';
import { sdpBody, sdpOf } from '../../src/agents/sdp.ts';
import { AUTHORITY, CLIENT, fingerprintOf, LOOPBACK, SIGNED } from '../integration/msrp/certificates.ts';
import { FACTORY, Stack } from '../support/stack.ts';

const WAIT_MS = 30_000;
const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/msrp/${name}`, import.meta.url));

async function withStack(msrp: Record<string, unknown>, run: (stack: Stack) => Promise<void>): Promise<void> {
  const stack = await Stack.start({ config: { msrp, adHoc: { allowEmptyList: true } } });
  try {
    await run(stack);
  } finally {
    await stack.stop();
  }
}

/** Two users in a session, each heard by the other. */
async function talk(ada: Subscriber, ben: Subscriber, attributes: readonly string[] = []) {
  const [hers, his] = await Promise.all([
    ada.startAdHoc({ factory: FACTORY, invite: [ben.uri], attributes }),
    ben.answerNext({ attributes }),
  ]);
  assert.equal(await hers.say('to all'), 200);
  assert.equal((await his.hear()).text, 'to all');
  assert.equal(await his.say('back'), 200);
  assert.equal((await hers.hear()).text, 'back');
  assert.deepEqual([...ada.violations, ...ben.violations], []);
  return { hers, his };
}

const media = (text: string | undefined): string => /^m=.*$/m.exec(text ?? '')?.[0] ?? '';
const attribute = (text: string | undefined, name: string): string =>
  new RegExp(`^a=${name}:(.*?)\r?$`, 'm').exec(text ?? '')?.[1] ?? '';

test('case 67: over TLS both ways, the fingerprint in offer and answer, self-signed on both sides; a renewed certificate is told', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'parley-certificate-'));
  const [certificateFile, keyFile] = [join(directory, 'cert.pem'), join(directory, 'key.pem')];
  await copyFile(fixture('loopback-cert.pem'), certificateFile);
  await copyFile(fixture('loopback-key.pem'), keyFile);
  try {
    const config = { listen: ['tls:127.0.0.1:0'], tls: { certificateFile, keyFile } };
    await withStack(config, async (stack) => {
      const options = { msrpListen: false, msrp: { tls: { ca: LOOPBACK.cert, ...CLIENT } } };
      const [ada, ben] = [await stack.subscriber('ada', options), await stack.subscriber('ben', options)];
      const { hers, his } = await talk(ada, ben, [`fingerprint:${fingerprintOf(CLIENT.cert)}`]);
      for (const message of [hers.setUpBy, his.setUpBy]) {
        const text = message.bodyBytes.toString('utf8');
        assert.match(media(text), /^m=message \d+ TCP\/TLS\/MSRP \*/);
        assert.equal(attribute(text, 'fingerprint'), fingerprintOf(LOOPBACK.cert));
        assert.match(attribute(text, 'path'), /^msrps:\/\/127\.0\.0\.1:\d+\/[^;]+;tcp$/);
      }
      await copyFile(fixture('signed-cert.pem'), certificateFile);
      await copyFile(fixture('signed-key.pem'), keyFile);
      const cleo = await stack.subscriber('cleo', {
        msrpListen: false,
        msrp: { tls: { ca: [LOOPBACK.cert, AUTHORITY] } },
      });
      for (const beganMs = performance.now(); ; ) {
        assert.ok(performance.now() - beganMs < WAIT_MS, 'the renewed certificate was never told');
        const room = await cleo.startAdHoc({ factory: FACTORY, invite: [] }).catch(() => undefined);
        const told = attribute(room?.setUpBy.bodyBytes.toString('utf8'), 'fingerprint');
        if (told === fingerprintOf(SIGNED.cert)) break;
        await room?.leave();
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      assert.equal(await hers.say('the old connection goes on'), 200);
      assert.equal((await his.hear()).text, 'the old connection goes on');
    });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});

test('case 67: a fingerprint that the certificate does not have: the client is not let in', async () => {
  const tls = { certificateFile: fixture('loopback-cert.pem'), keyFile: fixture('loopback-key.pem') };
  await withStack({ listen: ['tls:127.0.0.1:0'], tls }, async (stack) => {
    const ben = await stack.subscriber('ben', {
      msrpListen: false,
      msrp: { tls: { ca: LOOPBACK.cert, ...CLIENT } },
    });
    const ada = await stack.subscriber('ada', {
      msrpListen: false,
      msrp: { tls: { ca: LOOPBACK.cert, ...SIGNED } },
    });
    const attributes = [`fingerprint:${fingerprintOf(CLIENT.cert)}`];
    const dialling = ada.dialAdHoc({ factory: FACTORY, invite: [ben.uri], attributes });
    await ben.answerNext({ attributes });
    await assert.rejects((await dialling).room(), /got 403/);
  });
});

test('IPv6: SDP and MSRP at ::1, the switch as the passive and as the active side', async () => {
  await withStack({ listen: ['tcp:[::1]:0'] }, async (stack) => {
    const msrp = { host: '::1' };
    const ada = await stack.subscriber('ada', { msrp });
    const ben = await stack.subscriber('ben', { msrp });
    const { hers, his } = await talk(ada, ben);
    for (const message of [hers.setUpBy, his.setUpBy]) {
      const text = message.bodyBytes.toString('utf8');
      assert.match(text, /^c=IN IP6 ::1\r?$/m);
      assert.match(attribute(text, 'path'), /^msrp:\/\/\[::1\]:\d+\/[^;]+;tcp$/);
    }
    await talk(ada, await stack.subscriber('cleo', { msrp, answerSetup: 'passive' }));
  });
});

test('case 70: a WebSocket client in a session with a TCP one; its path says ;ws, and so does ours', async () => {
  await withStack({ listen: ['tcp:127.0.0.1:0', 'ws:127.0.0.1:0'] }, async (stack) => {
    const ada = await stack.subscriber('ada');
    const ben = await stack.subscriber('ben');
    const own = 'msrp://ada.invalid:2855/web-session-of-ada;ws';
    const call = ada.sip.invite({
      to: FACTORY,
      headers: [['Require', 'recipient-list-invite']],
      body: multipart([sdpBody(webOffer(own)), resourceLists([ben.uri])]),
    });
    const his = await ben.answerNext();
    await call.answered();
    const answer = sdpOf(await call.final());
    assert.equal(answer?.setup, 'passive');
    const path = answer?.path[0] ?? '';
    assert.match(path, /^msrp:\/\/127\.0\.0\.1:\d+\/[^;]+;ws$/);

    const web = new WebSocket(`ws://${/\/\/([^/]+)/.exec(path)?.[1]}/`, ['msrp']);
    await once(web, 'open', { signal: AbortSignal.timeout(WAIT_MS) });
    const next = async (): Promise<string> => {
      const signal = AbortSignal.timeout(WAIT_MS);
      const [event] = (await once(web, 'message', { signal })) as [MessageEvent];
      return (event.data as Blob).text();
    };
    const send = (tid: string, content: string): Promise<string> => {
      const answered = next();
      web.send(
        `MSRP ${tid} SEND\r\nTo-Path: ${path}\r\nFrom-Path: ${own}\r\nMessage-ID: m-${tid}\r\n${content}-------${tid}$\r\n`,
      );
      return answered;
    };
    assert.match(await send('webbind1', ''), /^MSRP webbind1 200 OK\r\n/);
    assert.match(await send('webtext1', 'Content-Type: text/plain\r\n\r\nfrom the web\r\n'), / 200 OK\r\n/);
    const heard = await his.hear();
    assert.deepEqual([heard.text, heard.from], ['from the web', ada.uri]);
    const [back, status] = await Promise.all([next(), his.say('to the web')]);
    assert.equal(status, 200);
    assert.match(back, /to the web/);
    web.close();
  });
});

function webOffer(path: string): string {
  return [
    'v=0',
    'o=- 1 1 IN IP4 127.0.0.1',
    's=-',
    'c=IN IP4 127.0.0.1',
    't=0 0',
    'm=message 9 TCP/MSRP *',
    'a=accept-types:message/cpim text/plain',
    'a=accept-wrapped-types:*',
    `a=path:${path}`,
    'a=setup:active',
    '',
  ].join('\r\n');
}
