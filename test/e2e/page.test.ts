/**
 * What the page is for, tried as a new operator would, on the real stack and from the page alone: make a group, watch a
 * conversation happen, find out why an INVITE was refused, and remove a participant.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Subscriber } from '../../src/agents/chat.ts';
import { TestBrowser, type Visit } from '../support/browser.ts';
import { DOMAIN, Stack } from '../support/stack.ts';
import { assertClean, chat } from './support/conversing.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const run = promisify(execFile);
const uriOf = (name: string) => `sip:${name}@${DOMAIN}`;
const CREW = uriOf('im-g-crew');

describe('the page on the real stack', () => {
  let stack: Stack;
  let browser: TestBrowser;
  let visit: Visit;
  let [ada, ben, eve] = [] as unknown as [Subscriber, Subscriber, Subscriber];
  before(async () => {
    [stack, browser] = await Promise.all([
      Stack.start({ config: { admin: { withoutToken: 'nothing' } } }),
      TestBrowser.start(),
    ]);
    [ada, ben, eve] = await Promise.all([
      stack.subscriber('ada'),
      stack.subscriber('ben'),
      stack.subscriber('eve'),
    ]);
    const config = join(stack.directory, 'parley.yaml');
    const made = await run(
      process.execPath,
      [MAIN, 'token', 'create', '--config', config, '--name', 'ops', '--role', 'admin'],
      {
        env: { PATH: process.env['PATH'] },
      },
    );
    visit = await browser.visit(stack.ready.admin);
    visit.expects(/401 \(Unauthorized\)/, /422 \(Unprocessable/);
    await visit.page.getByLabel('Token').fill(made.stdout.trim());
    await visit.page.getByRole('button', { name: 'Sign in' }).click();
  });
  after(async () => {
    await visit.close();
    await browser.close();
    await stack.stop();
  });

  test('a group is made, a conversation watched, a refusal explained, and somebody removed', async () => {
    const { page } = visit;

    // Make a group.
    await page.getByRole('link', { name: 'Groups' }).click();
    await page.getByRole('link', { name: 'New group' }).first().click();
    await page.getByLabel('Address', { exact: true }).fill('im-g-crew');
    await page.getByLabel('Name', { exact: true }).fill('Crew');
    await page.getByLabel('Members', { exact: true }).fill('ada@example.net Ada\nben@@example.net');
    await page.getByText('line 2: not a URI').waitFor();
    assert(await page.getByRole('button', { name: 'Create group' }).isDisabled());
    await page.getByLabel('Members', { exact: true }).fill('ada@example.net Ada\nben@example.net Ben');
    await page.getByLabel('Address', { exact: true }).fill('im-g-crew@example.net');
    await page.getByText('no fault').waitFor();
    await page.getByRole('button', { name: 'Create group' }).click();
    await page.getByText('im-g-crew@example.net is saved, and in force now.').waitFor();

    // Watch a conversation happen.
    await page.getByRole('link', { name: 'Live', exact: true }).click();
    const feed = page.locator('.feed');
    const out = await ada.dial(CREW);
    const [adas, bens] = await Promise.all([out.room(), ben.answerNext()]);
    await feed.getByText('ada@example.net joined').waitFor();
    await feed.getByText('ben@example.net joined').waitFor();
    const sessions = page.getByRole('table', { name: 'Sessions' });
    await sessions.getByRole('link', { name: 'im-g-crew@example.net' }).waitFor();
    const rate = page.locator('[data-figure=messages] dd').filter({ hasText: /[1-9]/ });
    let isSeen = false;
    const talk = async (): Promise<void> => {
      for (let said = 0; !isSeen; said += 1) {
        await chat(`message ${said}`, adas, bens);
        await chat(`answer ${said}`, bens, adas);
        // At the page's own pace: faster than a thousand a second is too much for one participant (413).
        await page.evaluate('new Promise(requestAnimationFrame)');
      }
    };
    // Both tell what is said now: nobody falls silent before both were seen.
    const look = async (): Promise<void> => {
      try {
        await rate.waitFor();
        await page.getByRole('img', { name: /^Messages a second: now .*[1-9]/ }).waitFor();
      } finally {
        isSeen = true;
      }
    };
    await Promise.all([talk(), look()]);

    // Find out why an INVITE was refused.
    const refused = await eve.dial(CREW);
    assert.equal((await refused.call.final()).status, 403);
    const refusal = feed.locator('.is-refusal').filter({ hasText: 'eve@example.net' });
    await refusal.getByText('not allowed to join this group').waitFor();
    const search = page.getByRole('searchbox', { name: /Search decisions/ });
    await search.fill(refused.call.request.callId);
    await search.press('Enter');
    await page.getByText('1 decision for Call-ID').waitFor();
    const decision = page.locator('.decision');
    await decision.getByText('403 Forbidden').waitFor();
    const step = decision.locator('.step.is-refuse');
    assert.match((await step.textContent()) ?? '', /R-7\.2\.1\.4-/, 'the step has its statement');
    await decision.getByText('7.2.1.4 joining: Joining a pre-defined IM group session').waitFor();

    // Remove a participant.
    await page.getByRole('link', { name: 'Live', exact: true }).click();
    await sessions.getByRole('link', { name: 'im-g-crew@example.net' }).click();
    await page.getByRole('button', { name: 'Remove Ben' }).click();
    await page.getByLabel('Reason (optional)').fill('off duty');
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
    await page.getByText('Ben is removed.').waitFor();
    const bye = await bens.dialog.nextRequest('BYE');
    assert.equal(bye.request.header('Reason'), 'SIP;cause=200;text="off duty"');
    const row = page.locator(`[data-participant="${uriOf('ben')}"]`);
    await row.getByText('disconnected').waitFor();
    await row.getByText('booted: off duty').waitFor();
    await page.locator('.decision').filter({ hasText: 'operator' }).waitFor();
    await adas.leave();
    assertClean(ada, ben, eve);
  });
});
