/** What `doctor` says of a FreeSWITCH. The outputs played here have the form of those of FreeSWITCH 1.10.12. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { pino } from 'pino';
import { examineFreeSwitch, freeSwitchesOf } from '../../../../src/app/doctor/freeswitch.ts';
import { PlayedSocket } from '../../../support/freeswitch/played-socket.ts';
import { good } from '../../config/config-folder.ts';

const VERSION = 'FreeSWITCH Version 1.10.12-release+git~20240802T210227Z~a88d069d6f~64bit (git a88d069)\n';
const PASSWORD = 'a-password-of-its-own';

const configuration = (name: string, params: Readonly<Record<string, string>>) =>
  `<configuration name="${name}">\n  <settings>\n${Object.entries(params)
    .map(([key, value]) => `    <param name="${key}" value="${value}"></param>\n`)
    .join('')}  </settings>\n</configuration>\n`;

const GOOD: Readonly<Record<string, string>> = {
  version: VERSION,
  'xml_locate configuration configuration name event_socket.conf': configuration('event_socket.conf', {
    'listen-ip': '127.0.0.1',
    password: PASSWORD,
  }),
  'xml_locate configuration configuration name msrp.conf': configuration('msrp.conf', {
    'listen-ip': '127.0.0.1',
    'listen-port': '2855',
  }),
  'show chat': 'type,name,ikey\nchat,GLOBAL_SMS,mod_sms\n\n1 total.\n',
};

const SUBSCRIPTIONS = ['CUSTOM im::freeswitch', 'TEXT CUSTOM im::freeswitch-text'];
const EVENTS = ['TEXT', 'CUSTOM', 'im::freeswitch', 'im::freeswitch-text'];

interface Examined {
  readonly password?: string;
  /** Of the user `parley@im.invalid` that is configured then. */
  readonly user?: { readonly password: string; readonly events: readonly string[] };
}

/** By check: the verdict. */
async function examined(
  answers: Readonly<Record<string, string>>,
  { password = PASSWORD, user }: Examined = {},
) {
  const played = new PlayedSocket(
    PASSWORD,
    (line) => answers[line] ?? (line.startsWith('module_exists ') ? 'true' : '-ERR permission denied\n'),
    () => undefined,
  );
  const name = 'parley@im.invalid';
  if (user !== undefined) played.users.set(name, user);
  const port = await played.listen();
  try {
    const node = {
      ...{ id: 'fs1', host: '127.0.0.1', port, password, modules: ['mod_sms'], takesMessages: true },
      subscriptions: SUBSCRIPTIONS,
      ...(user === undefined ? {} : { user: name }),
    };
    const findings = await examineFreeSwitch(node, pino({ enabled: false }));
    return new Map(findings.map((finding) => [finding.check, finding]));
  } finally {
    await played.close();
  }
}

describe('doctor: a FreeSWITCH', () => {
  test('set up as documented, all is good', async () => {
    const findings = await examined(GOOD);
    assert.deepEqual(
      [...findings.values()].map(({ check, verdict }) => `${verdict} ${check}`),
      [
        'good event socket',
        'good version',
        'good modules',
        'good event_socket.conf',
        'good msrp.conf',
        'good chat protocols',
        'good subscriptions',
      ],
    );
    assert.equal(findings.get('version')?.found, '1.10.12-release+git');
  });

  for (const [what, answers, check, verdict, found] of [
    [
      'an MSRP listener for everybody',
      { msrp: { 'listen-ip': '192.0.2.1', 'listen-port': '2855' } },
      'msrp.conf',
      'fault',
      /one request of anybody/,
    ],
    [
      'an MSRP listener without an address',
      { msrp: { 'listen-port': '2855' } },
      'msrp.conf',
      'fault',
      /0\.0\.0\.0/,
    ],
    ['no MSRP listener', { msrp: {} }, 'msrp.conf', 'good', /no MSRP/],
    [
      'an event socket for everybody',
      { socket: { 'listen-ip': '0.0.0.0', password: 'x' } },
      'event_socket.conf',
      'fault',
      /for everybody/,
    ],
    [
      'an event socket behind an ACL',
      { socket: { 'listen-ip': '::', 'apply-inbound-acl': 'lan', password: 'x' } },
      'event_socket.conf',
      'warning',
      /for lan/,
    ],
    [
      'events out of order',
      { socket: { 'initial-event-threads': '4' } },
      'initial-event-threads',
      'warning',
      /^4/,
    ],
  ] as const) {
    test(what, async () => {
      const { msrp, socket } = { msrp: undefined, socket: undefined, ...answers };
      const locate = (name: string) => `xml_locate configuration configuration name ${name}`;
      const findings = await examined({
        ...GOOD,
        ...(msrp === undefined ? {} : { [locate('msrp.conf')]: configuration('msrp.conf', msrp) }),
        ...(socket === undefined
          ? {}
          : { [locate('event_socket.conf')]: configuration('event_socket.conf', socket) }),
      });
      assert.equal(findings.get(check)?.verdict, verdict);
      assert.match(findings.get(check)?.found ?? '', found);
    });
  }

  test('the password that everybody knows, a missing module, the api chat protocol, a version not tried', async () => {
    const findings = await examined({
      ...GOOD,
      version: 'FreeSWITCH Version 1.8.7\n',
      'module_exists mod_sms': 'false',
      'show chat': 'type,name,ikey\nchat,api,mod_dptools\n',
    });
    assert.equal(findings.get('version')?.verdict, 'warning');
    assert.match(findings.get('modules')?.found ?? '', /not loaded: mod_sms/);
    assert.match(findings.get('chat protocols')?.found ?? '', /runs commands/);
  });

  test('what the user may not ask is said to be unknown, not good', async () => {
    const findings = await examined({ version: VERSION });
    for (const check of ['event_socket.conf', 'msrp.conf', 'chat protocols'])
      assert.equal(findings.get(check)?.verdict, 'unknown');
  });

  test('a refused password is told with where it stands', async () => {
    const findings = await examined(GOOD, { password: 'not-the-password' });
    assert.equal(findings.get('event socket')?.verdict, 'fault');
    assert.match(findings.get('event socket')?.mend ?? '', /event_socket\.conf\.xml/);
  });

  test('the configured user is tried, although the password alone tells more', async () => {
    const good = await examined(GOOD, { user: { password: PASSWORD, events: EVENTS } });
    assert.equal(good.get('subscriptions')?.verdict, 'good');
    assert.match(good.get('subscriptions')?.found ?? '', /to parley@im\.invalid$/);
    const other = await examined(GOOD, { user: { password: 'another', events: EVENTS } });
    assert.equal(other.get('version')?.verdict, 'good');
    assert.equal(other.get('user')?.verdict, 'fault');
    assert.match(other.get('user')?.mend ?? '', /esl-password/);
  });

  for (const missing of EVENTS.filter((event) => event !== 'CUSTOM')) {
    test(`a user that may not subscribe to ${missing} is told with what its rights must be`, async () => {
      const events = EVENTS.filter((event) => event !== missing);
      const { verdict, found, mend } =
        (await examined(GOOD, { user: { password: PASSWORD, events } })).get('subscriptions') ?? {};
      assert.equal(verdict, 'fault');
      assert.match(found ?? '', new RegExp(`${missing}.*permission denied`));
      assert.match(
        mend ?? '',
        /esl-allowed-events of parley@im\.invalid must have TEXT CUSTOM im::freeswitch im::freeswitch-text$/,
      );
    });
  }

  test('of a configuration: what focus and switches subscribe to, and the chat protocols also without `sip`', (t) => {
    const { config } = good(
      t,
      `sip: { domain: example.com }
eventSocket:
  via: freeswitch
  passwordFile: password
  bus: { address: "127.0.0.1:8021", passwordFile: password, keyFile: key }
freeswitch:
  nodes:
    - { id: fs1, eventSocket: "127.0.0.1:8021", user: parley@im.invalid, passwordFile: password }
    - { id: fs2, eventSocket: "127.0.0.1:8022", passwordFile: password }
  rooms:
    - { node: fs1, name: room-crew, group: "sip:im-g-crew@example.com", identity: "sip:room-crew@example.com" }
`,
      { password: 'a-password-of-its-own', key: 'a-key-of-32-characters-and-of-some-more' },
    );
    assert.deepEqual(
      freeSwitchesOf(config).map(({ id, subscriptions, takesMessages }) => ({
        id,
        subscriptions,
        takesMessages,
      })),
      [
        {
          id: 'fs1',
          subscriptions: ['CUSTOM im::freeswitch conference::maintenance', 'TEXT CUSTOM im::freeswitch-text'],
          takesMessages: true,
        },
        { id: 'fs2', subscriptions: SUBSCRIPTIONS, takesMessages: true },
        {
          id: 'bus',
          subscriptions: [
            'SHUTDOWN CUSTOM im::reply im::event im::hello',
            'SHUTDOWN CUSTOM im::request im::hello',
          ],
          takesMessages: false,
        },
      ],
    );
  });
});
