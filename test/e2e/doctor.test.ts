/** `parley doctor` on Debian's kamailio.cfg with our lines: as documented, with mistakes, and with nothing running. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Finding } from '../../src/app/doctor/finding.ts';
import { Stack } from '../support/stack.ts';
import { Attached, freePorts } from './support/attached.ts';
import { Command } from './support/command.ts';
import { startForeignKamailio } from './support/foreign-kamailio.ts';

async function examine(
  attached: Pick<Attached, 'directory'>,
): Promise<{ code: number | null; findings: readonly Finding[] }> {
  const doctor = new Command('doctor', '--json', '--config', join(attached.directory, 'parley.yaml'));
  const { code } = await doctor.ended();
  return { code, findings: (JSON.parse(doctor.stdout) as { findings: Finding[] }).findings };
}

const faultsOf = (findings: readonly Finding[]) =>
  findings.filter(({ verdict }) => verdict === 'fault').map(({ part, check }) => `${part}: ${check}`);

function the(findings: readonly Finding[], check: string): Finding {
  return findings.find((finding) => finding.check === check) ?? assert.fail(`no finding about ${check}`);
}

describe('doctor: a stack set up as documented', () => {
  let attached: Attached;
  before(async () => {
    attached = await Attached.start(await freePorts());
  });
  after(() => attached.stop());

  test('all is good, and it exits with 0; without Kamailio, or with another secret, it says so', async (t) => {
    const alone = await examine(attached);
    assert.equal(alone.code, 1);
    assert.deepEqual(faultsOf(alone.findings), ['focus: readiness', 'kamailio kam1: RPC socket']);
    assert.match(the(alone.findings, 'readiness').found, /no Kamailio has connected yet/);

    await startForeignKamailio(t, attached.ports, { withOurLines: true });
    await attached.kamailioConnected();
    const { code, findings } = await examine(attached);
    assert.deepEqual(faultsOf(findings), []);
    assert.equal(code, 0);
    const good = findings.filter(({ verdict }) => verdict === 'good').map(({ check }) => check);
    for (const check of [
      ...['readiness', 'event socket', 'RPC socket', 'modules', 'IM_DOMAIN', 'IM_FACTORIES'],
      ...['wt_timer, fr_timer', 'tcp_rd_buf_size, pv_buffer_size', 'shared memory'],
      'IM_INITIAL: a request to the service',
      'IM_EARLY: a request within a session',
      'IM_LOCAL_REQUEST: a request of the service',
    ]) {
      assert.ok(good.includes(check), `${check} is among what is good: ${good.join(', ')}`);
    }

    const probes = new Command('decisions', '--json', '--config', join(attached.directory, 'parley.yaml'));
    assert.equal((await probes.ended()).code, 0);
    const decided = JSON.parse(probes.stdout) as { trigger: string; status: number }[];
    assert.deepEqual(
      decided.map(({ trigger, status }) => `${trigger} ${status}`).sort(),
      ['probe 200', 'probe 481'],
      'what doctor asks is told apart from what clients ask',
    );

    await writeFile(join(attached.directory, 'secrets/kamailio'), 'a-secret-of-nobody-here\n');
    const stranger = await examine(attached);
    assert.deepEqual(faultsOf(stranger.findings), ['kamailio kam1: RPC socket']);
    assert.match(the(stranger.findings, 'RPC socket').mend ?? '', /IM_SECRET/);
  });
});

describe('doctor: mistakes in kamailio.cfg', () => {
  let attached: Attached;
  before(async () => {
    attached = await Attached.start(await freePorts());
  });
  after(() => attached.stop());

  test('each is told with what to do, in the words of kamailio.cfg', async (t) => {
    await startForeignKamailio(t, attached.ports, {
      withOurLines: true,
      mistakes: (config) =>
        `${config
          .replace('\troute(IM_EARLY);\n', '')
          .replace('#!define IM_OWN_LOCAL_REQUEST_ROUTE\n', '')
          .replace('#!trydef IM_DOMAIN', '#!define IM_SESSION_PREFIX "conf-"\n#!trydef IM_DOMAIN')}
pv_buffer_size=16384
modparam("tm", "wt_timer", 5000)
`,
    });
    await attached.kamailioConnected();
    const { code, findings } = await examine(attached);
    assert.equal(code, 1);
    assert.deepEqual(faultsOf(findings), [
      'kamailio kam1: IM_SESSION_PREFIX',
      'kamailio kam1: wt_timer, fr_timer',
      'kamailio kam1: pv_buffer_size',
      'kamailio kam1: IM_EARLY: a request within a session',
      'kamailio kam1: IM_LOCAL_REQUEST: a request of the service',
    ]);
    assert.match(the(findings, 'IM_SESSION_PREFIX').mend ?? '', /#!define IM_SESSION_PREFIX "im-s-"/);
    assert.match(the(findings, 'wt_timer, fr_timer').mend ?? '', /"wt_timer", 32000/);
    assert.match(the(findings, 'IM_EARLY: a request within a session').mend ?? '', /route\(IM_EARLY\)/);
    for (const { verdict, mend } of findings) assert.equal(mend === undefined, verdict === 'good');
  });
});

test('doctor: the stack of up is good, also where doctor is no trusted peer and is asked for a login', async (t) => {
  const stack = await Stack.start({ config: { sip: { trustedPeers: ['192.0.2.0/28'] } } });
  t.after(() => stack.stop());
  const { code, findings } = await examine(stack);
  assert.deepEqual(faultsOf(findings), []);
  assert.equal(code, 0);
  const { found } = the(findings, 'IM_INITIAL: a request to the service');
  assert.equal(
    found,
    '407 Proxy Authentication Required: who is not in sip.trustedPeers is asked for a login, as doctor was',
  );
});

test('doctor: where nothing runs, every part is told, and what starts it', async () => {
  const attached = await Attached.start(await freePorts());
  await Promise.all([attached.focus.stop(), attached.switch.stop()]);
  try {
    const doctor = new Command('doctor', '--config', join(attached.directory, 'parley.yaml'));
    const { code } = await doctor.ended();
    assert.equal(code, 1);
    assert.match(doctor.stdout, /✗ admin interface: .*\n\s+→ .*parley focus --config FILE/);
    assert.match(doctor.stdout, /✗ event socket: .*\n\s+→ .*parley switch --config FILE/);
    assert.match(doctor.stdout, /✗ RPC socket: .*\n\s+→ is Kamailio running/);
    assert.match(doctor.stdout, /0 good, 0 to think about, 3 to mend/);
  } finally {
    await attached.stop();
  }
});
