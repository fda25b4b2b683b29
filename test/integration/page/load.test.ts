/** The live view under what a large site brings: 10,000 sessions listed, 500 events a second. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { CDPSession, Page } from 'playwright-core';
import { manySessions } from './page-rig.ts';
import { browsing } from './visited.ts';

const visited = browsing();

const MANY = 10_000;
/** Generous: the machine of CI is slow. Alone it takes 0.6 s. */
const LISTED_WITHIN_MS = 15_000;
const EVENTS_PER_S = 500;
const ROUND_MS = 1_500;
const STEP_MS = 100;
const MAX_GROWTH_BYTES = 4_000_000;
const MAX_MORE_NODES = 300;

async function heapBytes(session: CDPSession): Promise<{ heap: number; nodes: number }> {
  await session.send('HeapProfiler.collectGarbage');
  const { metrics } = await session.send('Performance.getMetrics');
  const valueOf = (wanted: string) => metrics.find(({ name }) => name === wanted)?.value ?? 0;
  return { heap: valueOf('JSHeapUsedSize'), nodes: valueOf('Nodes') };
}

describe('a large site', () => {
  test('ten thousand sessions are listed, filtered and walked through, and few of them are drawn', async (t) => {
    const { page } = await visited(t, {
      prepare: (rig) => {
        rig.sessions = manySessions(MANY);
      },
    });
    const began = performance.now();
    await page
      .locator('[data-figure=sessions] dd')
      .filter({ hasText: '10,000' })
      .waitFor({ timeout: LISTED_WITHIN_MS });
    t.diagnostic(`listed after ${Math.round(performance.now() - began)} ms`);
    const table = page.getByRole('table', { name: 'Sessions' });
    assert.equal(await table.getAttribute('aria-rowcount'), String(MANY + 1));
    const rows = table.locator('.list-row');
    assert((await rows.count()) < 80, `${await rows.count()} rows are drawn`);

    await table.evaluate((list) => {
      list.scrollTop = list.scrollHeight;
    });
    await table.locator(`[aria-rowindex="${MANY + 1}"]`).waitFor();
    assert((await rows.count()) < 80);
    await table.evaluate((list) => {
      list.scrollTop = 0;
    });
    await table.getByRole('link').first().focus();
    for (const [key, row] of [
      ['End', MANY + 1],
      ['Home', 2],
      ['ArrowDown', 3],
      ['PageDown', undefined],
    ] as const) {
      await page.keyboard.press(key);
      if (row === undefined) continue;
      await table.locator(`[aria-rowindex="${row}"] a:focus`).waitFor();
    }
    await page.getByLabel('Filter sessions').fill('team-9998@');
    await page.getByText('1 of 10,000').waitFor();
    assert.equal(await rows.count(), 1);
  });

  test('five hundred events a second are followed, in memory that does not grow', async (t) => {
    const { rig, page } = await visited(t, {
      prepare: (made) => {
        made.sessions = manySessions(500);
      },
    });
    await page.locator('.pill').getByText('Live').waitFor();
    const session = await page.context().newCDPSession(page);
    await session.send('Performance.enable');
    await round();
    const before = await heapBytes(session);
    await round();
    await round();
    const after = await heapBytes(session);
    t.diagnostic(`heap ${mb(before.heap)} → ${mb(after.heap)} MB, nodes ${before.nodes} → ${after.nodes}`);
    assert(after.heap - before.heap < MAX_GROWTH_BYTES, `the heap grew from ${before.heap} to ${after.heap}`);
    assert(after.nodes - before.nodes < MAX_MORE_NODES, `${before.nodes} nodes became ${after.nodes}`);

    /** Ends when the page has shown the last event of it. */
    async function round(): Promise<void> {
      const end = performance.now() + ROUND_MS;
      let last = 0;
      while (performance.now() < end) {
        for (let count = 0; count < (EVENTS_PER_S * STEP_MS) / 1_000; count += 1) {
          const id = `im-s-${String(count).padStart(5, '0')}`;
          last =
            count % 5 === 0
              ? rig.decide({ status: 486, warning: 'the group is full' })
              : rig.decide({ session: id }, [{ session: id }]);
        }
        await delay(STEP_MS);
      }
      last = rig.decide({ status: 404, user: `sip:last-${last}@example.net` });
      await shown(page, `last-${last - 1}@example.net`);
    }
  });
});

async function shown(page: Page, text: string): Promise<void> {
  await page.locator('.feed').getByText(text).waitFor();
}

function mb(bytes: number): string {
  return (bytes / 1_000_000).toFixed(1);
}
