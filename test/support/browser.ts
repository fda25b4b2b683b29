/**
 * A real Chromium (Debian's package, or PARLEY_CHROMIUM) on a page of the admin. Whatever the page complains of, and every
 * request that goes elsewhere, is kept: a test that saw either fails.
 */
import assert from 'node:assert/strict';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

const EXECUTABLE = process.env['PARLEY_CHROMIUM'] ?? '/usr/bin/chromium';
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Containers have little of it.
  '--disable-dev-shm-usage',
];
const STEP_TIMEOUT_MS = 20_000;

export interface VisitOptions {
  readonly width?: number;
  readonly height?: number;
  readonly colorScheme?: 'light' | 'dark';
  /** Kept in the tab before the page looks for it. */
  readonly token?: string;
}

export class TestBrowser {
  readonly #browser: Browser;
  readonly #visits: Visit[] = [];

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  static async start(): Promise<TestBrowser> {
    return new TestBrowser(await chromium.launch({ executablePath: EXECUTABLE, args: ARGS }));
  }

  async visit(
    origin: string,
    { width = 1440, height = 900, colorScheme = 'light', token }: VisitOptions = {},
  ): Promise<Visit> {
    const context = await this.#browser.newContext({
      viewport: { width, height },
      colorScheme,
      locale: 'en-GB',
    });
    context.setDefaultTimeout(STEP_TIMEOUT_MS);
    const page = await context.newPage();
    if (token !== undefined) {
      await page.addInitScript((text) => sessionStorage.setItem('parley-token', text), token);
    }
    const visit = new Visit(origin, context, page);
    this.#visits.push(visit);
    await page.goto(origin);
    return visit;
  }

  /** Fails when any of the visits saw something that it was not to see. */
  async close(): Promise<void> {
    await this.#browser.close();
    for (const visit of this.#visits) visit.assertClean();
  }
}

export class Visit {
  readonly page: Page;
  readonly #origin: string;
  readonly #context: BrowserContext;
  readonly #complaints: string[] = [];
  readonly #outside: string[] = [];
  #expected: readonly RegExp[] = [];

  constructor(origin: string, context: BrowserContext, page: Page) {
    this.#origin = new URL(origin).origin;
    this.#context = context;
    this.page = page;
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') this.#complaints.push(message.text());
    });
    page.on('pageerror', (error) => this.#complaints.push(String(error)));
    page.on('request', (request) => {
      if (new URL(request.url()).origin !== this.#origin) this.#outside.push(request.url());
    });
  }

  /** Complaints of the browser that belong to what is tested, such as `401 (Unauthorized)`. */
  expects(...expected: RegExp[]): void {
    this.#expected = [...this.#expected, ...expected];
  }

  assertClean(): void {
    const unexpected = this.#complaints.filter((text) => !this.#expected.some((known) => known.test(text)));
    assert.deepEqual(unexpected, [], 'the page complains');
    assert.deepEqual(this.#outside, [], 'the page asks elsewhere');
  }

  async close(): Promise<void> {
    await this.#context.close();
  }
}
