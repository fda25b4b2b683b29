/** Asks for a token, where REST needs one. */
import { html, nothing, type TemplateResult } from 'lit-html';

export interface SignInParts {
  /** Why the one before was not taken. */
  readonly fault: string | undefined;
  readonly isBusy: boolean;
  readonly submit: (token: string) => void;
  /** Where one may also go on without. */
  readonly cancel?: () => void;
}

export function signInView({ fault, isBusy, submit, cancel }: SignInParts): TemplateResult {
  const submitted = (event: SubmitEvent) => {
    event.preventDefault();
    const field = (event.currentTarget as HTMLFormElement).elements.namedItem('token') as HTMLInputElement;
    submit(field.value.trim());
  };
  return html`<main class="sign-in" id="main">
    <form class="panel" @submit=${submitted}>
      <h1 tabindex="-1">Sign in to Parley</h1>
      <label class="field">Token
        <input name="token" type="password" required autocomplete="off" spellcheck="false" autofocus
          aria-invalid=${fault === undefined ? 'false' : 'true'} aria-describedby="token-help token-fault">
      </label>
      <p id="token-fault" class="fault" role="alert">${fault ?? nothing}</p>
      <div><button class="primary" ?disabled=${isBusy}>${isBusy ? 'Asking …' : 'Sign in'}</button>
        ${cancel === undefined ? nothing : html`<button type="button" class="quiet" @click=${cancel}>Go on without</button>`}</div>
      <p id="token-help" class="small soft">No token yet? On the machine of Parley,
        <code>npm run -s parley -- token create --config FILE --name you --role operator</code> prints one, this once.
        A viewer reads, an operator also acts on sessions and switches, an admin also edits groups.
        It is kept in this tab only.</p>
    </form>
  </main>`;
}
