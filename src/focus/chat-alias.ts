/** 7.2.3.2 Chat alias: what stands for a participant who asked for privacy. */
import type { IdSource } from '../lib/ids.ts';
import type { Work } from './work.ts';

/**
 * A new alias of the session. The number tells two anonymous users apart for those who read a roster; it is never given
 * twice, so that who joins later is not taken for somebody who has left. The token keeps the address from being guessed.
 */
export function newAlias(work: Work, ids: IdSource): string {
  const aliasCount = (work.row.aliasCount ?? 0) + 1;
  work.row = { ...work.row, aliasCount };
  return `"Anonymous ${aliasCount}" <sip:anonymous-${aliasCount}.${ids.token(40)}@anonymous.invalid>`;
}
