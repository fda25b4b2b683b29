/** Short notices of what was done or was not; read out by screen readers, and gone by themselves. */
import { html, type TemplateResult } from 'lit-html';
import { repeat } from 'lit-html/directives/repeat.js';

interface Toast {
  readonly id: number;
  readonly text: string;
  readonly isBad: boolean;
}

const SHOWN_MS = 6_000;
/** Bad news is read before it is acted on. */
const BAD_SHOWN_MS = 15_000;
const MAX_TOASTS = 4;

export class Toasts {
  readonly #redraw: () => void;
  #toasts: readonly Toast[] = [];
  #count = 0;

  constructor(redraw: () => void) {
    this.#redraw = redraw;
  }

  say(text: string, isBad = false): void {
    this.#count += 1;
    const toast = { id: this.#count, text, isBad };
    this.#toasts = [...this.#toasts, toast].slice(-MAX_TOASTS);
    setTimeout(() => this.#drop(toast), isBad ? BAD_SHOWN_MS : SHOWN_MS);
    this.#redraw();
  }

  view(): TemplateResult {
    return html`<div class="toasts" role="status" aria-live="polite">${repeat(
      this.#toasts,
      ({ id }) => id,
      (toast) => html`<div class="toast ${toast.isBad ? 'is-bad' : ''}">${toast.text}
        <button class="quiet tight" aria-label="Dismiss" @click=${() => this.#drop(toast)}>✕</button></div>`,
    )}</div>`;
  }

  #drop(toast: Toast): void {
    this.#toasts = this.#toasts.filter((one) => one !== toast);
    this.#redraw();
  }
}
