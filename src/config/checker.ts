/** Checks of single values beyond their type. Each records its fault and returns something usable, so that all faults are found in one run. */
import { accessSync, constants, globSync, readFileSync, statSync } from 'node:fs';
import { resolve as resolvePath } from 'node:path';
import { type HostPort, isCidr, isHost, parseHostMaybePort, parseHostPort, parseListen } from './address.ts';
import type { ConfigError } from './config-error.ts';

/** Stands for an address that is wrong: the error is recorded, the Config is never used. */
const PLACEHOLDER: HostPort = { host: '127.0.0.1', port: 0 };
const WILDCARDS = new Set(['0.0.0.0', '::']);
const SECRET_FILE_MAX_BYTES = 4096;
const TOKEN = "[A-Za-z0-9!#$%&'*+.^_`|~-]+";
const MEDIA_TYPE = new RegExp(`^(\\*|${TOKEN}/${TOKEN})$`);
/** Kamailio turns `!!` in any header into ip:port, so it may not be in what we send. */
const HEADER_TEXT = /^(?!.*!!)[\x20-\x7e]+$/;

export class Checker {
  readonly errors: ConfigError[] = [];
  readonly warnings: string[] = [];

  error(path: string, value: unknown, message: string, mend: string): void {
    this.errors.push({ path, value, message, mend });
  }

  warn(text: string): void {
    this.warnings.push(text);
  }

  domain(path: string, text: string): string {
    if (!isHost(text))
      this.error(path, text, 'is no host name or IP address', 'write a domain such as im.example.net');
    return text.toLowerCase();
  }

  hostPort(path: string, text: string, port: 'any' | 'fixed' = 'any'): HostPort {
    const address = parseHostPort(text);
    if (address !== undefined && !(port === 'fixed' && address.port === 0)) return address;
    const least = port === 'fixed' ? 1 : 0;
    this.error(
      path,
      text,
      'is no address',
      `write host:port with a port from ${least} to 65535, for example 127.0.0.1:8022`,
    );
    return PLACEHOLDER;
  }

  listen<P extends string>(
    path: string,
    text: string,
    protocols: readonly P[],
    port: 'any' | 'fixed' = 'any',
    shown = text,
  ): HostPort & { readonly proto: P } {
    const address = parseListen(text, protocols);
    if (address !== undefined && !(port === 'fixed' && address.port === 0)) {
      if (protocols.includes('udp' as P)) this.notWildcard(path, shown, address);
      return address;
    }
    const example = `${protocols[0]}:127.0.0.1:5060`;
    this.error(
      path,
      shown,
      'is no address',
      `write ${protocols.join('|')}:host:port, for example ${example}`,
    );
    return { proto: protocols[0] as P, ...PLACEHOLDER };
  }

  /** A control channel: anybody who reaches it controls the stack. */
  control(path: string, text: string, risk: string, port: 'any' | 'fixed' = 'any'): HostPort {
    const address = this.hostPort(path, text, port);
    const loopback =
      address.host === 'localhost' || address.host === '::1' || address.host.startsWith('127.');
    if (!loopback)
      this.warn(
        `${path}: ${text} is not on loopback, and this interface ${risk}; let only a tunnel or a closed network reach it`,
      );
    return address;
  }

  notWildcard(path: string, text: string, address: HostPort, otherMend = ''): void {
    if (!WILDCARDS.has(address.host)) return;
    const mend = ['write the address of one interface', otherMend].filter((part) => part !== '').join(', ');
    this.error(path, text, 'is the wildcard address, which nobody can be told to connect to', mend);
  }

  advertise(path: string, text: string): { host: string; port?: number } {
    const address = parseHostMaybePort(text);
    if (address !== undefined && address.port !== 0 && !WILDCARDS.has(address.host)) return address;
    this.error(
      path,
      text,
      'is no address that others could use',
      'write host or host:port, for example 198.51.100.7:5060',
    );
    return { host: PLACEHOLDER.host };
  }

  cidrs(path: string, list: readonly string[]): void {
    for (const [index, text] of list.entries()) {
      if (isCidr(text)) continue;
      this.error(
        `${path}[${index}]`,
        text,
        'is no network in CIDR form',
        'write for example 10.0.0.0/8 or 2001:db8::/32',
      );
    }
  }

  /** True when it is a SIP URI without header fields. */
  sipUri(path: string, text: string, user: 'user' | 'optional-user'): boolean {
    const match = /^sips?:(?:([^@\s<>"?;]+)@)?(\[[^\]]+\](?::\d+)?|[^;?@\s<>"]+)((?:;[^;?\s<>"]+)*)$/i.exec(
      text,
    );
    const hostGood = match?.[2] !== undefined && parseHostMaybePort(match[2]) !== undefined;
    if (hostGood && (user === 'optional-user' || match[1] !== undefined)) return true;
    const example =
      user === 'user' ? 'sip:im-conference-factory@im.example.net' : 'sip:192.0.2.10:5060;transport=tcp';
    this.error(path, text, 'is no SIP URI', `write for example ${example}`);
    return false;
  }

  /** The URI of a user, a domain, or `*.` and a domain. */
  userOrDomain(path: string, text: string): void {
    if (/^sips?:/i.test(text)) {
      this.sipUri(path, text, 'user');
      return;
    }
    if (/^tel:\+?[0-9.()-]*[0-9][.()-]*$/i.test(text) || isHost(text.replace(/^\*\./, ''))) return;
    this.error(
      path,
      text,
      'is no URI of a user and no domain',
      'write for example sip:ada@example.net, tel:+4915112345, example.net or *.example.net',
    );
  }

  /** The origin (`http://host:port`); a path of / or /RPC is dropped. */
  httpOrigin(path: string, text: string): string {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    const plain = url !== undefined && url.search === '' && url.hash === '' && url.username === '';
    if (plain && url.protocol === 'http:' && ['/', '/RPC'].includes(url.pathname)) return url.origin;
    this.error(path, text, 'is no http URL', 'write for example http://10.0.0.5:8091');
    return 'http://127.0.0.1:0';
  }

  /** A server as `http://host:port` or `https://host`, without a path. */
  webOrigin(path: string, text: string): string {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url !== undefined && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`)
      return url.origin;
    this.error(
      path,
      text,
      'is no http or https server',
      'write for example https://xdms.example.net, without a path',
    );
    return 'http://127.0.0.1:0';
  }

  /** With a path if need be, and without a user, a query or a fragment. */
  webUrl(path: string, text: string): void {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    const isPlain = url !== undefined && url.username === '' && url.search === '' && url.hash === '';
    if (isPlain && /^https?:$/.test(url.protocol)) return;
    this.error(path, text, 'is no http or https URL', 'write for example http://127.0.0.1:4318');
  }

  mediaTypes(path: string, list: readonly string[]): void {
    for (const [index, text] of list.entries()) {
      if (MEDIA_TYPE.test(text)) continue;
      this.error(
        `${path}[${index}]`,
        text,
        'is no media type',
        'write type/subtype, for example text/plain, or *',
      );
    }
  }

  headerText(path: string, text: string): void {
    if (HEADER_TEXT.test(text) && !text.includes('"')) return;
    this.error(
      path,
      text,
      'cannot stand in a SIP header field',
      'use printable ASCII without quotes and without !!',
    );
  }

  directory(path: string, given: string, directory: string): void {
    if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true) return;
    this.error(path, given, `is in a directory that does not exist (${directory})`, 'create the directory');
  }

  readable(path: string, given: string, file: string): boolean {
    try {
      accessSync(file, constants.R_OK);
      if (statSync(file).isFile()) return true;
      this.error(path, given, `is not a file (${file})`, 'name a file');
    } catch (error) {
      this.#unreadable(path, given, file, error);
    }
    return false;
  }

  secretFile(path: string, given: string, file: string, pattern: RegExp, wanted: string): string {
    if (!this.readable(path, given, file)) return '';
    const secret = readFileSync(file).subarray(0, SECRET_FILE_MAX_BYTES).toString('utf8').trim();
    if (pattern.test(secret)) return secret;
    this.error(path, given, 'does not hold a usable secret', `write ${wanted} into the file`); // The secret itself is never shown.
    return '';
  }

  /** htdigest form. The lines themselves are secrets, so a fault names only the line's number. */
  usersFile(path: string, given: string, file: string, realm: string): void {
    if (!this.readable(path, given, file)) return;
    const lines = readFileSync(file, 'utf8').split(/\r?\n/);
    let usersOfRealm = 0;
    for (const [index, line] of lines.entries()) {
      if (line === '' || line.startsWith('#')) continue;
      const match = /^[^:\s]+:([^:]+):[0-9a-fA-F]{32}$/.exec(line);
      if (match === null) {
        this.error(path, given, `has no user:realm:hash in line ${index + 1}`, 'make the line with htdigest');
      } else if (match[1] === realm) usersOfRealm++;
    }
    if (usersOfRealm === 0) this.warn(`${path}: ${given} has no user of the realm ${realm}`);
  }

  groupPattern(path: string, given: string, absolute: string): void {
    if (!/[*?[{]/.test(given)) this.readable(path, given, absolute);
    else if (globSync(absolute).length === 0) this.warn(`${path}: ${given} matches no file`);
  }

  /** A folder that files are looked up in. @returns its absolute path */
  folder(path: string, directory: string, given: string): string {
    const absolute = resolvePath(directory, given);
    const isFolder = statSync(absolute, { throwIfNoEntry: false })?.isDirectory() ?? false;
    if (!isFolder) this.error(path, given, `is no folder (${absolute})`, 'create it, or mend its name');
    return absolute;
  }

  #unreadable(path: string, given: string, file: string, error: unknown): void {
    const code = (error as NodeJS.ErrnoException).code ?? 'error';
    const mend = code === 'ENOENT' ? 'create the file or mend its name' : 'make the file readable';
    this.error(path, given, `cannot be read (${file}: ${code})`, mend);
  }
}
