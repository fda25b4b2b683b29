/** Groups taken over from a folder and from XDM servers: what was taken, what was refused, and who is never asked. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { pino } from 'pino';
import { GroupBook } from '../../../src/admin/groups/group-book.ts';
import { GroupImporter } from '../../../src/admin/groups/group-import.ts';
import type { ImportPorts, XdmsSettings } from '../../../src/admin/groups/ports.ts';
import { AuditLog } from '../../../src/admin/records/audit.ts';
import { openRecords } from '../../../src/admin/records/database.ts';
import { CREW, CREW_PATH, crewXml, fakeGroups } from './fake-groups.ts';
import { FILE, groupBench, refused, XML } from './group-bench.ts';

interface Report {
  readonly taken: number;
  readonly unchanged: number;
  readonly refused: number;
  readonly items: readonly {
    source: string;
    uri: string | null;
    result: string;
    reason: string | null;
    errors?: { line: number }[];
  }[];
}

const XDMS: XdmsSettings = {
  origins: [],
  maxBytes: 20_000,
  timeoutMs: 10_000,
  maxRedirects: 2,
  revalidateMs: 0,
};

function bench(t: TestContext, imports: Partial<ImportPorts>, files: Parameters<typeof groupBench>[1] = []) {
  const room = groupBench(t, files, { imports: { ...fakeGroups().imports, ...imports } });
  const ask = (body: object) =>
    room.ask('POST', '/api/v1/groups/import', { 'content-type': 'application/json' }, JSON.stringify(body));
  const importing = async (body: object): Promise<Report> => {
    const answer = await ask(body);
    assert.equal(answer.status, 200, answer.text);
    return answer.body as Report;
  };
  return { ...room, asking: ask, importing };
}

/** An XDM server that answers by path; keeps what it was asked. */
async function xdms(
  t: TestContext,
  answers: Record<string, (response: ServerResponse, request: IncomingMessage) => void>,
) {
  const asked: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    asked.push(request);
    const answer = answers[request.url ?? ''];
    if (answer === undefined) response.writeHead(404).end();
    else answer(response, request);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { asked, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const document =
  (xml: string, etag = '"1"') =>
  (response: ServerResponse, request: IncomingMessage) => {
    if (request.headers['if-none-match'] === etag) response.writeHead(304).end();
    else response.writeHead(200, { 'content-type': XML, etag }).end(xml);
  };

const other = (name: string) => crewXml({ uri: `sip:${name}@example.net` });

describe('import from a folder', () => {
  const folder = (files: Record<string, string>) => ({
    folderFiles: () => Object.keys(files),
    readFile: (file: string) =>
      files[file] === undefined ? { fault: 'cannot be read (EACCES)' } : { bytes: Buffer.from(files[file]) },
  });

  it('takes what is good and tells why not the rest', async (t) => {
    const two = crewXml().replace(
      '</g:group>',
      '<g:list-service uri="sip:b@example.net"><g:list/></g:list-service></g:group>',
    );
    const files: Record<string, string> = {
      '/1.xml': two,
      '/2.xml': crewXml().replace('true<', 'x<'),
      '/3.xml': other('c'),
    };
    const { importing, get, told } = bench(t, {
      ...folder(files),
      folderFiles: () => [...Object.keys(files), '/none.xml'],
    });
    const report = await importing({ folder: true });
    assert.deepEqual([report.taken, report.refused], [3, 2]);
    assert.deepEqual(
      report.items.map(({ source, uri, result }) => [source, uri, result]),
      [
        ['file:/1.xml', CREW, 'created'],
        ['file:/1.xml', 'sip:b@example.net', 'created'],
        ['file:/2.xml', null, 'refused'],
        ['file:/3.xml', 'sip:c@example.net', 'created'],
        ['file:/none.xml', null, 'refused'],
      ],
    );
    assert.equal(report.items[2]?.errors?.[0]?.line, 8);
    assert.match(report.items[4]?.reason ?? '', /cannot be read/);
    assert.equal((await get('/api/v1/groups/c%40example.net', { accept: XML })).text, other('c'));
    assert.equal(told(), 1, 'the focus is told once');
    const again = await importing({ folder: true });
    assert.deepEqual([again.taken, again.unchanged, again.refused], [0, 3, 2]);
  });

  it('replaces what was edited here only when that is said, and takes groups of files over', async (t) => {
    const files = { '/1.xml': crewXml({ name: 'Imported' }) };
    const { importing, get, ask } = bench(t, folder(files), [FILE]);
    assert.equal((await importing({ folder: true })).taken, 1);
    const { headers } = await get(CREW_PATH);
    assert.equal(headers['parley-source'], 'managed');
    await ask(
      'PUT',
      CREW_PATH,
      { 'content-type': XML, 'if-match': String(headers['etag']) },
      crewXml({ name: 'Edited' }),
    );
    const kept = await importing({ folder: true });
    assert.deepEqual([kept.taken, kept.refused], [0, 1]);
    assert.match(kept.items[0]?.reason ?? '', /edited here: say replace/);
    assert.equal((await importing({ folder: true, replace: true })).taken, 1);
    assert.equal(((await get(CREW_PATH)).body as { displayName: string }).displayName, 'Imported');
  });

  it('is refused without a folder, and for a wish that is none', async (t) => {
    const room = bench(t, {});
    await refused(room, 'ADMIN_CONFLICT', () => room.asking({ folder: true }));
    for (const body of [
      {},
      { folder: true, urls: ['http://h'] },
      { folder: false },
      { urls: [] },
      { folder: '/etc' },
    ]) {
      await refused(room, 'ADMIN_BAD_PARAMETER', () => room.asking(body));
    }
  });
});

describe('import from XDM servers', () => {
  it('takes documents, asks again by ETag, and follows redirects to servers of the list', async (t) => {
    const second = await xdms(t, { '/b': document(other('b')) });
    const first = await xdms(t, {
      '/a': document(crewXml()),
      '/b': (response) => response.writeHead(302, { location: `${second.origin}/b` }).end(),
    });
    const settings = { ...XDMS, origins: [first.origin, second.origin], identity: 'sip:parley@example.net' };
    const { importing, get } = bench(t, { xdms: settings });
    const urls = [`${first.origin}/a`, `${first.origin}/b`];
    const report = await importing({ urls });
    assert.deepEqual(
      report.items.map(({ result }) => result),
      ['created', 'created'],
      JSON.stringify(report),
    );
    assert.equal(first.asked[0]?.headers['x-3gpp-asserted-identity'], '"sip:parley@example.net"');
    assert.equal((await get(CREW_PATH, { accept: XML })).text, crewXml());
    const again = await importing({ urls });
    assert.equal(again.unchanged, 2);
    assert.equal(first.asked[2]?.headers['if-none-match'], '"1"');
  });

  it('never asks a server that is not in the list', async (t) => {
    const inside = await xdms(t, { '/secret': document(crewXml()) });
    const listed = await xdms(t, {
      '/away': (response) => response.writeHead(307, { location: `${inside.origin}/secret` }).end(),
      '/file': (response) => response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
    });
    const room = bench(t, { xdms: { ...XDMS, origins: [listed.origin] } });
    const { port } = new URL(listed.origin);
    const urls = [
      `${inside.origin}/secret`,
      `${listed.origin}/away`,
      `${listed.origin}/file`,
      `http://localhost:${port}/away`,
      `http://127.0.0.1.nip.example:${port}/`,
      `http://127.0.0.1:${port}@evil.example/`,
      `http://user:pass@127.0.0.1:${port}/away`,
      `https://127.0.0.1:${port}/away`,
      'file:///etc/passwd',
      'data:text/xml,<a/>',
      'not a url',
    ];
    const before = room.left();
    const { taken, items } = await room.importing({ urls });
    assert.equal(taken, 0);
    for (const { source, reason } of items) {
      assert.match(
        reason ?? '',
        /is not among managedGroups\.xdmsServers|may not carry a user|is no URL/,
        source,
      );
    }
    assert.equal(inside.asked.length, 0);
    assert.deepEqual(room.left(), before);
  });

  it('gives up on what is too long, too late, turns in a circle or is no document', async (t) => {
    const server = await xdms(t, {
      '/long': (response) => response.end('x'.repeat(XDMS.maxBytes + 1)),
      '/bomb': (response) =>
        response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(10_000_000))),
      '/late': (response) => response.write('<'),
      '/circle': (response) => response.writeHead(302, { location: '/circle' }).end(),
      '/empty': (response) => response.writeHead(302, { location: 'http://' }).end(),
      '/html': (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html/>'),
      '/entities': document(`<!DOCTYPE a [<!ENTITY b "c">]>${crewXml()}`),
      '/error': (response) => response.writeHead(503).end(crewXml()),
      '/304': (response) => response.writeHead(304).end(),
      '/reset': (response) => response.destroy(),
    });
    const room = bench(t, { xdms: { ...XDMS, timeoutMs: 2_000, origins: [server.origin] } });
    const paths = [
      'long',
      'bomb',
      'late',
      'circle',
      'empty',
      'html',
      'entities',
      'error',
      '304',
      'reset',
      'nowhere',
    ];
    const before = room.left();
    const { items } = await room.importing({ urls: paths.map((path) => `${server.origin}/${path}`) });
    const reasons = [
      /longer than 20000 bytes/,
      /longer than 20000 bytes/,
      /nothing whole came in 2000 ms/,
      /redirects more than 2 times/,
      /redirects to what is no URL/,
      /a group document starts with/,
      /DOCTYPE|document type/i,
      /answers 503/,
      /answers 304/,
      /cannot be asked/,
      /answers 404/,
    ];
    for (const [at, reason] of reasons.entries()) assert.match(items[at]?.reason ?? '', reason, paths[at]);
    assert.deepEqual(room.left(), before);
  });

  it('looks again at what came from there: a new version is taken, a fault or an edit here leaves it alone', async (t) => {
    let [xml, etag] = [crewXml(), '"1"'];
    const server = await xdms(t, { '/a': (response, request) => document(xml, etag)(response, request) });
    const db = openRecords(':memory:');
    const audit = new AuditLog(db, () => 0);
    const ports = fakeGroups([], {
      imports: { ...fakeGroups().imports, xdms: { ...XDMS, origins: [server.origin] } },
    });
    const book = new GroupBook({ db, audit, nowMs: () => 0, ports, log: pino({ enabled: false }) });
    const importer = new GroupImporter(book, ports, pino({ enabled: false }));
    const wish = { caller: { name: 'token:x' }, replace: false };
    await importer.importUrls([`${server.origin}/a`], wish);
    const current = () => book.records.find(CREW);
    assert.deepEqual([current()?.version, current()?.origin], [1, `${server.origin}/a`]);
    assert.equal(await importer.revalidate(), 0);
    assert.equal(server.asked[1]?.headers['if-none-match'], '"1"');

    [xml, etag] = [crewXml({ name: 'New' }), '"2"'];
    assert.equal(await importer.revalidate(), 1);
    assert.deepEqual([current()?.version, current()?.displayName], [2, 'New']);
    assert.equal(audit.find({ limit: 1 })[0]?.who, 'revalidation');

    [xml, etag] = [crewXml().slice(0, 300), '"3"'];
    assert.equal(await importer.revalidate(), 0);
    assert.equal(current()?.version, 2);

    const content = {
      key: CREW,
      group: book.parsed(crewXml({ name: 'Mine' }), CREW),
      xml: crewXml({ name: 'Mine' }),
      warnings: [],
    };
    await book.save(content, { caller: { name: 'token:x' }, check: () => undefined });
    [xml, etag] = [crewXml({ name: 'Theirs' }), '"4"'];
    const asked = server.asked.length;
    assert.equal(await importer.revalidate(), 0);
    assert.equal(current()?.displayName, 'Mine');
    assert.equal(server.asked.length, asked, 'nothing comes from there any more');
  });

  it('of a document with several groups those that were edited or deleted here are left alone', async (t) => {
    const more = (name: string) =>
      `<g:list-service uri="sip:${name}@example.net"><g:display-name>NAME</g:display-name><g:list/></g:list-service>`;
    const three = (name: string) =>
      crewXml({ name }).replace('</g:group>', `${more('b')}${more('c')}</g:group>`.replaceAll('NAME', name));
    let [xml, etag] = [three('Old'), '"1"'];
    const server = await xdms(t, { '/a': (response, request) => document(xml, etag)(response, request) });
    const log = pino({ enabled: false });
    const db = openRecords(':memory:');
    const imports = { ...fakeGroups().imports, xdms: { ...XDMS, origins: [server.origin] } };
    const ports = fakeGroups([], { imports });
    const book = new GroupBook({ db, audit: new AuditLog(db, () => 0), nowMs: () => 0, ports, log });
    const importer = new GroupImporter(book, ports, log);
    const caller = { name: 'token:x' };
    await importer.importUrls([`${server.origin}/a`], { caller, replace: false });
    const mine = crewXml({ name: 'Mine' });
    const content = { key: CREW, group: book.parsed(mine, CREW), xml: mine, warnings: [] };
    await book.save(content, { caller, check: () => undefined });
    await book.delete('sip:b@example.net', { caller, check: () => undefined });
    [xml, etag] = [three('New'), '"2"'];
    assert.equal(await importer.revalidate(), 1);
    const nameOf = (name: string) => book.records.find(`sip:${name}@example.net`)?.displayName;
    assert.deepEqual(['crew', 'b', 'c'].map(nameOf), ['Mine', undefined, 'New']);
  });

  it('one import at a time', async (t) => {
    let answer: (() => void) | undefined;
    const begun = Promise.withResolvers<void>();
    const server = await xdms(t, {
      '/slow': (response, request) => {
        answer = () => document(crewXml())(response, request);
        begun.resolve();
      },
    });
    const room = bench(t, { xdms: { ...XDMS, timeoutMs: 10_000, origins: [server.origin] } });
    const first = room.importing({ urls: [`${server.origin}/slow`] });
    await begun.promise;
    await refused(room, 'ADMIN_CONFLICT', () => room.asking({ urls: [`${server.origin}/slow`] }));
    answer?.();
    assert.equal((await first).taken, 1);
  });
});
