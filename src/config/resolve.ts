/** From the sound document to the Config: addresses parsed, files made absolute and read, what keys mean to each other checked. */
import { dirname, resolve as resolvePath } from 'node:path';
import { formatHostPort, formatListen, type HostPort, type MsrpAddress, type SipAddress } from './address.ts';
import type { Checker } from './checker.ts';
import type { Config, KamailioNode } from './config.ts';
import { checkPortsDiffer } from './port-collisions.ts';
import { resolveBus } from './resolve-bus.ts';
import { resolveFreeSwitch } from './resolve-freeswitch.ts';
import { resolveManagedGroups } from './resolve-groups.ts';
import type { ConfigDocument } from './schema.ts';

export interface ResolveOptions {
  /** Where relative files start. */
  readonly directory: string;
  /** Makes a secret where no file gives one. */
  readonly randomSecret: () => string;
}

/** The Config is only good when `errors` of the checker stays empty. */
export function resolveDocument(document: ConfigDocument, options: ResolveOptions, checker: Checker): Config {
  const domain = checker.domain('sip.domain', document.sip.domain);
  const sip = resolveSip(document, domain, checker);
  const config: Config = {
    ...document,
    sip,
    digest: resolveDigest(document, options, domain, checker),
    kamailio: resolveKamailio(document, options, sip.listen, checker),
    conferenceFactories: resolveFactories(document, domain, checker),
    groups: document.groups.map((pattern, index) => {
      const absolute = resolvePath(options.directory, pattern);
      checker.groupPattern(`groups[${index}]`, pattern, absolute);
      return absolute;
    }),
    ...(document.groupLists === undefined
      ? {}
      : { groupLists: checker.folder('groupLists', options.directory, document.groupLists) }),
    managedGroups: resolveManagedGroups(document, options.directory, checker),
    msrp: resolveMsrp(document, options, checker),
    eventSocket: resolveEventSocket(document, options, checker),
    freeswitch: resolveFreeSwitch(document, options.directory, checker),
    admin: {
      ...document.admin,
      listen: checker.control('admin.listen', document.admin.listen, 'is not encrypted'),
      sqlite: resolveFile('admin.sqlite', document.admin.sqlite, options, checker),
    },
    sessionRecords: {
      ...document.sessionRecords,
      ...(document.sessionRecords.file === undefined
        ? {}
        : { file: resolveFile('sessionRecords.file', document.sessionRecords.file, options, checker) }),
    },
    store: { sqlite: resolveFile('store.sqlite', document.store.sqlite, options, checker) },
  };
  checkSession(document, checker);
  if (!document.kamailio.manage) checkIgnored(document, checker);
  if (document.telemetry.tracesEndpoint !== undefined)
    checker.webUrl('telemetry.tracesEndpoint', document.telemetry.tracesEndpoint);
  checker.headerText('serverHeader.release', document.serverHeader.release);
  checkHistory(document, checker);
  checkInitiators(document, checker);
  checkPortsDiffer(config, checker);
  return config;
}

function resolveSip(document: ConfigDocument, domain: string, checker: Checker): Config['sip'] {
  const { advertise, nextHop, trustedPeers, listen, t1Ms } = document.sip;
  const addresses: SipAddress[] = listen.map((text, index) =>
    checker.listen(`sip.listen[${index}]`, text, ['udp', 'tcp']),
  );
  checker.cidrs('sip.trustedPeers', trustedPeers);
  if (nextHop !== undefined) checker.sipUri('sip.nextHop', nextHop, 'optional-user');
  return {
    listen: addresses,
    domain,
    trustedPeers,
    t1Ms,
    ...(advertise === undefined ? {} : { advertise: checker.advertise('sip.advertise', advertise) }),
    ...(nextHop === undefined ? {} : { nextHop }),
  };
}

function resolveDigest(
  document: ConfigDocument,
  options: ResolveOptions,
  domain: string,
  checker: Checker,
): Config['digest'] {
  const realm = document.digest.realm ?? domain;
  checker.headerText('digest.realm', realm);
  const given = document.digest.usersFile;
  if (given === undefined) {
    if (document.kamailio.manage && document.sip.trustedPeers.length === 0) {
      checker.warn(
        'digest.usersFile and sip.trustedPeers are both empty: nobody can prove an identity, every INVITE is refused',
      );
    }
    return { realm };
  }
  const usersFile = resolvePath(options.directory, given);
  checker.usersFile('digest.usersFile', given, usersFile, realm);
  return { realm, usersFile };
}

function resolveKamailio(
  document: ConfigDocument,
  options: ResolveOptions,
  sipListen: readonly SipAddress[],
  checker: Checker,
): Config['kamailio'] {
  const { manage, binary, memoryMb, jsonRpc, rpc, secretFile } = document.kamailio;
  checker.cidrs('kamailio.jsonRpc.allow', jsonRpc.allow);
  const rpcListen = checker.hostPort('kamailio.rpc.listen', rpc.listen);
  checker.notWildcard('kamailio.rpc.listen', rpc.listen, rpcListen);
  if (secretFile === undefined && !manage) {
    checker.error(
      'kamailio.secretFile',
      undefined,
      'is missing',
      'name the file that holds the secret shared with your Kamailio, since kamailio.manage is false',
    );
  }
  const given = resolveNodes(document, checker);
  return {
    manage,
    memoryMb,
    nodes: manage ? [managedNode(sipListen, rpcListen)] : given,
    jsonRpc: {
      listen: checker.control('kamailio.jsonRpc.listen', jsonRpc.listen, 'is not encrypted'),
      allow: jsonRpc.allow,
    },
    rpc: { ...rpc, listen: rpcListen },
    ...(binary === undefined
      ? {}
      : { binary: binary.includes('/') ? resolvePath(options.directory, binary) : binary }),
    ...resolveSecret(checker, options, 'kamailio.secretFile', secretFile),
  };
}

function resolveSecret(
  checker: Checker,
  options: ResolveOptions,
  key: string,
  given: string | undefined,
): { secret: string; secretFile?: string } {
  if (given === undefined) return { secret: options.randomSecret() };
  const secretFile = resolvePath(options.directory, given);
  const secret = checker.secretFile(
    key,
    given,
    secretFile,
    /^[A-Za-z0-9._~-]{16,128}$/,
    '16 to 128 characters of A-Z a-z 0-9 . _ ~ -',
  );
  return { secret, secretFile };
}

/** The Kamailio that `up` starts: its sockets follow `sip.listen`, its RPC `kamailio.rpc.listen`. */
export function managedNode(sipListen: readonly SipAddress[], rpcListen: HostPort): KamailioNode {
  const first = (proto: 'udp' | 'tcp') => sipListen.find((address) => address.proto === proto);
  const [udp, tcp] = [first('udp'), first('tcp')];
  return {
    id: 'kam1',
    rpc: `http://${formatHostPort(rpcListen)}`,
    sendSockets: {
      ...(udp === undefined ? {} : { udp: formatListen(udp) }),
      ...(tcp === undefined ? {} : { tcp: formatListen(tcp) }),
    },
  };
}

function resolveNodes(document: ConfigDocument, checker: Checker): KamailioNode[] {
  const { manage, nodes } = document.kamailio;
  if (manage && nodes.length > 0) {
    checker.error(
      'kamailio.nodes',
      nodes.map((node) => node.id),
      'names Kamailios that others run while kamailio.manage is true',
      'set kamailio.manage: false, or remove kamailio.nodes',
    );
  }
  if (!manage && nodes.length === 0) {
    checker.error(
      'kamailio.nodes',
      [],
      'is empty',
      'name at least one Kamailio, since kamailio.manage is false',
    );
  }
  return nodes.map((node, index) => {
    const path = `kamailio.nodes[${index}]`;
    if (nodes.findIndex((other) => other.id === node.id) !== index) {
      checker.error(`${path}.id`, node.id, 'is taken by another node', 'give every node its own id');
    }
    const sockets = Object.entries(node.sendSockets);
    if (sockets.length === 0) {
      checker.error(
        `${path}.sendSockets`,
        {},
        'is empty',
        'name the socket of at least one protocol, for example `udp: udp:10.0.0.5:5060`',
      );
    }
    for (const [proto, socket] of sockets)
      checker.listen(`${path}.sendSockets.${proto}`, socket, [proto], 'fixed');
    return { ...node, rpc: checker.httpOrigin(`${path}.rpc`, node.rpc) };
  });
}

export function resolveFactories(document: ConfigDocument, domain: string, checker: Checker): string[] {
  const factories = document.conferenceFactories ?? [`sip:im-conference-factory@${domain}`];
  const prefix = document.conference.sessionPrefix;
  for (const [index, uri] of factories.entries()) {
    const path = `conferenceFactories[${index}]`;
    if (document.conferenceFactories !== undefined && !checker.sipUri(path, uri, 'user')) continue;
    if (
      uri
        .slice(uri.indexOf(':') + 1)
        .toLowerCase()
        .startsWith(prefix)
    ) {
      checker.error(
        path,
        uri,
        `begins with conference.sessionPrefix (${prefix})`,
        'choose another user part: that prefix marks session identities',
      );
    }
    if (document.kamailio.manage && !hostOf(uri).endsWith(domain)) {
      checker.warn(
        `${path}: ${uri} is not in sip.domain (${domain}); requests must be routed here by others`,
      );
    }
  }
  return [...factories];
}

function hostOf(uri: string): string {
  return (/@([^;:?>]+)/.exec(uri)?.[1] ?? '').toLowerCase();
}

function resolveMsrp(document: ConfigDocument, options: ResolveOptions, checker: Checker): Config['msrp'] {
  const { listen, advertise, tls, ...rest } = document.msrp;
  const texts = typeof listen === 'string' ? [listen] : listen;
  const addresses: MsrpAddress[] = texts.map((text, index) => {
    const key = typeof listen === 'string' ? 'msrp.listen' : `msrp.listen[${index}]`;
    const full = /^(tcp|tls|ws|wss):/i.test(text) ? text : `tcp:${text}`;
    const address = checker.listen(key, full, ['tcp', 'tls', 'ws', 'wss'], 'any', text);
    if (advertise === undefined) checker.notWildcard(key, text, address, 'or set msrp.advertise');
    return address;
  });
  checker.mediaTypes('msrp.acceptTypes', rest.acceptTypes);
  checker.mediaTypes('msrp.acceptWrappedTypes', rest.acceptWrappedTypes);
  const secure = addresses.some((address) => address.proto === 'tls' || address.proto === 'wss');
  const files: { certificateFile?: string; keyFile?: string; caFile?: string } = {};
  for (const name of ['certificateFile', 'keyFile', 'caFile'] as const) {
    const given = tls[name];
    if (given !== undefined) {
      files[name] = resolvePath(options.directory, given);
      checker.readable(`msrp.tls.${name}`, given, files[name]);
    } else if (secure && name !== 'caFile') {
      checker.error(
        `msrp.tls.${name}`,
        undefined,
        'is missing',
        'name the PEM file, since msrp.listen has a tls or wss address',
      );
    }
  }
  return {
    ...rest,
    listen: addresses,
    tls: { ...files, requireClientCertificate: tls.requireClientCertificate },
    ...(advertise === undefined ? {} : { advertise: checker.advertise('msrp.advertise', advertise) }),
  };
}

function resolveEventSocket(
  document: ConfigDocument,
  options: ResolveOptions,
  checker: Checker,
): Config['eventSocket'] {
  const { listen, passwordFile, allow, switches } = document.eventSocket;
  const bus = resolveBus(document, options.directory, checker);
  checker.cidrs('eventSocket.allow', allow);
  const file = passwordFile === undefined ? undefined : resolvePath(options.directory, passwordFile);
  const password =
    file === undefined || passwordFile === undefined
      ? options.randomSecret()
      : checker.secretFile(
          'eventSocket.passwordFile',
          passwordFile,
          file,
          /^[\x21-\x7e]{8,128}$/,
          '8 to 128 printable characters without blanks',
        );
  const isDirect = document.eventSocket.via === 'direct';
  if (isDirect && switches.length > 0 && passwordFile === undefined) {
    checker.error(
      'eventSocket.passwordFile',
      undefined,
      'is missing',
      'name the file with the password of the switches in eventSocket.switches',
    );
  }
  if (isDirect && passwordFile === undefined && !document.kamailio.manage) {
    checker.warn(
      'eventSocket.passwordFile is missing: `parley up` makes a password, but `parley focus` and `parley switch`, started one by one, need it',
    );
  }
  return {
    listen: checker.control('eventSocket.listen', listen, 'is not encrypted'),
    password,
    allow,
    switches: switches.map((text, index) =>
      checker.hostPort(`eventSocket.switches[${index}]`, text, 'fixed'),
    ),
    ...(file === undefined ? {} : { passwordFile: file }),
    ...(bus === undefined ? {} : { bus }),
  };
}

/** A file that we make: its directory has to be there. */
function resolveFile(path: string, given: string, options: ResolveOptions, checker: Checker): string {
  const file = resolvePath(options.directory, given);
  checker.directory(path, given, dirname(file));
  return file;
}

export function checkSession(document: ConfigDocument, checker: Checker): void {
  const { expiresS, minSeS } = document.session;
  if (minSeS < 90) checker.warn(`session.minSeS: ${minSeS} is below the 90 s of RFC 4028 section 4`);
  if (expiresS < minSeS) {
    checker.error(
      'session.expiresS',
      expiresS,
      `is below session.minSeS (${minSeS})`,
      `write ${minSeS} or more`,
    );
  }
}

export function checkHistory({ history }: Pick<ConfigDocument, 'history'>, checker: Checker): void {
  history.functions.forEach((uri, index) => {
    checker.sipUri(`history.functions[${index}]`, uri, 'user');
  });
}

export function checkInitiators({ adHoc }: Pick<ConfigDocument, 'adHoc'>, checker: Checker): void {
  if (typeof adHoc.mayInitiate === 'string') return;
  adHoc.mayInitiate.forEach((entry, index) => {
    checker.userOrDomain(`adHoc.mayInitiate[${index}]`, entry);
  });
}

/** What is set for a Kamailio that somebody else runs does nothing, and its writer should know. */
function checkIgnored({ sip, digest, kamailio }: ConfigDocument, checker: Checker): void {
  const ignored: readonly [key: string, isSet: boolean, define: string][] = [
    ['sip.trustedPeers', sip.trustedPeers.length > 0, 'IM_TRUSTED_PEERS'],
    ['digest.usersFile', digest.usersFile !== undefined, 'its own users'],
    ['kamailio.binary', kamailio.binary !== undefined, 'its own program'],
  ];
  for (const [key, isSet, instead] of ignored) {
    if (isSet)
      checker.warn(`${key} has no effect with kamailio.manage: false; your Kamailio goes by ${instead}`);
  }
}
