import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { eventSocketTargets } from '../../../src/config/address.ts';
import { groupFiles, loadConfig } from '../../../src/config/load.ts';
import { errorsOf, folder, good, HASH, oneFault } from './config-folder.ts';

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

test('with a bus no switch is connected to; its keys are the lines of their file, the first seals', (t) => {
  const [old, next] = ['0123456789abcdef0123456789abcdef', 'fedcba9876543210fedcba9876543210'];
  const yaml =
    'eventSocket: {via: freeswitch, bus: {passwordFile: password, keyFile: keys, user: im@example.net}}';
  const { config } = good(t, yaml, { password: 'ClueCon\n', keys: `${next}\n\n${old}\n` });
  assert.deepEqual(config.eventSocket.bus, {
    host: '127.0.0.1',
    port: 8021,
    user: 'im@example.net',
    password: 'ClueCon',
    keys: [next, old],
    focusName: 'focus-1',
    switches: [],
    windowMs: 10_000,
  });
  assert.deepEqual(eventSocketTargets(config), []);
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
  assert.deepEqual(config.adHoc, {
    maxParticipants: 9,
    allowEmptyList: true,
    failureCode: 480,
    mayInitiate: 'everybody',
    mayAdd: 'participants',
    mayRemove: 'initiator',
    allowAnonymity: true,
    recipientListHistory: 'when-marked',
  });
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
