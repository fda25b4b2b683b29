/** What `doctor` says of a FreeSWITCH with the files that the project ships, and of a user with other rights. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { examineFreeSwitch, type FreeSwitchToExamine } from '../../src/app/doctor/freeswitch.ts';
import { startFreeSwitch } from '../support/freeswitch/free-switch.ts';

const PASSWORD = 'a-password-of-its-own';
const USER = 'parley@im.invalid';

test('FreeSWITCH: doctor finds no fault in what is shipped, and tells a user without the rights', async (t) => {
  const freeswitch = await startFreeSwitch({
    domain: 'example.test',
    kamailioPort: 5060,
    password: PASSWORD,
  });
  t.after(() => freeswitch.stop());
  const node: FreeSwitchToExamine = {
    id: 'fs1',
    host: '127.0.0.1',
    port: Number(freeswitch.eventSocket.split(':')[1]),
    password: PASSWORD,
    user: USER,
    modules: ['mod_sms', 'mod_conference'],
    subscriptions: ['CUSTOM im::freeswitch conference::maintenance', 'TEXT CUSTOM im::freeswitch-text'],
    takesMessages: true,
  };
  const examined = async (other: Partial<FreeSwitchToExamine> = {}) => {
    const findings = await examineFreeSwitch({ ...node, ...other }, pino({ enabled: false }));
    return new Map(findings.map((finding) => [finding.check, finding]));
  };
  const verdicts = [...(await examined())].map(([check, { verdict }]) => `${verdict} ${check}`);
  assert.deepEqual(verdicts, [
    ...['good event socket', 'good version', 'good modules', 'good event_socket.conf', 'good msrp.conf'],
    // mod_dptools brings it; what is shipped lets no MESSAGE reach it.
    'warning chat protocols',
    'good subscriptions',
  ]);
  const denied = (await examined({ subscriptions: ['CUSTOM im::request'] })).get('subscriptions');
  assert.equal(denied?.verdict, 'fault');
  assert.match(denied.mend ?? '', /esl-allowed-events of parley@im\.invalid must have CUSTOM im::request$/);
  assert.equal((await examined({ user: 'nobody@im.invalid' })).get('user')?.verdict, 'fault');
});
