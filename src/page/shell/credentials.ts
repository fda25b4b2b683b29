/** The token of this tab: gone when the tab is closed, and not known to other tabs. */
import type { Credentials } from '../net/api.ts';

const KEY = 'parley-token';

export class TabToken implements Credentials {
  get token(): string | null {
    return sessionStorage.getItem(KEY);
  }

  keep(token: string): void {
    sessionStorage.setItem(KEY, token);
  }

  forget(): void {
    sessionStorage.removeItem(KEY);
  }
}
