/** The entry of the page in the browser. */
import { App } from './shell/app.ts';
import { applyTheme, currentTheme } from './shell/theme.ts';

applyTheme(currentTheme());
const root = document.getElementById('page');
if (root !== null) {
  root.replaceChildren();
  new App(root).start();
}
