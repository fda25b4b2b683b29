/** The page as a whole: who is signed in, which screen is shown, and when it is drawn. */
import { html, nothing, render, type TemplateResult } from 'lit-html';
import { LiveModel } from '../live/live-model.ts';
import { Api } from '../net/api.ts';
import { Problem } from '../net/problem.ts';
import type { WhoAmI } from '../net/shapes.ts';
import { screenOf } from '../views/screens.ts';
import { barView } from './bar.ts';
import type { Context, Screen } from './context.ts';
import { TabToken } from './credentials.ts';
import { Dialogs } from './dialogs.ts';
import { routeOf } from './routes.ts';
import { type SignInParts, signInView } from './sign-in.ts';
import { stripsView } from './strips.ts';
import { Toasts } from './toasts.ts';

/** What streams in is drawn at most so often, however much it is. */
const LIVE_REDRAW_MS = 250;
const RETRY_MS = 3_000;

export class App {
  readonly #root: HTMLElement;
  readonly #token = new TabToken();
  readonly #api = new Api(location.origin, this.#token);
  readonly #toasts = new Toasts(() => this.redraw());
  readonly #dialogs = new Dialogs(() => this.redraw());
  #context: Context | undefined;
  #screen: Screen | undefined;
  #hash = location.hash;
  /** Undefined: not asked yet. */
  #signIn: Pick<SignInParts, 'fault' | 'isBusy' | 'cancel'> | undefined;
  #fault: string | undefined;
  #frame = 0;
  #isToBeDrawn = false;

  constructor(root: HTMLElement) {
    this.#root = root;
    this.#api.onTokenRefused = () => this.#signedOut('The token is unknown, expired or revoked.');
  }

  start(): void {
    addEventListener('hashchange', () => this.#navigated());
    addEventListener('online', () => this.#context?.live.retryNow());
    addEventListener('keydown', (event) => this.#key(event));
    void this.#enter();
  }

  redraw(): void {
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  #redrawSoon(): void {
    if (this.#isToBeDrawn) return;
    this.#isToBeDrawn = true;
    setTimeout(() => {
      this.#isToBeDrawn = false;
      this.redraw();
    }, LIVE_REDRAW_MS);
  }

  async #enter(): Promise<void> {
    try {
      const who = await this.#api.get<WhoAmI>('/whoami');
      this.#signIn = undefined;
      this.#fault = undefined;
      this.#signedIn(who);
    } catch (error) {
      const problem = error instanceof Problem ? error : undefined;
      if (problem?.status === 401) {
        const fault = this.#token.token === null ? undefined : `${problem.message}.`;
        this.#token.forget();
        this.#signIn = { fault, isBusy: false };
      } else {
        this.#fault = problem === undefined ? String(error) : `${problem.message}. ${problem.advice}`;
        setTimeout(() => void this.#enter(), RETRY_MS);
      }
      this.redraw();
    }
  }

  #signedIn(who: WhoAmI): void {
    const live = new LiveModel(this.#api, {
      changed: () => this.#redrawSoon(),
      session: (id) => this.#screen?.onSession?.(id),
    });
    this.#context = {
      api: this.#api,
      live,
      who,
      redraw: () => this.redraw(),
      go: (hash) => {
        location.hash = hash;
      },
      say: (text, isBad) => this.#toasts.say(text, isBad),
      ask: (question) => this.#dialogs.ask(question),
    };
    live.start();
    this.#show();
  }

  #signedOut(fault: string | undefined): void {
    if (this.#context === undefined) return;
    this.#context.live.stop();
    this.#context = undefined;
    this.#screen?.leave?.();
    this.#screen = undefined;
    this.#token.forget();
    this.#signIn = { fault, isBusy: false };
    this.redraw();
  }

  /** Who is let in without a token may want to do more. */
  #askForToken(): void {
    this.#signedOut(undefined);
    this.#signIn = {
      fault: undefined,
      isBusy: false,
      cancel: () => {
        this.#signIn = undefined;
        this.redraw();
        void this.#enter();
      },
    };
  }

  #navigated(): void {
    if (location.hash === this.#hash) return;
    if (this.#screen?.mayLeave?.() === false && !confirm('Leave without saving what you changed?')) {
      history.replaceState(null, '', this.#hash === '' ? '#/' : this.#hash);
      return;
    }
    this.#hash = location.hash;
    this.#show();
    // As a page load would: to the top, and screen readers and the keyboard to its heading.
    this.#draw();
    scrollTo(0, 0);
    this.#root.querySelector<HTMLElement>('main h1')?.focus({ preventScroll: true });
  }

  #show(): void {
    if (this.#context === undefined) return;
    this.#screen?.leave?.();
    this.#screen = screenOf(routeOf(location.hash), this.#context);
    this.redraw();
  }

  /** `/` goes to the search, as in many a tool. */
  #key(event: KeyboardEvent): void {
    const target = event.target as HTMLElement;
    if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return;
    if (target.closest('input, textarea, select, dialog') !== null) return;
    const search = this.#root.querySelector<HTMLInputElement>('#search');
    if (search === null) return;
    event.preventDefault();
    search.select();
  }

  #draw(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    render(this.#view(), this.#root);
    this.#dialogs.drawn(this.#root);
    document.title = this.#screen === undefined ? 'Parley' : `${this.#screen.title} · Parley`;
  }

  #view(): TemplateResult {
    if (this.#signIn !== undefined) {
      return signInView({ ...this.#signIn, submit: (token) => this.#submit(token) });
    }
    if (this.#context === undefined || this.#screen === undefined) {
      return html`<p class="loading" role="status">${this.#fault ?? 'Parley is loading …'}</p>`;
    }
    const context = this.#context;
    const isLive = routeOf(this.#hash).name === 'live';
    return html`<div class="shell ${isLive ? 'is-live' : ''}">
      <a class="skip" href="#main" @click=${this.#skip}>To the content</a>
      ${barView(context, routeOf(this.#hash), {
        canSignOut: this.#token.token !== null,
        signOut: () => this.#signedOut(undefined),
        signIn: () => this.#askForToken(),
      })}
      ${stripsView(context)}
      <main id="main" tabindex="-1">${this.#screen.view()}</main>
      ${this.#toasts.view()}
      ${this.#dialogs.view() ?? nothing}
    </div>`;
  }

  readonly #skip = (event: Event) => {
    event.preventDefault();
    this.#root.querySelector<HTMLElement>('#main')?.focus();
  };

  #submit(token: string): void {
    if (token === '') return;
    this.#token.keep(token);
    this.#signIn = { fault: undefined, isBusy: true };
    this.redraw();
    void this.#enter();
  }
}
