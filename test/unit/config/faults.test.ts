import assert from 'node:assert/strict';
import test from 'node:test';
import { errorsOf, good, HASH, oneFault } from './config-folder.ts';

const KEY = '0123456789abcdef0123456789abcdef';
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
  [
    'no number',
    'session: {expiresS: soon}',
    'session.expiresS',
    '"soon" is text, not a number of seconds from 10',
    'default is 1800',
  ],
  [
    'a number with its unit',
    'msrp: {maxSizeBytes: 10 MB}',
    'msrp.maxSizeBytes',
    '"10 MB" is text, not a number of bytes',
    'write 10000000, without a unit or quotes',
  ],
  [
    'a number in quotes',
    'switch: {processes: "2"}',
    'switch.processes',
    'is text, not a whole number',
    'write 2,',
  ],
  ['a time with its unit', 'notify: {minIntervalMs: 2s}', 'notify.minIntervalMs', 'write 2000,'],
  [
    'a time that is too long',
    'session: {minSeS: 9d}',
    'session.minSeS',
    'write a number of seconds from 1 to 86400',
  ],
  ['a list for a text', 'sip: {domain: [a]}', 'sip.domain', 'is a list, not text'],
  ['a text for a list', 'groups: a.xml', 'groups', '"a.xml" is text, not a list'],
  [
    'an event socket for a host name',
    'eventSocket: {allow: [focus.example]}',
    'eventSocket.allow[0]',
    'CIDR',
  ],
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
  [
    'a bus without the password of its FreeSWITCH',
    'eventSocket: {via: freeswitch, bus: {keyFile: key}}',
    'eventSocket.bus.passwordFile',
    'eventSocket.via: freeswitch needs it',
  ],
  [
    'a bus without a key',
    'eventSocket: {via: freeswitch, bus: {passwordFile: s}}',
    'eventSocket.bus.keyFile',
    'openssl rand -hex 32',
  ],
  [
    'a bus with a key that is too short',
    'eventSocket: {via: freeswitch, bus: {passwordFile: s, keyFile: s}}',
    'eventSocket.bus.keyFile',
    'does not hold usable keys',
    'each of 32 to 128 printable characters',
  ],
  [
    'a bus at port 0',
    'eventSocket: {via: freeswitch, bus: {address: "127.0.0.1:0", passwordFile: s, keyFile: key}}',
    'eventSocket.bus.address',
    'is no address',
  ],
  ['a bus that is none', 'eventSocket: {via: kamailio}', 'eventSocket.via', '`freeswitch`'],
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
    const files = { s: '0123456789abcdef', key: KEY, short: 'short', badusers: `a:r:${HASH}\nb\n` };
    oneFault(errorsOf(t, yaml, files), path, ...words);
  });
}

const ATTACHED =
  'kamailio: {manage: false, secretFile: s, nodes: [{id: a, rpc: "http://h:1", sendSockets: {udp: "udp:h:1"}}]}';

const BUS = 'via: freeswitch, bus: {passwordFile: s, keyFile: key';
const WARNINGS: readonly [name: string, yaml: string, words: RegExp][] = [
  ['session.minSeS below 90', 'session: {minSeS: 30}', /session\.minSeS: 30 is below the 90 s of RFC 4028/],
  ['nobody can prove an identity', '{}', /nobody can prove an identity/],
  [
    'a control channel that is not on loopback',
    'admin: {listen: "10.1.1.1:8085"}',
    /admin\.listen: .*not on loopback/,
  ],
  ['a glob without files', 'groups: ["groups/*.none"]', /groups\[0\]: .* matches no file/],
  [
    'focus and switch without a common password',
    `${ATTACHED}`,
    /eventSocket\.passwordFile is missing: .*`parley focus`/,
  ],
  [
    'keys that another Kamailio does not know',
    `sip: {trustedPeers: [10.0.0.1]}\ndigest: {usersFile: users}\n${ATTACHED}`,
    /sip\.trustedPeers has no effect .* IM_TRUSTED_PEERS\ndigest\.usersFile has no effect/,
  ],
  [
    'a bus that is not on loopback',
    `eventSocket: {${BUS}, address: "10.1.1.1:8021"}}`,
    /eventSocket\.bus\.address: .*not on loopback, and this interface is not encrypted/,
  ],
  [
    'addresses of switches that are met on a bus',
    `eventSocket: {${BUS}}, switches: ["10.0.0.9:8022"]}`,
    /eventSocket\.switches has no effect .*eventSocket\.bus\.switches/,
  ],
  [
    'a bus that is not used',
    'eventSocket: {bus: {keyFile: key}}',
    /eventSocket\.bus has no effect with eventSocket\.via: direct/,
  ],
  ['a factory of another domain', 'conferenceFactories: ["sip:f@other.example"]', /is not in sip\.domain/],
];

for (const [name, yaml, words] of WARNINGS) {
  test(`warned of: ${name}`, (t) => {
    const files = { s: '0123456789abcdef', key: KEY, users: `a:parley.localhost:${HASH}\n` };
    assert.match(good(t, yaml, files).warnings.join('\n'), words);
  });
}
