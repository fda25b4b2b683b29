/**
 * Each screen by keyboard alone. With PARLEY_TEST_PICTURES=FOLDER pictures of all screens are written there as well, dark
 * and light; docs/images has one of them.
 */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import type { SessionView } from '../../../src/admin/view.ts';
import { CREW, crewXml, fakeGroups } from '../../unit/admin/fake-groups.ts';
import { DECISION, EXPLANATION, session } from '../../unit/admin/fake-view.ts';
import { manySessions, type PageRig, SWITCH } from './page-rig.ts';
import { browsing } from './visited.ts';

const visited = browsing();
const ALICE = 'sip:alice@example.com';
const PICTURES = process.env['PARLEY_TEST_PICTURES'];

/** Nobody waits for that where no picture is taken. */
const BUSY_S = PICTURES === undefined ? 0 : 90;
const PEOPLE = ['ada', 'ben', 'cleo', 'dan', 'eve', 'gus'];

/** Most that is walked over; no screen here has so much. */
const MAX_TABS = 90;

interface Screen {
  readonly name: string;
  readonly hash: string;
  readonly heading: string;
  /** What one comes here to use; each takes the focus. */
  readonly controls: readonly string[];
  /** What one does here, from the first of these on. */
  readonly use?: (page: Page) => Promise<void>;
}

const SCREENS: readonly Screen[] = [
  {
    name: 'live-view',
    hash: '#/',
    heading: 'Sessions',
    controls: ['Filter sessions', 'Drain', 'Refusals only', 'Shift handover'],
  },
  {
    name: 'session',
    hash: '#/sessions/im-s-00000',
    heading: 'Shift handover',
    controls: ['Announce', 'Limit', 'Freeze', 'End session', 'Mute Alice', 'Remove Alice'],
  },
  {
    name: 'decisions',
    hash: '#/decisions',
    heading: 'Decisions',
    controls: ['Call-ID, user, status or clause', 'Search as', 'Refusals only', 'Search'],
    use: async (page) => {
      await page.keyboard.type('no-such-call');
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: /no-such-call/ }).waitFor();
    },
  },
  {
    name: 'explain',
    hash: '#/explain',
    heading: 'Explain',
    controls: ['SIP request', 'Comes from', 'Trust', 'Explain', 'Fill in an example'],
    use: async (page) => {
      await page.keyboard.type('INVITE sip:nobody@example.com SIP/2.0');
      await tabTo(page, 'Explain');
      await page.keyboard.press('Enter');
      await page.getByText(EXPLANATION.answer).waitFor();
    },
  },
  {
    name: 'groups',
    hash: '#/groups',
    heading: 'Groups',
    controls: ['Find groups by address or name', 'New group', 'crew@example.net'],
  },
  {
    name: 'group',
    hash: `#/groups/${encodeURIComponent(CREW)}`,
    heading: 'Crew',
    controls: ['Adopt, to edit it here', 'Form', 'Rights of a user'],
    use: async (page) => {
      await page.keyboard.press('Enter');
      await page.getByRole('button', { name: 'Save' }).waitFor();
      await tabTo(page, 'Name');
      await page.keyboard.type(' of the night');
      await page.getByText('no fault').waitFor();
      await tabTo(page, 'Save');
      await page.keyboard.press('Enter');
      await page.getByText('crew@example.net is saved, and in force now.').waitFor();
    },
  },
  {
    name: 'new-group',
    hash: '#/new-group',
    heading: 'New group',
    controls: ['Address', 'Name', 'Members', 'At most', 'Form'],
    use: async (page) => {
      await page.keyboard.type('sip:night@example.net');
      await page.getByText('no fault').waitFor();
      await tabTo(page, 'Create group');
      await page.keyboard.press('Enter');
      await page.getByText('night@example.net is saved, and in force now.').waitFor();
    },
  },
  {
    name: 'policy',
    hash: '#/policy',
    heading: 'Policy',
    controls: ['What differs from the configuration file, as JSON', 'All that is in force'],
    use: async (page) => {
      await page.keyboard.press('Control+A');
      await page.keyboard.type('{"limit": 5}');
      await page.getByText('no fault; one change').waitFor();
      await tabTo(page, 'Put in force');
      await page.keyboard.press('Enter');
      await page.getByRole('dialog').waitFor();
      await tabTo(page, 'Put in force');
      await page.keyboard.press('Enter');
      await page.getByText('Version 1 is in force').waitFor();
    },
  },
  // After what was done on the others.
  { name: 'changes', hash: '#/audit', heading: 'Changes', controls: ['show'] },
];

describe('by keyboard alone', () => {
  test('from the top to a session, into a dialog and out of it, with the focus seen all along', async (t) => {
    const state = { ...session('im-s-00000', [ALICE]), subject: 'Handover' };
    const { page } = await visited(t, {
      view: { session: () => state, decisions: () => [DECISION] },
      prepare: (rig) => {
        rig.sessions = [state];
      },
    });
    await page.getByRole('link', { name: 'Handover' }).waitFor();
    const seen: string[] = [];
    let isAtSession = false;
    for (let count = 0; count < 30 && !isAtSession; count += 1) {
      await page.keyboard.press('Tab');
      const [name, outline] = await page.evaluate<[string, string]>(FOCUSED);
      seen.push(name);
      assert.notEqual(outline, 'none', `the focus is not seen on ${name}`);
      isAtSession = name === 'Handover';
    }
    assert(isAtSession, `reached only ${seen.join(', ')}`);
    assert.equal(seen[0], 'To the content');
    await page.keyboard.press('Enter');
    const end = page.getByRole('button', { name: 'End session' });
    await end.waitFor();
    const [heading] = await page.evaluate<[string, string]>(FOCUSED);
    assert.equal(heading, 'Handover', 'a screen begins at its heading');
    for (let count = 0; count < 30; count += 1) {
      const [name] = await page.evaluate<[string, string]>(FOCUSED);
      if (name === 'End session') break;
      await page.keyboard.press('Tab');
    }
    for (const way of [['Escape'], ['Tab', 'Enter']]) {
      await page.keyboard.press('Enter');
      await page.getByRole('dialog').waitFor();
      for (const key of way) await page.keyboard.press(key);
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      const [name] = await page.evaluate<[string, string]>(FOCUSED);
      assert.equal(name, 'End session', `back where it was, by ${way.join(' and ')}`);
    }
  });

  test('every screen: each control takes the focus, which is seen, and the screen does its work', async (t) => {
    const { rig, page } = await visited(t, {
      width: 1280,
      height: 800,
      view: {
        session: () => busySession(),
        decisions: (filter) => ('callId' in filter || 'beforeId' in filter ? [] : [DECISION]),
      },
      admin: {
        groups: fakeGroups([
          { file: '/etc/groups/crew.xml', xml: crewXml(), entry: { key: CREW, displayName: 'Crew' } },
        ]),
      },
      prepare: fill,
    });
    for (const { name, hash, heading, controls, use } of SCREENS) {
      await page.goto(`${page.url().split('#')[0]}${hash}`);
      await page.getByRole('heading', { name: heading }).first().waitFor();
      const [first = ''] = controls;
      await page.evaluate(`${UNTIL_ALL}(${JSON.stringify(controls)})`);
      await page.locator('.pill').getByText('Live').waitFor();
      if (name === 'live-view') await isBusyFor(rig, BUSY_S);
      await takePictures(page, name);
      const { reached, missed } = await walk(page);
      assert.deepEqual(missed, [], `${name}: Tab does not lead to them`);
      const away = controls.filter((control) => !reached.includes(control));
      assert.deepEqual(away, [], `${name}: reached only ${reached.join(', ')}`);
      if (use === undefined) continue;
      await tabTo(page, first);
      await use(page);
    }
  });
});

function busySession(): SessionView {
  const state = { ...session('im-s-00000', [ALICE]), subject: 'Shift handover' };
  const roster = state.roster.map((one) => ({ ...one, presence: 'connected' as const, left: null }));
  return { ...state, roster };
}

function fill(rig: PageRig): void {
  rig.sessions = manySessions(40);
  rig.switches = [SWITCH, { ...SWITCH, id: 'switch-1', load: 0.2 }];
  for (const [index, name] of PEOPLE.entries()) {
    const id = `im-s-0000${index}`;
    rig.decide({ session: id }, [{ session: id, participant: `sip:${name}@example.net` }]);
  }
  rig.decide({ status: 403, user: 'sip:mallory@example.net', warning: 'not a member of the group' });
}

/** So that a picture of the live view has something in it. */
async function isBusyFor(rig: PageRig, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second += 1) {
    rig.switches = rig.switches.map((one, index) => {
      const perS = Math.round(120 + 60 * Math.sin(second / (7 + index)));
      const messagesOut = one.messagesOut + 3 * perS;
      return {
        ...one,
        load: perS / 600,
        sessions: 20,
        legs: 93,
        messagesIn: one.messagesIn + perS,
        messagesOut,
      };
    });
    const id = `im-s-000${String(second % 40).padStart(2, '0')}`;
    const participant = `sip:${PEOPLE[second % PEOPLE.length]}@example.net`;
    if (second % 3 === 0) rig.decide({ session: id }, [{ session: id, participant }]);
    if (second % 17 === 5) rig.decide({ status: 486, user: participant, warning: 'too many participants' });
    await delay(1_000);
  }
}

async function takePictures(page: Page, name: string): Promise<void> {
  if (PICTURES === undefined) return;
  mkdirSync(PICTURES, { recursive: true });
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: join(PICTURES, `${name}-${colorScheme}.png`), animations: 'disabled' });
  }
}

/** Tab from where the focus is, until it has been everywhere. */
async function walk(page: Page): Promise<{ reached: string[]; missed: string[] }> {
  const reached: string[] = [];
  await page.evaluate('globalThis.walked = new Set()');
  for (let count = 0; count < MAX_TABS; count += 1) {
    await page.keyboard.press('Tab');
    const [name, outline, place] = await page.evaluate<[string, string, 'new' | 'known' | 'end']>(STEP);
    if (place === 'known') break;
    if (place === 'end') continue;
    assert.notEqual(outline, 'none', `the focus is not seen on ${name}`);
    reached.push(name);
  }
  return { reached, missed: await page.evaluate<string[]>(MISSED) };
}

async function tabTo(page: Page, wanted: string): Promise<void> {
  const passed: string[] = [];
  for (let count = 0; count < MAX_TABS; count += 1) {
    await page.keyboard.press('Tab');
    const [name] = await page.evaluate<[string, string]>(FOCUSED);
    if (name === wanted) return;
    passed.push(name);
  }
  assert.fail(`${wanted} is not among ${passed.join(', ')}`);
}

const NAME_OF = `((one) => {
  const label = [...(one.labels?.[0]?.childNodes ?? [])].filter((node) => node.nodeType === Node.TEXT_NODE);
  const text = label.map((node) => node.textContent).join('');
  return (one.getAttribute('aria-label') ?? (text || one.textContent)).trim();
})`;

/** Name of what has the focus, and how that is seen: on itself, or on the row that it stands in. */
const FOCUSED = `(() => {
  const one = document.activeElement;
  const row = one.closest('.list-row');
  const name = ${NAME_OF};
  return [one === document.body ? '' : name(one), getComputedStyle(row ?? one).outlineStyle];
})()`;

/** From the end of the page the next is the first of it. */
const PLACE = `(() => {
  const one = document.activeElement;
  if (one === document.body) return 'end';
  if (globalThis.walked.has(one)) return 'known';
  globalThis.walked.add(one);
  return 'new';
})()`;

const STEP = `[...${FOCUSED}, ${PLACE}]`;

/** What can be used and was not reached. Of lists and tabs one has the focus, and arrow keys lead to the others. */
const MISSED = `(() => {
  const name = ${NAME_OF};
  const all = document.querySelectorAll('a[href], button, input, select, textarea, summary');
  return [...all]
    .filter((one) => !one.matches(':disabled') && one.checkVisibility() && !globalThis.walked.has(one))
    .filter((one) => one.closest('.list-row, [role=tablist]') === null)
    .map(name);
})()`;

/** The screen has read what it shows; when it has not, in ten seconds or so, the walk will tell what is missing. */
const UNTIL_ALL = `(async (wanted) => {
  const name = ${NAME_OF};
  for (let frame = 0; frame < 600; frame += 1) {
    const all = [...document.querySelectorAll('a[href], button, input, select, textarea, summary')].map(name);
    if (wanted.every((one) => all.includes(one))) return;
    await new Promise((next) => requestAnimationFrame(next));
  }
})`;
