/** Dark, light, or as the system has it. */
export type Theme = 'system' | 'dark' | 'light';

const KEY = 'parley-theme';
const THEMES: readonly Theme[] = ['system', 'dark', 'light'];

export function currentTheme(): Theme {
  const kept = localStorage.getItem(KEY);
  return THEMES.find((theme) => theme === kept) ?? 'system';
}

export function applyTheme(theme: Theme): void {
  const { dataset } = document.documentElement;
  if (theme === 'system') delete dataset['theme'];
  else dataset['theme'] = theme;
}

/** @returns the one after it, which is now in force */
export function nextTheme(): Theme {
  const theme = THEMES[(THEMES.indexOf(currentTheme()) + 1) % THEMES.length] ?? 'system';
  localStorage.setItem(KEY, theme);
  applyTheme(theme);
  return theme;
}
