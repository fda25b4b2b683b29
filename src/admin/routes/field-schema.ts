/** Fields that several resources share. */
import Type from 'typebox';
import { PAGE_ITEMS } from '../limits.ts';

export const Count = Type.Integer({ minimum: 0 });
export const Time = Type.String({ description: 'ISO 8601, UTC.', examples: ['2026-11-22T10:00:00.000Z'] });
export const TextOrNull = Type.Unsafe<string | null>({ type: ['string', 'null'] });
export const CountOrNull = Type.Unsafe<number | null>({ type: ['integer', 'null'] });

/** User part of an IM Session Identity. */
export const SessionId = Type.String({
  minLength: 1,
  maxLength: 128,
  pattern: '^[A-Za-z0-9._~-]+$',
  examples: ['im-7f3a9c'],
});
/** A SIP or tel URI; `sip:` may be left out. */
export const Address = Type.String({
  minLength: 1,
  maxLength: 512,
  description: 'A SIP or tel URI; `sip:` may be left out.',
  examples: ['sip:alice@example.com'],
});
export const CallId = Type.String({
  minLength: 1,
  maxLength: 512,
  description: 'Call-ID of a dialog of the session.',
  examples: ['a84b4c76e66710@pc33.example.com'],
});
export const Limit = Type.Integer({ minimum: 1, maximum: PAGE_ITEMS.max, default: PAGE_ITEMS.default });

/** For a route that takes no query: a parameter that would do nothing is refused. */
export const NoQuery = Type.Object({}, { additionalProperties: false });
