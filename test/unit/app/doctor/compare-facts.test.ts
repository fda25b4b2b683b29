import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseNodeFacts } from 'kamailio-jsonrpc';
import {
  compareFacts,
  compareGroups,
  compareModules,
  type SharedFacts,
} from '../../../../src/app/doctor/compare-facts.ts';
import { Findings } from '../../../../src/app/doctor/finding.ts';
import { loadConfig } from '../../../../src/config/load.ts';

const GIVEN = {
  kam: 'kam1',
  version: '5.6.3',
  domain: 'example.net',
  factories: 'im-conference-factory@example.net',
  groupMatch: '^im-g-',
  sessionPrefix: 'im-s-',
  trustedPeers: '192.0.2.0/28',
  nextHop: 'sip:192.0.2.1:5060',
  services: 'conn=im;addr=127.0.0.1;port=8090;priority=10;weight=10 conn=im;addr=192.0.2.9;port=8090',
  hasAuthRoute: 1,
  claimsUnknown: 0,
  wtTimerTicks: 512,
  frTimerTicks: 480,
  bodyBytes: 100,
  encodedBytes: 136,
};

const loaded = loadConfig({ env: { PARLEY_SIP_DOMAIN: 'example.net' } });
assert.ok(loaded.ok);
const CONFIG: SharedFacts = {
  ...loaded.config,
  conferenceFactories: ['sip:im-conference-factory@example.net'],
  jsonRpcPort: 8090,
};

function compared(change: Partial<typeof GIVEN>, config: Partial<SharedFacts> = {}) {
  const to = new Findings('kamailio kam1');
  compareFacts(to, parseNodeFacts({ ...GIVEN, ...change }), { id: 'kam1' }, { ...CONFIG, ...config });
  return to.all;
}

const bad = (findings: ReturnType<typeof compared>) =>
  findings.filter(({ verdict }) => verdict !== 'good').map(({ check, verdict }) => `${verdict} ${check}`);

describe('doctor: what a Kamailio was given, beside what the service was given', () => {
  test('the same on both sides is good, and all services are read', () => {
    const findings = compared({});
    assert.deepEqual(bad(findings), []);
    const services = findings.find(({ check }) => check.startsWith('IM_SERVICE'));
    assert.equal(services?.found, '127.0.0.1:8090, 192.0.2.9:8090');
  });

  for (const [change, expected] of [
    [{ kam: 'kam2' }, 'fault IM_NODE_ID'],
    [{ domain: 'example.com' }, 'fault IM_DOMAIN'],
    [{ factories: 'other@example.net' }, 'fault IM_FACTORIES'],
    [{ sessionPrefix: 'conf-' }, 'fault IM_SESSION_PREFIX'],
    [{ version: '6.0.1' }, 'warning version'],
    [{ hasAuthRoute: 0 }, 'warning IM_AUTH_ROUTE'],
    [{ hasAuthRoute: 0, trustedPeers: '255.255.255.255/32' }, 'warning IM_TRUSTED_PEERS, IM_AUTH_ROUTE'],
    [{ services: 'conn=im;addr=127.0.0.1;port=9999' }, 'fault IM_SERVICE_1 …'],
    [{ wtTimerTicks: 80 }, 'fault wt_timer, fr_timer'],
    [{ frTimerTicks: 80 }, 'fault wt_timer, fr_timer'],
  ] as const) {
    test(`${expected}: ${JSON.stringify(change)}`, () => assert.deepEqual(bad(compared(change)), [expected]));
  }

  test('other trusted peers than parley.yaml has are told: explain goes by that file', () => {
    const sip = { ...CONFIG.sip, trustedPeers: ['198.51.100.1/32'] };
    assert.deepEqual(bad(compared({}, { sip })), ['warning sip.trustedPeers']);
  });

  test('groups that the expression leaves out are counted and named', () => {
    const facts = (change: Partial<typeof GIVEN>) => parseNodeFacts({ ...GIVEN, ...change });
    const verdicts = (change: Partial<typeof GIVEN>) => {
      const to = new Findings('kamailio kam1');
      compareGroups(to, facts(change), ['sip:im-g-a@example.net', 'sip:crew@example.net']);
      return to.all.map(({ verdict, found }) => `${verdict}: ${found}`);
    };
    assert.match(
      verdicts({}).join(),
      /^fault: \^im-g- leaves out 1 of 2 groups, sip:crew@example.net among them/,
    );
    assert.deepEqual(verdicts({ groupMatch: '^(im-g-|crew@)' }), ['good: has all 2 groups']);
    assert.deepEqual(verdicts({ claimsUnknown: 1 }), ['good: has all 2 groups']);
    assert.match(verdicts({ groupMatch: '[' }).join(), /^unknown: /);
  });

  test('modules that are missing are named', () => {
    const to = new Findings('kamailio kam1');
    compareModules(to, ['tm', 'sl']);
    assert.match(to.all[0]?.found ?? '', /^not loaded: tmx, rr, /);
  });

  test('an answer of another form is refused', () => {
    assert.throws(() => parseNodeFacts([]), { code: 'RPC_BAD_ANSWER' });
    assert.throws(() => parseNodeFacts({ ...GIVEN, kam: 1 }), { code: 'RPC_BAD_ANSWER' });
    assert.throws(() => parseNodeFacts({ ...GIVEN, bodyBytes: '1' }), { code: 'RPC_BAD_ANSWER' });
  });
});
