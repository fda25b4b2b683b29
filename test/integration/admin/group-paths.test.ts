/** Paths to groups that a client would tidy up before sending: written to the socket as they are. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import test from 'node:test';
import { startAdmin } from '../../../src/admin/admin.ts';
import { fakeAdmin } from '../../unit/admin/fake-admin.ts';
import { CREW, crewXml } from '../../unit/admin/fake-groups.ts';
import { memoryLog } from '../../unit/admin/fake-view.ts';

const XCAP = '/xcap-root/org.openmobilealliance.groups';
const TRICKS: readonly (readonly [path: string, statuses: readonly number[]])[] = [
  [`${XCAP}/global/../../../etc/passwd`, [404, 405]],
  [`${XCAP}/global/..`, [400]],
  [`${XCAP}/global/.`, [400]],
  [`${XCAP}/global/%2e%2e`, [400]],
  [`${XCAP}/global/%2E%2e/%2e%2e/etc`, [400, 404]],
  [`${XCAP}/global/%252e%252e`, [400, 404, 409]],
  [`${XCAP}/global/..%2f..%2fetc%2fpasswd`, [400]],
  [`${XCAP}/global/a%00.xml`, [400]],
  [`${XCAP}/global/%ff`, [400]],
  [`${XCAP}/global/%zz`, [400]],
  [`${XCAP}/global/`, [400, 404]],
  [`${XCAP}//global/a`, [404]],
  [`${XCAP}/users/../global/crew`, [400, 404]],
  [`${XCAP}/users/sip:a@h/%2e%2e`, [400]],
  [`/api/v1/groups/${'%41'.repeat(600)}`, [400, 404, 414]],
  [`/api/v1/groups/${'a'.repeat(3_000)}`, [414]],
  ['/api/v1/groups/../tokens', [404, 405]],
  ['/api/v1/groups/%2e%2e%2ftokens', [400, 404, 422]],
  ['/api/v1/groups/sip:a@h/../../tokens', [404, 405]],
  ['/api/v1/groups/sip%3acrew%40example.net%00', [400]],
  ['/api/v1/groups/', [400, 404, 405]],
];

test('no trick of a path reads, makes or removes a document', async (t) => {
  const { log } = memoryLog();
  const parts = fakeAdmin();
  const { records } = parts;
  const admin = await startAdmin({
    host: '127.0.0.1',
    port: 0,
    ...parts,
    nowMs: () => 0,
    log,
  });
  t.after(() => admin.close());
  const xml = crewXml();

  async function raw(method: string, path: string): Promise<{ status: number; text: string }> {
    const socket = connect(admin.address.port, '127.0.0.1');
    let text = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk;
    });
    socket.on('error', () => undefined); // The answer may come before the body was read.
    const body = method === 'PUT' ? xml : '';
    socket.write(
      `${method} ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nif-none-match: *\r\ncontent-type: application/vnd.oma.poc.groups+xml\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
    await once(socket, 'close');
    return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1]), text };
  }

  assert.equal((await raw('PUT', `${XCAP}/global/crew.xml`)).status, 201);
  const left = () =>
    JSON.stringify([
      ...['group_version', 'audit'].map((name) => records.prepare(`SELECT * FROM ${name}`).all()),
    ]);
  const before = left();
  for (const [path, statuses] of TRICKS) {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const { status, text } = await raw(method, path);
      assert(statuses.includes(status), `${method} ${path.slice(0, 80)}: ${text}`);
      assert.doesNotMatch(text, /root:|parley_/);
    }
  }
  assert.equal(left(), before);
  assert.equal((await raw('GET', `/api/v1/groups/${CREW}`)).status, 304, 'it is there');
});
