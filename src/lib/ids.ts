import { randomBytes } from 'node:crypto';

/** Where names come from, passed in so that decisions stay functions of their inputs. */
export interface IdSource {
  /** A fresh unguessable token of `[a-z0-9]` characters with at least `bits` bits of randomness. */
  token(bits: number): string;
}

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz012345';
const BITS_PER_CHARACTER = 5;

export const randomIds: IdSource = {
  token(bits) {
    const bytes = randomBytes(Math.ceil(bits / BITS_PER_CHARACTER));
    let token = '';
    for (const byte of bytes) token += ALPHABET[byte & 31];
    return token;
  },
};
