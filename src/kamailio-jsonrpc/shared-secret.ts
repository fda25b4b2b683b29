import { createHash, timingSafeEqual } from 'node:crypto';

/** Characters that are safe in a JSON text, an HTTP header and a Kamailio script string alike. */
const SECRET = /^[A-Za-z0-9._~-]{16,128}$/;

export function isSecret(text: string): boolean {
  return SECRET.test(text);
}

/** Compares in constant time, whatever the lengths. */
export function secretMatcher(secret: string): (given: unknown) => boolean {
  const expected = digest(secret);
  return (given) => typeof given === 'string' && timingSafeEqual(digest(given), expected);
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
