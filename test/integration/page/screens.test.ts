/** The other screens, with orders and questions that the test looks at. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Tokens } from '../../../src/admin/access/tokens.ts';
import { openRecords } from '../../../src/admin/records/database.ts';
import type { ExplainQuestion, SessionView } from '../../../src/admin/view.ts';
import { ParseError } from '../../../src/lib/errors.ts';
import { fakeControl } from '../../unit/admin/fake-control.ts';
import { fakePolicies } from '../../unit/admin/fake-policies.ts';
import { DECISION, EXPLANATION, session } from '../../unit/admin/fake-view.ts';
import { browsing } from './visited.ts';

const visited = browsing();
const ALICE = 'sip:alice@example.com';

describe('signing in', () => {
  test('a token is asked for, a wrong one is refused, and the right one is kept in the tab', async (t) => {
    const records = openRecords(':memory:');
    const { text: token } = new Tokens(records, () => Date.now()).create({ name: 'ada', role: 'viewer' });
    const { visit, page } = await visited(t, { admin: { records, withoutToken: undefined } });
    visit.expects(/401 \(Unauthorized\)/);
    const heights = await page.evaluate('[document.documentElement.scrollHeight, innerHeight]');
    assert.deepEqual(heights, [900, 900], 'nothing to scroll');
    await page.getByLabel('Token').fill('parley_wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').filter({ hasText: 'unknown, expired or revoked' }).waitFor();
    await page.getByLabel('Token').fill(token);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Sessions' }).waitFor();
    assert(await page.getByRole('button', { name: 'Drain' }).isDisabled(), 'a viewer drains nothing');
    await page.reload();
    await page.getByRole('heading', { name: 'Sessions' }).waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Token').waitFor();
    assert.deepEqual(await page.evaluate('[sessionStorage.length, document.cookie]'), [0, '']);
  });
});

describe('without a token', () => {
  test('one may read, and sign in to do more', async (t) => {
    const records = openRecords(':memory:');
    const { text: token } = new Tokens(records, () => Date.now()).create({ name: 'ops', role: 'operator' });
    const { page } = await visited(t, { admin: { records, withoutToken: 'viewer' } });
    const drain = page.getByRole('button', { name: 'Drain' });
    await drain.waitFor();
    assert(await drain.isDisabled());
    assert.match((await drain.getAttribute('title')) ?? '', /needs the role operator; you are viewer/);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('button', { name: 'Go on without' }).click();
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByLabel('Token').fill(token);
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Sign out' }).waitFor();
    await drain.waitFor();
    assert(await drain.isEnabled());
  });
});

describe('a session', () => {
  test('every order is given as the operator meant it', async (t) => {
    const orders: unknown[] = [];
    const state = session('im-s-1', [ALICE]);
    const roster = state.roster.map((one) => ({ ...one, presence: 'connected' as const, left: null }));
    const view: SessionView = { ...state, roster };
    const control = fakeControl({
      order: (order) => {
        orders.push(order);
        const now = { maxParticipants: null, isFrozen: false, muted: [] };
        // Somebody else has muted somebody meanwhile.
        if (orders.length === 1) return { kind: 'changed' };
        return { kind: 'done', before: now, now };
      },
      announce: (announcement) => {
        orders.push(announcement);
        return { kind: 'done', reach: { sent: 2, waiting: 0, unable: 1 } };
      },
    });
    const { visit, page } = await visited(t, {
      view: { session: () => view, decisions: () => [DECISION] },
      admin: { control },
    });
    visit.expects(/412 \(Precondition Failed\)/);
    await page.goto(`${page.url()}#/sessions/im-s-1`);
    const press = (name: string) => page.getByRole('button', { name, exact: true }).click();
    const confirm = (name: string) =>
      page.getByRole('dialog').getByRole('button', { name, exact: true }).click();
    await page.getByText('nickname Al the great').waitFor();
    await press('Mute Alice');
    await page.getByText('Nobody hears alice@example.com.').waitFor();
    await press('Freeze');
    await confirm('Freeze');
    await press('Limit');
    await page.getByLabel('At most').fill('12');
    await confirm('Set the limit');
    await press('Announce');
    await page.getByLabel('Text').fill('Maintenance at ten');
    await confirm('Announce');
    await page.getByText('2 devices have it, 1 cannot take it.').waitFor();
    await press('Remove Alice');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await press('End session');
    await page.getByLabel('Reason (optional)').fill('maintenance');
    await confirm('End session');
    await page.getByText('The session is ended.').waitFor();
    const by = 'loopback';
    const seen = { maxParticipants: null, isFrozen: false, muted: [] };
    assert.deepEqual(orders, [
      { kind: 'limit', session: 'im-s-1', by, mutedKeys: [ALICE], seen },
      { kind: 'limit', session: 'im-s-1', by, mutedKeys: [ALICE], seen },
      { kind: 'limit', session: 'im-s-1', by, isFrozen: true },
      { kind: 'limit', session: 'im-s-1', by, maxParticipants: 12 },
      { session: 'im-s-1', by, text: 'Maintenance at ten' },
      { kind: 'end', session: 'im-s-1', by, reason: 'maintenance' },
    ]);
  });

  test('one that is not kept any more is said to be so', async (t) => {
    const { visit, page } = await visited(t);
    visit.expects(/404 \(Not Found\)/);
    await page.goto(`${page.url()}#/sessions/im-s-gone`);
    await page.getByText('This session has ended and is not kept any more.').waitFor();
  });
});

describe('decisions', () => {
  test('are found by what was typed, with the refusing step open; nothing found says what to look at', async (t) => {
    const asked: object[] = [];
    const { page } = await visited(t, {
      view: {
        decisions: (filter) => {
          asked.push(filter);
          return 'callId' in filter || 'beforeId' in filter ? [] : [DECISION];
        },
      },
    });
    await page.getByRole('searchbox', { name: /^Search decisions/ }).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('alice@example.com');
    await page.keyboard.press('Enter');
    await page.getByText('1 decision for user “alice@example.com”').waitFor();
    await page.locator('.step.is-refuse').getByText('R-7.2.1.4-3b').waitFor();
    await page.locator('.step.is-refuse').getByText('not a member').waitFor();
    await page
      .getByRole('searchbox', { name: 'Call-ID, user, status or clause', exact: true })
      .fill('no-such-call');
    await page.getByLabel('Search as').selectOption('callId');
    await page.getByRole('button', { name: 'Search', exact: true }).click();
    await page.getByText('No decision for “no-such-call” as Call-ID.').waitFor();
    assert(asked.some((filter) => 'user' in filter && filter.user === ALICE));
    await page.getByLabel('Refusals only').check();
    await page.getByText('Nothing was refused for “no-such-call”.').waitFor();
    assert(asked.some((filter) => 'callId' in filter && 'refused' in filter));
    await page.getByRole('searchbox', { name: 'Call-ID, user, status or clause', exact: true }).fill('');
    await page.getByRole('button', { name: 'Search', exact: true }).click();
    await page.getByRole('heading', { name: 'Newest refusals' }).waitFor();
  });
});

describe('explain', () => {
  test('a request that is pasted is explained; what is none is said to be none', async (t) => {
    const asked: ExplainQuestion[] = [];
    const { visit, page } = await visited(t, {
      view: {
        explain: (question) => {
          asked.push(question);
          if (!question.message.startsWith('INVITE'))
            throw new ParseError('SIP_BAD_START_LINE', 'no request line', 0);
          return EXPLANATION;
        },
      },
    });
    visit.expects(/422 \(Unprocessable/);
    await page.getByRole('link', { name: 'Explain' }).click();
    const pasted = 'INVITE sip:nobody@example.com SIP/2.0\nCall-ID: 1\n\n';
    await page.getByLabel('SIP request').fill(pasted);
    await page.getByLabel('Comes from').fill('192.0.2.7:5060');
    await page.getByLabel('Trust').selectOption('core');
    await page.getByRole('button', { name: 'Explain', exact: true }).click();
    await page.getByText('This INVITE would get 404 Not Found, because nobody is there.').waitFor();
    await page.getByText('mend the address').waitFor();
    await page.getByText('2026-11-22T10:00:00.000Z 486 to the INVITE, by 7.2.1.4').waitFor();
    await page.getByText('Retry-After: 5').waitFor();
    await page.locator('.step.is-refuse').getByText('R-7.2.1.4-3b').waitFor();
    assert.deepEqual(asked, [{ message: pasted, src: '192.0.2.7:5060', trust: 'core' }]);
    await page.getByLabel('SIP request').fill('hello');
    await page.getByRole('button', { name: 'Explain', exact: true }).click();
    await page.getByText('no request line (SIP_BAD_START_LINE)').waitFor();
  });
});

describe('groups', () => {
  test('faults are shown while one types, in both faces; a document is saved, changed, and brought back', async (t) => {
    const { visit, page } = await visited(t);
    visit.expects(/422 \(Unprocessable/);
    await page.goto(`${page.url()}#/groups`);
    await page.getByText('There is no group yet.').waitFor();
    await page.getByRole('link', { name: 'New group' }).first().click();
    const field = (name: string) => page.getByLabel(name, { exact: true });
    const create = page.getByRole('button', { name: 'Create group' });
    await field('Address').fill('sip:crew@example.net');
    await field('Members').fill('ada@example.net Ada\n\nben@@example.net');
    await page.getByText('line 3: not a URI').waitFor();
    assert.equal(await field('Members').getAttribute('aria-invalid'), 'true');
    await field('At most').fill('lots');
    await page.getByText('a whole number, or nothing for no limit').waitFor();
    await page.getByText('2 faults').waitFor();
    assert(await create.isDisabled());
    await field('Members').fill('ada@example.net Ada\nben@example.net');
    await field('Address').fill('sip:factory@example.net');
    await page.getByText('is a conference-factory URI').waitFor();
    await field('Address').fill('sip:crew@example.net');
    await field('At most').fill('5');
    await page.getByText('no fault').waitFor();

    await page.getByRole('tab', { name: 'OMA XML' }).click();
    const xml = page.getByLabel('OMA group document');
    const text = await xml.inputValue();
    assert.match(text, /<max-participant-count>5</);
    await xml.fill(text.replace('>5<', '>five<'));
    await page.getByText('/group/list-service/max-participant-count').waitFor();
    await page.getByRole('button', { name: /^line \d+$/ }).click();
    assert.match(String(await page.evaluate('getSelection().toString()')), />five</);
    await xml.fill(text);
    await page.getByText('no fault').waitFor();
    await create.click();
    await page.getByText('crew@example.net is saved, and in force now.').waitFor();

    const rights = page.getByRole('row', { name: /^Ada/ });
    assert.match((await rights.textContent()) ?? '', /Ada\s*yes\s*yes\s*yes\s*no/);
    await field('Name').fill('The crew');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('button', { name: 'What changed since' }).click();
    await page.locator('.diff').getByText('The crew').waitFor();
    await page.getByRole('button', { name: 'Bring back' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Bring back' }).click();
    await page.getByText('Version 1 is the newest again.').waitFor();
    // Read anew after that, and the versions last.
    await page.getByText('back to version 1').waitFor();
    assert.equal(await field('Name').inputValue(), '');
    await page.getByRole('link', { name: 'Changes' }).click();
    await page.getByText('group.rollback').waitFor();
  });

  test('what was typed is not lost by leaving without having been asked', async (t) => {
    const { page } = await visited(t);
    await page.goto(`${page.url()}#/new-group`);
    await page.getByLabel('Address', { exact: true }).fill('sip:crew@example.net');
    let question = '';
    page.once('dialog', (dialog) => {
      question = dialog.message();
      void dialog.dismiss();
    });
    await page.getByRole('link', { name: 'Live', exact: true }).click();
    await page.getByRole('heading', { name: 'New group' }).waitFor();
    assert.match(question, /without saving/);
    assert.equal(await page.getByLabel('Address', { exact: true }).inputValue(), 'sip:crew@example.net');
  });
});

describe('the policy', () => {
  const verdict = { clause: '7.2.1.4', step: null, status: 200, warning: null };
  const policies = fakePolicies({
    shadow: () => [
      {
        at: '2026-11-22T10:00:00.000Z',
        method: 'INVITE',
        target: 'sip:crew@example.net',
        user: ALICE,
        callId: 'c1',
        decided: verdict,
        active: verdict,
        candidate: { ...verdict, step: 'R-7.2.1.4-3b', status: 486, warning: 'the group is full' },
      },
    ],
  });

  test('is edited with its faults shown, tried on what was decided, put in force and rolled back', async (t) => {
    const { visit, page } = await visited(t, { admin: { policies } });
    visit.expects(/422 \(Unprocessable/);
    await page.getByRole('link', { name: 'Policy' }).click();
    await page.getByText('The configuration alone is in force').waitFor();
    const json = page.getByLabel('What differs from the configuration file, as JSON');
    const force = page.getByRole('button', { name: 'Put in force' });
    await json.fill('{"limit": ');
    await page.getByText('It is no JSON').waitFor();
    await json.fill('{"limit": -1}');
    await page.getByText('limit -1 is not above 0').waitFor();
    assert(await force.isDisabled());
    await json.fill('{"limit": 5}');
    await page.getByText('no fault; one change').waitFor();
    assert.match((await page.getByRole('row', { name: /^limit/ }).textContent()) ?? '', /limit\s*10\s*5/);
    await page.getByRole('button', { name: 'Try on recent requests' }).click();
    await page.getByText('1 of 1 of the latest requests would be answered otherwise').waitFor();
    await page.getByText('486 Busy Here').waitFor();
    await force.click();
    await page.getByLabel('Why (optional)').fill('busy evening');
    await page.getByRole('dialog').getByRole('button', { name: 'Put in force' }).click();
    await page.getByText('Version 1 is in force').waitFor();
    await page.getByText('busy evening').waitFor();
    await page.getByRole('button', { name: 'Roll back' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Roll back' }).click();
    await page.getByText('The configuration alone is in force').waitFor();
  });
});
