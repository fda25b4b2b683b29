/** The live view in a real Chromium, on an admin whose sessions and decisions the test makes up. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Route } from 'playwright-core';
import { fakeControl } from '../../unit/admin/fake-control.ts';
import { manySessions, SWITCH } from './page-rig.ts';
import { browsing } from './visited.ts';

const visited = browsing();

describe('the live view', () => {
  test('shows what runs, and what happens as it happens', async (t) => {
    const { rig, page } = await visited(t, {
      prepare: (made) => {
        made.sessions = manySessions(3);
      },
    });
    const sessions = page.getByRole('table', { name: 'Sessions' });
    await sessions.getByRole('link', { name: 'im-g-team-1@example.net' }).waitFor();
    await page.locator('.pill').getByText('Live').waitFor();
    await page.locator('[data-figure=sessions] dd').filter({ hasText: /^3$/ }).waitFor();

    rig.decide({ session: 'im-s-00001' }, [{ session: 'im-s-00001', participant: 'sip:ben@example.net' }]);
    await page.getByText('ben@example.net joined').waitFor();
    rig.decide({
      status: 403,
      user: 'sip:eve@example.net',
      warning: 'the user is not allowed to join this group',
    });
    const refusal = page.locator('.feed-item.is-refusal');
    await refusal.getByText('the user is not allowed to join this group').waitFor();
    assert.match(
      (await refusal.textContent()) ?? '',
      /403\s+eve@example\.net\s+INVITE[^]*clause 7\.2\.1\.4 joining/,
    );

    const [fresh] = manySessions(1).map((one) => ({ ...one, id: 'im-s-new', subject: 'Fresh' }));
    assert(fresh !== undefined);
    rig.sessions = [fresh, ...rig.sessions];
    rig.decide({ session: 'im-s-new' }, [{ change: 'created', session: 'im-s-new', participant: null }]);
    await sessions.getByRole('link', { name: 'Fresh' }).waitFor();
    rig.sessions = rig.sessions.slice(1);
    rig.decide({ session: 'im-s-new' }, [{ change: 'ended', session: 'im-s-new', participant: null }]);
    await sessions.getByRole('link', { name: 'Fresh' }).waitFor({ state: 'detached' });

    rig.switches = [{ ...SWITCH, messagesIn: 400, messagesOut: 1_200, load: 0.5 }];
    await page.locator('[data-figure=messages] dd').filter({ hasText: /[1-9]/ }).waitFor();
    await page.getByRole('img', { name: /^Messages a second: now [1-9].* out, [1-9].* in/ }).waitFor();
  });

  test('does not begin empty: what was decided a while ago is told again', async (t) => {
    const { page } = await visited(t, {
      prepare: (rig) => {
        for (let count = 0; count < 400; count += 1) rig.decide();
        rig.decide({ status: 486, user: 'sip:late@example.net', warning: 'the group is full' });
      },
    });
    await page.locator('.is-refusal').getByText('the group is full').waitFor();
    assert.equal(await page.locator('[data-figure=refusals] dd').textContent(), '1');
  });

  test('misses nothing that is decided before the stream is open, be it the first of all', async (t) => {
    const { rig, page } = await visited(t);
    const decideThenOpen = async (route: Route): Promise<void> => {
      rig.decide({ status: 403, user: 'sip:first@example.net' });
      await route.continue();
    };
    await page.route(/\/api\/v1\/events/, decideThenOpen, { times: 1 });
    await page.reload();
    await page.locator('.feed-item').filter({ hasText: 'first@' }).waitFor();
  });

  test('stands still while somebody points at it', async (t) => {
    const { rig, page } = await visited(t);
    rig.decide({ status: 403, user: 'sip:eve@example.net', callId: 'one' });
    const first = page.locator('.feed-item').filter({ hasText: 'eve@' });
    await first.hover();
    rig.decide({ status: 404, user: 'sip:mal@example.net', callId: 'two' });
    await page.getByText('1 new, when you look away').waitFor();
    assert.equal(await page.locator('.feed-item').count(), 1);
    await page.getByRole('heading', { name: 'Switches' }).hover();
    await page.locator('.feed-item').filter({ hasText: 'mal@' }).waitFor();
    await page.getByLabel('Refusals only').check();
    assert.equal(await page.locator('.feed-item').count(), 2);
  });

  test('a switch is drained and resumed', async (t) => {
    const { rig, page } = await visited(t, {
      admin: {
        control: fakeControl({
          drain: (_id, { draining }) => {
            rig.switches = [{ ...SWITCH, draining }];
          },
        }),
      },
    });
    const panel = page.getByRole('region', { name: 'Switches' });
    await panel.getByRole('button', { name: 'Drain' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Drain' }).click();
    await page.getByText('switch-0 takes no new sessions.').waitFor();
    await panel.getByText('empty, may be stopped').waitFor();
    await panel.getByRole('button', { name: 'Resume' }).click();
    await panel.getByText('up', { exact: true }).waitFor();
  });

  test('with nothing to show says what to do', async (t) => {
    const { page } = await visited(t, {
      prepare: (rig) => {
        rig.switches = [];
      },
    });
    await page.getByText('No conversation runs at the moment.').waitFor();
    await page.getByText('No switch has been heard of.').waitFor();
    await page.goto(`${page.url().split('#')[0]}#/nowhere`);
    await page.getByText('There is nothing at this address.').waitFor();
  });

  test('names that are markup are text', async (t) => {
    const evil = '<img src=x onerror="document.title=1"><b id=evil>';
    const { rig, page } = await visited(t, {
      prepare: (made) => {
        made.sessions = manySessions(2).map((one) => ({ ...one, subject: evil, address: `sip:${evil}@x` }));
      },
    });
    rig.decide({ status: 403, warning: evil, user: `sip:${evil}@x` });
    await page.locator('.is-refusal').getByText(evil).first().waitFor();
    await page.getByRole('link', { name: evil }).first().waitFor();
    assert.equal(await page.locator('#evil, img').count(), 0);
  });

  test('a connection that is lost is said, and what was missed is told after it', async (t) => {
    const { rig, visit, page } = await visited(t);
    visit.expects(/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET/);
    await page.locator('.pill').getByText('Live').waitFor();
    rig.decide({ user: 'sip:before@example.net', status: 404 });
    await page.getByText('before@example.net').waitFor();
    await rig.stop();
    await page.getByText('Connection lost, reconnecting.').waitFor();
    rig.decide({ user: 'sip:meanwhile@example.net', status: 404 });
    await rig.restart();
    await page
      .getByRole('button', { name: 'Try now' })
      .click({ timeout: 2_000 })
      .catch(() => undefined);
    await page.getByText('meanwhile@example.net').waitFor();
    await page.getByText('Connection lost').waitFor({ state: 'detached' });
    assert.equal(await page.getByText('before@example.net').count(), 1, 'told once');
  });

  test('is dark or light as the system says, or as is chosen, and stays so', async (t) => {
    const { page } = await visited(t, { colorScheme: 'dark' });
    const ground = () => page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
    const button = page.getByRole('button', { name: /^Colours/ });
    await button.waitFor();
    assert.equal(await ground(), 'rgb(14, 17, 22)');
    await page.emulateMedia({ colorScheme: 'light' });
    assert.equal(await ground(), 'rgb(243, 244, 246)');
    await button.click();
    await page.getByRole('button', { name: 'Colours: Dark' }).waitFor();
    assert.equal(await ground(), 'rgb(14, 17, 22)');
    await page.reload();
    await page.getByRole('button', { name: 'Colours: Dark' }).waitFor();
    assert.equal(await ground(), 'rgb(14, 17, 22)');
  });
});
