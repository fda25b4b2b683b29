/** The top: where one can go, the search, and how things are. */
import { html, nothing, type TemplateResult } from 'lit-html';
import type { LinkState } from '../net/event-stream.ts';
import type { Context } from './context.ts';
import { decisionsHash, type Route } from './routes.ts';
import { currentTheme, nextTheme } from './theme.ts';

const PLACES: readonly { hash: string; label: string; routes: readonly Route['name'][] }[] = [
  { hash: '#/', label: 'Live', routes: ['live', 'session'] },
  { hash: '#/decisions', label: 'Decisions', routes: ['decisions'] },
  { hash: '#/explain', label: 'Explain', routes: ['explain'] },
  { hash: '#/groups', label: 'Groups', routes: ['groups', 'group', 'new-group'] },
  { hash: '#/policy', label: 'Policy', routes: ['policy'] },
];
const AUDIT = { hash: '#/audit', label: 'Changes', routes: ['audit'] } as const;

const LINKS: Readonly<Record<LinkState, { text: string; tone: string }>> = {
  connecting: { text: 'Connecting', tone: '' },
  live: { text: 'Live', tone: 'is-good' },
  lost: { text: 'Reconnecting', tone: 'is-warn' },
  refused: { text: 'Not allowed', tone: 'is-bad' },
};

const THEMES = { system: 'As the system', dark: 'Dark', light: 'Light' } as const;

export interface BarParts {
  readonly canSignOut: boolean;
  readonly signOut: () => void;
  /** With a token that may do more than nobody's. */
  readonly signIn: () => void;
}

export function barView(
  context: Context,
  route: Route,
  { canSignOut, signOut, signIn }: BarParts,
): TemplateResult {
  const { live, who, go, redraw } = context;
  const search = (event: SubmitEvent) => {
    event.preventDefault();
    const field = (event.currentTarget as HTMLFormElement).elements.namedItem('q') as HTMLInputElement;
    if (field.value.trim() !== '') go(decisionsHash({ q: field.value.trim() }));
  };
  const link = LINKS[live.link];
  const places = who.role === 'admin' ? [...PLACES, AUDIT] : PLACES;
  const theme = currentTheme();
  return html`<header class="bar">
    <a class="brand" href="#/">Parley</a>
    <nav aria-label="Main">${places.map(
      ({ hash, label, routes }) => html`<a href=${hash}
        aria-current=${(routes as readonly string[]).includes(route.name) ? 'page' : nothing}>${label}</a>`,
    )}</nav>
    <form role="search" @submit=${search}>
      <input id="search" name="q" type="search" aria-label="Search decisions by Call-ID, user, status or clause"
        placeholder="Call-ID, user, status or clause  ( / )" autocomplete="off" spellcheck="false">
    </form>
    <div class="ends">
      <span class="pill ${link.tone}">${link.text}</span>
      <button class="quiet tight" aria-label="Colours: ${THEMES[theme]}" title="Colours: ${THEMES[theme]}" @click=${() => {
        nextTheme();
        redraw();
      }}>${{ system: '◐', dark: '●', light: '○' }[theme]}</button>
      <span class="soft small" title=${`You are ${who.name}`}>${who.role}</span>
      <button class="quiet tight" @click=${canSignOut ? signOut : signIn}>${canSignOut ? 'Sign out' : 'Sign in'}</button>
    </div>
  </header>`;
}
