/** The admin on a real socket: what inject() cannot show. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { connect, createServer, type Socket } from 'node:net';
import test, { type TestContext } from 'node:test';
import { startAdmin } from '../../../src/admin/admin.ts';
import type { AdminLimits } from '../../../src/admin/limits.ts';
import { CodedError } from '../../../src/lib/errors.ts';
import { fakeAdmin } from '../../unit/admin/fake-admin.ts';
import { memoryLog } from '../../unit/admin/fake-view.ts';

const parts = () => ({ ...fakeAdmin(), nowMs: () => Date.now() });

async function started(t: TestContext, limits: Partial<AdminLimits> = {}) {
  const { log, lines } = memoryLog();
  const admin = await startAdmin({ host: '127.0.0.1', port: 0, ...parts(), log, limits });
  t.after(() => admin.close());
  return { admin, lines, url: `http://127.0.0.1:${admin.address.port}` };
}

async function opened(t: TestContext, port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** All that comes until the other side closes. */
async function restOf(socket: Socket): Promise<string> {
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk;
  });
  socket.on('error', () => undefined); // A reset after the answer is the other side's way to close.
  await once(socket, 'close');
  return text;
}

test('answers on the port that it names', async (t) => {
  const { admin, url } = await started(t);
  assert.equal(admin.address.host, '127.0.0.1');
  assert(admin.address.port > 0);
  const response = await fetch(`${url}/api/v1/version`);
  assert.deepEqual(await response.json(), { version: '1.2.3' });
});

test('a taken port is ADMIN_PORT_TAKEN and names the address', async (t) => {
  const other = createServer().listen(0, '127.0.0.1');
  t.after(() => other.close());
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  const { log } = memoryLog();
  await assert.rejects(startAdmin({ host: '127.0.0.1', port, ...parts(), log }), (error) => {
    assert(error instanceof CodedError);
    assert.equal(error.code, 'ADMIN_PORT_TAKEN');
    assert.match(error.message, new RegExp(`127\\.0\\.0\\.1:${port} `));
    return true;
  });
});

test('an address of another machine is ADMIN_LISTEN_FAILED', async () => {
  const { log } = memoryLog();
  await assert.rejects(startAdmin({ host: '192.0.2.1', port: 0, ...parts(), log }), {
    code: 'ADMIN_LISTEN_FAILED',
    message: /192\.0\.2\.1:0 \(EADDRNOTAVAIL\)/,
  });
});

test('warns when it listens beyond loopback, and only then', async (t) => {
  const isWarning = ({ level }: { level: number }) => level === 40;
  const { lines } = await started(t);
  assert.equal(lines.filter(isWarning).length, 0);
  const { log, lines: open } = memoryLog();
  const admin = await startAdmin({ host: '0.0.0.0', port: 0, ...parts(), log });
  t.after(() => admin.close());
  assert.match(
    open
      .filter(isWarning)
      .map(({ msg }) => msg)
      .join(),
    /plain HTTP beyond loopback/,
  );
});

test('closing ends connections that are kept alive or say nothing, and can be repeated', async (t) => {
  const { admin, url } = await started(t);
  const agent = new Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(`${url}/livez`, { agent }, resolve).once('error', reject);
  });
  const { socket } = response;
  await once(response.resume(), 'end');
  const silent = await opened(t, admin.address.port);
  const ends = [once(socket, 'close'), once(silent.resume(), 'close')];
  await admin.close();
  await Promise.all(ends);
  await admin.close();
  await assert.rejects(fetch(`${url}/livez`));
});

test('what is no HTTP gets a problem and the end of the connection', async (t) => {
  const { admin, url } = await started(t);
  const socket = await opened(t, admin.address.port);
  const rest = restOf(socket);
  socket.write('MSRP d93kswow SEND\r\n\r\n');
  const text = await rest;
  assert.match(text, /^HTTP\/1\.1 400 Bad Request\r\n/);
  assert.match(text, /content-type: application\/problem\+json/);
  assert.match(text, /x-content-type-options: nosniff/);
  assert.match(text, /"code":"ADMIN_BAD_REQUEST"/);
  assert.equal((await fetch(`${url}/livez`)).status, 200);
});

test('header fields beyond the bound are 431', async (t) => {
  const { admin } = await started(t, { maxHeaderBytes: 1_000 });
  const socket = await opened(t, admin.address.port);
  const rest = restOf(socket);
  socket.write(`GET /livez HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(1_000)}\r\n\r\n`);
  const text = await rest;
  assert.match(text, /^HTTP\/1\.1 431 /);
  assert.match(text, /"code":"ADMIN_HEADERS_TOO_LARGE"/);
});

test('a request that never ends is 408', async (t) => {
  const { admin } = await started(t, { requestTimeoutMs: 100 });
  const socket = await opened(t, admin.address.port);
  const rest = restOf(socket);
  socket.write('GET /livez HTTP/1.1\r\nHost: local');
  const text = await rest;
  assert.match(text, /^HTTP\/1\.1 408 /);
  assert.match(text, /"code":"ADMIN_REQUEST_TIMEOUT"/);
});

test('a body is not waited for: the answer comes first and the connection ends', async (t) => {
  const { admin } = await started(t);
  const socket = await opened(t, admin.address.port);
  const rest = restOf(socket);
  socket.write('POST /api/v1/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nsome');
  const text = await rest;
  assert.match(text, /^HTTP\/1\.1 405 /);
  assert.match(text, /"code":"ADMIN_METHOD_NOT_ALLOWED"/);
});

test('connections beyond the bound are closed at once; those there are answered', async (t) => {
  const { admin } = await started(t, { maxConnections: 1 });
  const first = await opened(t, admin.address.port);
  const second = await opened(t, admin.address.port);
  assert.equal(await restOf(second), '');
  const rest = restOf(first);
  first.write('GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  assert.match(await rest, /^HTTP\/1\.1 200 /);
});
