import assert from 'node:assert/strict';
import test from 'node:test';
import { gunzipSync } from 'node:zlib';
import { asking } from './asking.ts';

const FILE = /(?:href|src)="(\/page\/[^"]+)"/g;

test('the shell needs no token, names its files by their version, and runs nothing inline', async (t) => {
  const { get } = asking(t, {}, { withoutToken: undefined, openProbes: false });
  const { status, headers, text } = await get('/');
  assert.equal(status, 200);
  assert.equal(headers['content-type'], 'text/html; charset=utf-8');
  const policy = String(headers['content-security-policy']);
  assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'/);
  assert.doesNotMatch(policy, /unsafe|https?:|\*|data:/);
  assert.doesNotMatch(text, /<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=/);
  const files = [...text.matchAll(FILE)].map(([, path]) => path ?? '');
  assert(files.length > 20, `only ${files.length} files`);
  for (const file of files) {
    const answer = await get(file);
    assert.equal(answer.status, 200, file);
    assert.match(String(answer.headers['cache-control']), /immutable/, file);
    assert.match(String(answer.headers['content-type']), /^(text\/(javascript|css)|image\/svg)/, file);
  }
});

test('with admin.openPage: false the shell and its files need a token, which a proxy in front of it adds', async (t) => {
  const open = await asking(t).get('/');
  const file = open.text.match(/"(\/page\/[^"]+)"/)?.[1] ?? assert.fail('no file');
  const { get } = asking(t, {}, { withoutToken: undefined, openPage: false });
  assert.deepEqual([(await get('/')).status, (await get(file)).status], [401, 401]);
  const local = asking(t, {}, { withoutToken: 'viewer', openPage: false });
  assert.deepEqual([(await local.get('/')).status, (await local.get(file)).status], [200, 200]);
});

test('every import of the page is served: relative, and without types', async (t) => {
  const { get } = asking(t);
  const { text } = await get('/');
  const scripts = [...text.matchAll(FILE)]
    .map(([, path]) => path ?? '')
    .filter((path) => /\.[jt]s$/.test(path));
  const known = new Set(scripts);
  for (const path of scripts) {
    const { text: script } = await get(path);
    assert.doesNotMatch(script, /^import type|: readonly |^export interface/m, path);
    for (const [, specifier] of script.matchAll(/from\s*["']([^"']+)["']/g)) {
      const target = new URL(specifier ?? '', `http://localhost${path}`).pathname;
      assert(specifier?.startsWith('.') === true && known.has(target), `${path} imports ${specifier}`);
    }
  }
});

test('the shell is asked for again each time and sent only when it is another', async (t) => {
  const { get } = asking(t);
  const { headers } = await get('/');
  assert.equal(headers['cache-control'], 'no-cache');
  const again = await get('/', { 'if-none-match': String(headers['etag']) });
  assert.deepEqual([again.status, again.text], [304, '']);
});

test('a file is sent compressed where that is taken', async (t) => {
  const { get, server } = asking(t);
  const { text } = await get('/');
  const [, path = ''] = /src="(\/page\/[^"]+)"/.exec(text) ?? [];
  const plain = await get(path);
  const packed = await server.inject({ url: path, headers: { 'accept-encoding': 'gzip, br' } });
  assert.equal(packed.headers['content-encoding'], 'gzip');
  assert.equal(gunzipSync(packed.rawPayload).toString(), plain.text);
});

test('what is no file of the page is not found, whatever the path tries', async (t) => {
  const { get } = asking(t);
  for (const path of [
    '/page/',
    '/page/x/main.ts',
    '/page/../package.json',
    '/page/%2e%2e/%2e%2e/package.json',
    '/page/..%2f..%2fadmin/server.ts',
  ]) {
    const { status, body } = await get(path);
    assert.equal(status, 404, path);
    assert.equal((body as { code: string }).code, 'ADMIN_NOT_FOUND', path);
  }
});
