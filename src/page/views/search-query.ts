/** What somebody means who types a Call-ID, a user, a status or a clause into one field. */
export type SearchField = 'callId' | 'user' | 'status' | 'clause' | 'session';

/** What it may be, the likeliest first. A Call-ID may look like anything, and often as an address. */
export function readingsOf(text: string): readonly SearchField[] {
  const typed = text.trim();
  if (/^[1-6]\d\d$/.test(typed)) return ['status'];
  if (/^(sips?|tel):/i.test(typed) || /^\+\d{3,}$/.test(typed)) return ['user'];
  if (/^7\.2(\.\d+)*$/.test(typed)) return ['clause'];
  if (typed.startsWith('R-7.2')) return ['clause'];
  if (/^[^\s@]+@[^\s@]+$/.test(typed)) return ['callId', 'user'];
  if (/^[a-z]+-s-[a-z0-9]+$/.test(typed)) return ['session', 'callId', 'user'];
  return ['callId', 'user'];
}

/** `R-7.2.1.4-3b` is a statement of clause 7.2.1.4. */
export function valueOf(field: SearchField, text: string): string {
  const typed = text.trim();
  if (field !== 'clause') return typed;
  return /^R-(7(?:\.\d+)+)/.exec(typed)?.[1] ?? typed;
}

export const FIELD_NAMES: Readonly<Record<SearchField, string>> = {
  callId: 'Call-ID',
  user: 'user',
  status: 'status',
  clause: 'clause',
  session: 'session',
};
