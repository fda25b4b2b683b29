/** `eventSocket.bus`: the address parsed, password and keys read, and told of what is missing for `via: freeswitch`. */
import { readFileSync } from 'node:fs';
import { resolve as resolvePath } from 'node:path';
import type { HostPort } from './address.ts';
import type { Checker } from './checker.ts';
import type { ConfigDocument } from './schema.ts';

/** Where focus and switches meet when it is not at the switches. */
export interface BusConfig extends HostPort {
  readonly user?: string;
  readonly password: string;
  /** The first seals, each is taken. */
  readonly keys: readonly string[];
  readonly focusName: string;
  readonly switches: readonly string[];
  readonly windowMs: number;
}

const KEY = /^[\x21-\x7e]{32,128}$/;
const MAX_KEYS = 4;

/** Undefined with `via: direct`. */
export function resolveBus(
  { eventSocket }: ConfigDocument,
  directory: string,
  checker: Checker,
): BusConfig | undefined {
  const { via, bus, switches } = eventSocket;
  const { address, user, passwordFile, keyFile, clockToleranceS, ...rest } = bus;
  if (via === 'direct') {
    if (passwordFile !== undefined || keyFile !== undefined)
      checker.warn('eventSocket.bus has no effect with eventSocket.via: direct');
    return undefined;
  }
  if (switches.length > 0)
    checker.warn(
      'eventSocket.switches has no effect with eventSocket.via: freeswitch: switches are met on the bus (eventSocket.bus.switches)',
    );
  return {
    ...rest,
    ...(user === undefined ? {} : { user }),
    ...checker.control('eventSocket.bus.address', address, 'is not encrypted', 'fixed'),
    password: readPassword(passwordFile, directory, checker),
    keys: readKeys(keyFile, directory, checker),
    windowMs: clockToleranceS * 1000,
  };
}

function readPassword(given: string | undefined, directory: string, checker: Checker): string {
  const path = 'eventSocket.bus.passwordFile';
  if (given === undefined) {
    missing(path, 'name the file with the password of FreeSWITCH’s event socket', checker);
    return '';
  }
  const wanted = '1 to 128 printable characters without blanks';
  return checker.secretFile(path, given, resolvePath(directory, given), /^[\x21-\x7e]{1,128}$/, wanted);
}

function readKeys(given: string | undefined, directory: string, checker: Checker): string[] {
  const path = 'eventSocket.bus.keyFile';
  if (given === undefined) {
    const mend =
      'name a file with 32 random characters or more (`openssl rand -hex 32`), the same on every machine: whoever can log in to the FreeSWITCH could command the switches otherwise';
    missing(path, mend, checker);
    return [];
  }
  const file = resolvePath(directory, given);
  if (!checker.readable(path, given, file)) return [];
  const keys = readFileSync(file, 'utf8')
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (keys.length > 0 && keys.length <= MAX_KEYS && keys.every((key) => KEY.test(key))) return keys;
  checker.error(
    path,
    given,
    'does not hold usable keys',
    `write one to ${MAX_KEYS} lines, each of 32 to 128 printable characters without blanks`,
  ); // The keys themselves are never shown.
  return [];
}

function missing(path: string, mend: string, checker: Checker): void {
  checker.error(path, undefined, 'is missing, and eventSocket.via: freeswitch needs it', mend);
}
