import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { type ConfigError, formatConfigError, groupFiles, loadConfig } from '../../../src/config/load.ts';

const HASH = '0123456789abcdef0123456789abcdef';

/** A directory with files, gone after the test; returns the configuration's path. */
function folder(t: TestContext, yaml: string, files: Record<string, string> = {}): string {
  const directory = mkdtempSync(join(tmpdir(), 'parley-config-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  mkdirSync(join(directory, 'groups'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  writeFileSync(join(directory, 'parley.yaml'), yaml);
  return join(directory, 'parley.yaml');
}

function good(t: TestContext, yaml: string, files: Record<string, string> = {}, env: NodeJS.ProcessEnv = {}) {
  const loaded = loadConfig({ file: folder(t, yaml, files), env });
  assert(loaded.ok, JSON.stringify(loaded));
  return loaded;
}

function errorsOf(
  t: TestContext,
  yaml: string,
  files: Record<string, string> = {},
  env: NodeJS.ProcessEnv = {},
) {
  const loaded = loadConfig({ file: folder(t, yaml, files), env });
  assert(!loaded.ok, 'it was accepted');
  return loaded.errors;
}

/** Exactly one fault, at the key, whose line holds the words. */
function oneFault(errors: readonly ConfigError[], path: string, ...words: string[]): void {
  assert.deepEqual(
    errors.map((error) => error.path),
    [path],
  );
  const line = errors.map(formatConfigError).join('');
  for (const word of words) assert(line.includes(word), `${JSON.stringify(word)} is not in: ${line}`);
  assert.doesNotMatch(line, /\n/);
}

test('without file and environment the defaults make a complete configuration on loopback', () => {
  const loaded = loadConfig({ env: {}, directory: tmpdir() });
  assert(loaded.ok);
  const { config } = loaded;
  assert.deepEqual(config.sip.listen, [
    { proto: 'udp', host: '127.0.0.1', port: 5060 },
    { proto: 'tcp', host: '127.0.0.1', port: 5060 },
  ]);
  assert.deepEqual(config.conferenceFactories, ['sip:im-conference-factory@parley.localhost']);
  assert.equal(config.digest.realm, 'parley.localhost');
  assert.deepEqual(config.kamailio.nodes, [
    {
      id: 'kam1',
      rpc: 'http://127.0.0.1:8091',
      sendSockets: { udp: 'udp:127.0.0.1:5060', tcp: 'tcp:127.0.0.1:5060' },
    },
  ]);
  assert.equal(config.store.sqlite, join(tmpdir(), 'parley.db'));
  assert.equal(config.serverHeader.release, 'IM-serv/OMA1.0');
  assert.deepEqual(JSON.parse(JSON.stringify(config)), config);
});

test('secrets without a file are random, and differ each time', () => {
  const [first, second] = [1, 2].map(() => loadConfig({ env: {} }));
  assert(first?.ok && second?.ok);
  assert.match(first.config.kamailio.secret, /^[0-9a-f]{48}$/);
  assert.notEqual(first.config.kamailio.secret, second.config.kamailio.secret);
  assert.notEqual(first.config.kamailio.secret, first.config.eventSocket.password);
});

test('files are relative to the configuration file, and secrets are read from theirs', (t) => {
  const yaml = `
digest: {usersFile: users}
kamailio: {secretFile: secret}
eventSocket: {passwordFile: password}
groups: [groups/*.xml, one.xml]
store: {sqlite: data.db}`;
  const files = {
    users: `# a comment\nalice:parley.localhost:${HASH}\n`,
    secret: 'a-secret-of-20-chars\n',
    password: 'open sesame'.replace(' ', '-'),
    'one.xml': '',
    'groups/a.xml': '',
    'groups/b.xml': '',
  };
  const { config, warnings } = good(t, yaml, files);
  assert.equal(config.kamailio.secret, 'a-secret-of-20-chars');
  assert.equal(config.eventSocket.password, 'open-sesame');
  assert.deepEqual(
    groupFiles(config).map((file) =>
      file
        .split('/')
        .slice(-2)
        .join('/')
        .replace(/^parley-config-\w+\//, ''),
    ),
    ['groups/a.xml', 'groups/b.xml', 'one.xml'],
  );
  assert.match(config.store.sqlite, /data\.db$/);
  assert.deepEqual(warnings, []);
});

test('an empty file, an empty section and an empty value are as if not given', (t) => {
  for (const yaml of ['', '# nothing', 'sip:\nadHoc:\n  maxParticipants:\n']) {
    assert.equal(good(t, yaml).config.adHoc.maxParticipants, 100);
  }
});

test('the environment wins over the file', (t) => {
  const { config } = good(
    t,
    'sip: {domain: file.example}\nadHoc: {maxParticipants: 7}',
    {},
    {
      PARLEY_SIP_DOMAIN: 'Env.Example',
      PARLEY_SIP_LISTEN: 'udp:127.0.0.1:5070, tcp:[::1]:5070',
      PARLEY_SIP_TRUSTED_PEERS: '["10.0.0.0/8"]',
      PARLEY_AD_HOC_MAX_PARTICIPANTS: '9',
      PARLEY_AD_HOC_ALLOW_EMPTY_LIST: 'true',
      PARLEY_AD_HOC_FAILURE_CODE: '480',
      PARLEY_MSRP_LISTEN: '127.0.0.1:2900',
      PARLEY_DIGEST_REALM: '1234',
    },
  );
  assert.equal(config.sip.domain, 'env.example');
  assert.deepEqual(config.sip.listen[1], { proto: 'tcp', host: '::1', port: 5070 });
  assert.deepEqual(config.sip.trustedPeers, ['10.0.0.0/8']);
  assert.deepEqual(config.adHoc, { maxParticipants: 9, allowEmptyList: true, failureCode: 480 });
  assert.deepEqual(config.msrp.listen, [{ proto: 'tcp', host: '127.0.0.1', port: 2900 }]);
  assert.equal(config.digest.realm, '1234');
});

test('lists of sections come from the environment as JSON', (t) => {
  const nodes = [{ id: 'k', rpc: 'http://10.0.0.5:8091/RPC', sendSockets: { udp: 'udp:10.0.0.5:5060' } }];
  const yaml = 'kamailio: {manage: false, secretFile: secret}';
  const files = { secret: '0123456789abcdef' };
  const { config } = good(t, yaml, files, { PARLEY_KAMAILIO_NODES: JSON.stringify(nodes) });
  assert.deepEqual(config.kamailio.nodes, [{ ...nodes[0], rpc: 'http://10.0.0.5:8091' }]);
  oneFault(
    errorsOf(t, '', {}, { PARLEY_KAMAILIO_NODES: '[{' }),
    'kamailio.nodes',
    'from PARLEY_KAMAILIO_NODES',
    'is no JSON',
  );
});

test('a variable that names no key is warned of with the nearest one', (t) => {
  const { warnings } = good(t, 'sip: {trustedPeers: [10.0.0.1]}', {}, { PARLEY_SIP_DOMIAN: 'x' });
  assert.deepEqual(warnings, [
    'environment: PARLEY_SIP_DOMIAN overrides no key and is ignored; did you mean PARLEY_SIP_DOMAIN?',
  ]);
});

test('an error of an overridden value names its variable', (t) => {
  const errors = errorsOf(t, '', {}, { PARLEY_SIP_LISTEN: 'udp:127.0.0.1:5060,tcp:nowhere' });
  oneFault(errors, 'sip.listen[1]', '(from PARLEY_SIP_LISTEN)', '"tcp:nowhere"');
});

test('all faults are told in one run, however many', (t) => {
  const yaml = `
sip: {lisen: 1, domain: "no domain", trustedPeers: [300.1.1.1]}
adHoc: {maxParticipants: 1, failureCode: worst, allowEmptyList: 3}
session: {minSeS: x, expiresS: y}
notify: {minIntervalMs: -1}
release: {adHocMinimum: 0, groupMinimum: 0, chatGroupMinimum: 0}
limits: {maxSessions: 0, maxDecisions: a}
log: {level: loud}
profile: none
admin: 5
sessionPrefix: x
`;
  const paths = errorsOf(t, yaml).map((error) => error.path);
  assert.deepEqual(paths.toSorted(), [
    'adHoc.allowEmptyList',
    'adHoc.failureCode',
    'adHoc.maxParticipants',
    'admin',
    'limits.maxDecisions',
    'limits.maxSessions',
    'log.level',
    'notify.minIntervalMs',
    'profile',
    'release.adHocMinimum',
    'release.chatGroupMinimum',
    'release.groupMinimum',
    'session.expiresS',
    'session.minSeS',
    'sessionPrefix',
    'sip.domain',
    'sip.lisen',
    'sip.trustedPeers[0]',
  ]);
});

const FAULTS: readonly [name: string, yaml: string, path: string, ...words: string[]][] = [
  ['unknown key, mistyped', 'sip: {domian: x}', 'sip.domian', 'is not a known key', '`sip.domain`'],
  ['unknown key of another section', 'maxParticipants: 3', 'maxParticipants', '`adHoc.maxParticipants`'],
  ['unknown key like nothing', 'zzzzzz: 3', 'zzzzzz', 'use one of sip, digest'],
  [
    'unknown key in a list',
    'kamailio: {manage: false, secretFile: s, nodes: [{id: a, rpc: "http://h:1", sendSockets: {udp: "udp:h:1"}, x: 1}]}',
    'kamailio.nodes[0].x',
  ],
  ['unknown key with a number for a name', '5: x', '5', 'is not a known key'],
  ['unknown key that objects inherit', '__proto__: {a: 1}', '__proto__', 'is not a known key'],
  [
    'number out of range',
    'adHoc: {maxParticipants: 1}',
    'adHoc.maxParticipants',
    'from 2 to 4096',
    'default is 100',
  ],
  ['no number', 'session: {expiresS: soon}', 'session.expiresS', '"soon"', 'whole number'],
  ['none of the choices', 'log: {level: loud}', 'log.level', '`debug`'],
  ['text for a section', 'sip: 5', 'sip', 'a section with the keys listen'],
  ['list for the document', '[1]', '', 'is not a list of keys'],
  ['no YAML', 'sip: {', '', 'is no YAML at line'],
  ['a key twice', 'sip: {}\nsip: {}', '', 'unique'],
  ['listen without protocol', 'sip: {listen: ["127.0.0.1:5060"]}', 'sip.listen[0]', 'udp|tcp:host:port'],
  [
    'listen with a port that is none',
    'sip: {listen: ["udp:127.0.0.1:70000"]}',
    'sip.listen[0]',
    'is no address',
  ],
  [
    'listen on the wildcard',
    'sip: {listen: ["udp:0.0.0.0:5060"]}',
    'sip.listen[0]',
    'wildcard',
    'one interface',
  ],
  ['IPv6 without brackets', 'sip: {listen: ["udp:::1:5060"]}', 'sip.listen[0]'],
  ['digits that are no IPv4', 'sip: {listen: ["udp:1.2.3.999:5060"]}', 'sip.listen[0]'],
  ['advertise without a use', 'sip: {advertise: "0.0.0.0"}', 'sip.advertise', 'others could use'],
  ['CIDR too long', 'sip: {trustedPeers: [10.0.0.0/33]}', 'sip.trustedPeers[0]', 'CIDR'],
  ['next hop that is no URI', 'sip: {nextHop: "192.0.2.1"}', 'sip.nextHop', 'is no SIP URI'],
  [
    'factory without user',
    'conferenceFactories: ["sip:im.example"]',
    'conferenceFactories[0]',
    'is no SIP URI',
  ],
  [
    'factory in the space of sessions',
    'conferenceFactories: ["sip:im-s-f@parley.localhost"]',
    'conferenceFactories[0]',
    'conference.sessionPrefix',
  ],
  [
    'expiry below the minimum',
    'session: {expiresS: 100, minSeS: 200}',
    'session.expiresS',
    'below session.minSeS (200)',
    'write 200',
  ],
  [
    'release with a line break',
    'serverHeader: {release: "a\\r\\nX: y"}',
    'serverHeader.release',
    'cannot stand in a SIP header',
  ],
  [
    'release with the mark that Kamailio replaces',
    'serverHeader: {release: "a!!b"}',
    'serverHeader.release',
    '!!',
  ],
  [
    'users file that is not there',
    'digest: {usersFile: none}',
    'digest.usersFile',
    'ENOENT',
    'create the file',
  ],
  ['users file with a bad line', 'digest: {usersFile: badusers}', 'digest.usersFile', 'line 2'],
  ['users file that is a directory', 'digest: {usersFile: groups}', 'digest.usersFile', 'is not a file'],
  ['secret too short', 'kamailio: {secretFile: short}', 'kamailio.secretFile', '16 to 128'],
  [
    'nodes of a managed Kamailio',
    'kamailio: {nodes: [{id: a, rpc: "http://h:1", sendSockets: {udp: "udp:h:1"}}]}',
    'kamailio.nodes',
    'kamailio.manage: false',
  ],
  ['attached without nodes', 'kamailio: {manage: false, secretFile: s}', 'kamailio.nodes', 'is empty'],
  [
    'attached without secret',
    'kamailio: {manage: false, nodes: [{id: a, rpc: "http://h:1", sendSockets: {udp: "udp:h:1"}}]}',
    'kamailio.secretFile',
    'is missing',
  ],
  [
    'node twice',
    'kamailio: {manage: false, secretFile: s, nodes: [{id: a, rpc: "http://h:1", sendSockets: {udp: "udp:h:1"}}, {id: a, rpc: "http://h:2", sendSockets: {udp: "udp:h:2"}}]}',
    'kamailio.nodes[1].id',
    'taken by another node',
  ],
  [
    'node without sockets',
    'kamailio: {manage: false, secretFile: s, nodes: [{id: a, rpc: "http://h:1", sendSockets: {}}]}',
    'kamailio.nodes[0].sendSockets',
    'is empty',
  ],
  [
    'node without rpc',
    'kamailio: {manage: false, secretFile: s, nodes: [{id: a, sendSockets: {udp: "udp:h:1"}}]}',
    'kamailio.nodes[0].rpc',
    'is missing',
  ],
  [
    'node with another protocol',
    'kamailio: {manage: false, secretFile: s, nodes: [{id: a, rpc: "https://h:1", sendSockets: {udp: "udp:h:1"}}]}',
    'kamailio.nodes[0].rpc',
    'is no http URL',
  ],
  [
    'node socket of another protocol',
    'kamailio: {manage: false, secretFile: s, nodes: [{id: a, rpc: "http://h:1", sendSockets: {udp: "tcp:h:1"}}]}',
    'kamailio.nodes[0].sendSockets.udp',
    'udp:host:port',
  ],
  ['MSRP on the wildcard', 'msrp: {listen: "0.0.0.0:2855"}', 'msrp.listen', 'msrp.advertise'],
  ['MSRP media type', 'msrp: {acceptTypes: [text]}', 'msrp.acceptTypes[0]', 'type/subtype'],
  [
    'remote switches without password',
    'eventSocket: {switches: ["10.0.0.9:8022"]}',
    'eventSocket.passwordFile',
    'is missing',
  ],
  [
    'remote switch with port 0',
    'eventSocket: {switches: ["10.0.0.9:0"], passwordFile: s}',
    'eventSocket.switches[0]',
    'is no address',
  ],
  ['group file that is not there', 'groups: [none.xml]', 'groups[0]', 'ENOENT'],
  [
    'store in a directory that is not there',
    'store: {sqlite: nowhere/x.db}',
    'store.sqlite',
    'create the directory',
  ],
  ['two keys, one port', 'admin: {listen: "127.0.0.1:8090"}', 'admin.listen', 'kamailio.jsonRpc.listen'],
  [
    'switch processes that run into another key',
    'switch: {processes: 64}\neventSocket: {listen: "127.0.0.1:8030"}',
    'eventSocket.listen',
    'switch process 55',
    'admin.listen',
  ],
  [
    'switch processes beyond the last port',
    'switch: {processes: 3}\nmsrp: {listen: "127.0.0.1:65534"}',
    'msrp.listen[0]',
    'has no port left',
  ],
];

for (const [name, yaml, path, ...words] of FAULTS) {
  test(`refused: ${name}`, (t) => {
    const files = { s: '0123456789abcdef', short: 'short', badusers: `a:r:${HASH}\nb\n` };
    oneFault(errorsOf(t, yaml, files), path, ...words);
  });
}

test('TLS of MSRP needs certificate and key', (t) => {
  const paths = errorsOf(t, 'msrp: {listen: ["tls:127.0.0.1:2856"]}').map((error) => error.path);
  assert.deepEqual(paths, ['msrp.tls.certificateFile', 'msrp.tls.keyFile']);
  const files = { 'c.pem': '', 'k.pem': '' };
  const yaml = 'msrp: {listen: ["tls:127.0.0.1:2856"], tls: {certificateFile: c.pem, keyFile: k.pem}}';
  assert.match(good(t, yaml, files).config.msrp.tls.keyFile ?? '', /\/k\.pem$/);
});

test('a file that is not there is told with its name', () => {
  const loaded = loadConfig({ file: 'no-such-file.yaml', env: {} });
  assert(!loaded.ok);
  oneFault(loaded.errors, '', 'no-such-file.yaml', 'ENOENT');
});

test('what a secret file holds is in no error', (t) => {
  const errors = errorsOf(t, 'kamailio: {secretFile: f}\ndigest: {usersFile: f}', { f: 'hush hush' });
  assert.equal(errors.length, 2);
  assert.doesNotMatch(JSON.stringify(errors), /hush/);
});

test('a file that may not be read is told so', (t) => {
  const file = folder(t, 'digest: {usersFile: u}', { u: '' });
  chmodSync(join(file, '..', 'u'), 0o000);
  const loaded = loadConfig({ file, env: {} });
  // Root reads it all the same; then there is only the warning that it names no user.
  if (process.getuid?.() === 0) assert(loaded.ok && loaded.warnings.length === 1);
  else assert(!loaded.ok && /EACCES/.test(JSON.stringify(loaded.errors)));
});

const WARNINGS: readonly [name: string, yaml: string, words: RegExp][] = [
  ['session.minSeS below 90', 'session: {minSeS: 30}', /session\.minSeS: 30 is below the 90 s of RFC 4028/],
  ['nobody can prove an identity', '{}', /nobody can prove an identity/],
  [
    'a control channel that is not on loopback',
    'admin: {listen: "10.1.1.1:8085"}',
    /admin\.listen: .*not on loopback/,
  ],
  ['a glob without files', 'groups: ["groups/*.none"]', /groups\[0\]: .* matches no file/],
  ['a factory of another domain', 'conferenceFactories: ["sip:f@other.example"]', /is not in sip\.domain/],
  ['a profile without readings of its own', 'profile: lenient', /lenient has no readings/],
];

for (const [name, yaml, words] of WARNINGS) {
  test(`warned of: ${name}`, (t) => {
    assert.match(good(t, yaml).warnings.join('\n'), words);
  });
}
