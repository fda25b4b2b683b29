/** A browser for the tests of one file, and pages in it that are closed before the admin that they look at. */
import { after, before, type TestContext } from 'node:test';
import type { Page } from 'playwright-core';
import { TestBrowser, type Visit, type VisitOptions } from '../../support/browser.ts';
import { type PageRig, type PageRigOptions, pageRig } from './page-rig.ts';

export interface Visited {
  readonly rig: PageRig;
  readonly visit: Visit;
  readonly page: Page;
}

export interface Wish extends PageRigOptions, VisitOptions {
  /** Before the page is opened. */
  readonly prepare?: (rig: PageRig) => void;
}

export function browsing(): (t: TestContext, wish?: Wish) => Promise<Visited> {
  let browser: TestBrowser;
  before(async () => {
    browser = await TestBrowser.start();
  });
  after(() => browser.close());
  return async (t, wish = {}) => {
    const rig = await pageRig(wish);
    wish.prepare?.(rig);
    const visit = await browser.visit(rig.url, wish);
    t.after(async () => {
      await visit.close();
      await rig.close();
    });
    return { rig, visit, page: visit.page };
  };
}
