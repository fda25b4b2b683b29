/** The configuration as the program works with it: complete, parsed, files as absolute paths, secrets read. JSON-safe. */
import type { HostPort, MsrpAddress, SipAddress } from './address.ts';
import type { BusConfig } from './resolve-bus.ts';
import type { ConfigDocument } from './schema.ts';

export interface KamailioNode {
  readonly id: string;
  /** `http://host:port`, without a path. */
  readonly rpc: string;
  /** Kamailio socket names (`udp:host:port`); at least one. */
  readonly sendSockets: { readonly udp?: string; readonly tcp?: string; readonly tls?: string };
}

type Doc = Readonly<ConfigDocument>;

export interface FreeSwitchNodeConfig extends HostPort {
  readonly id: string;
  readonly password: string;
  readonly user?: string;
  readonly profile: string;
  readonly sip?: string;
}

export interface Config {
  readonly sip: {
    readonly listen: readonly SipAddress[];
    /** Port absent: the listening one. */
    readonly advertise?: { readonly host: string; readonly port?: number };
    /** Lower case. */
    readonly domain: string;
    readonly trustedPeers: readonly string[];
    /** A SIP URI. */
    readonly nextHop?: string;
    readonly t1Ms: number;
  };
  readonly digest: { readonly realm: string; readonly usersFile?: string };
  readonly kamailio: {
    readonly manage: boolean;
    readonly binary?: string;
    readonly memoryMb: number;
    /** At least one. In managed mode `kam1`, following `sip.listen` and `kamailio.rpc.listen`. */
    readonly nodes: readonly KamailioNode[];
    readonly jsonRpc: { readonly listen: HostPort; readonly allow: readonly string[] };
    readonly rpc: { readonly listen: HostPort; readonly timeoutMs: number; readonly maxConnections: number };
    readonly secretFile?: string;
    /** From the file, else random. */
    readonly secret: string;
  };
  /** SIP URIs. */
  readonly conferenceFactories: readonly string[];
  readonly conference: Doc['conference'];
  readonly adHoc: Doc['adHoc'];
  readonly groupSessions: Doc['groupSessions'];
  readonly session: Doc['session'];
  /** Absolute files or glob patterns; `groupFiles` (load.ts) lists the files. */
  readonly groups: readonly string[];
  /** Absolute folder. */
  readonly groupLists?: string;
  /** Folder absolute; servers as origins. */
  readonly managedGroups: Doc['managedGroups'];
  readonly serverHeader: Doc['serverHeader'];
  readonly errors: Doc['errors'];
  readonly displayName: Doc['displayName'];
  readonly notify: Doc['notify'];
  readonly release: Doc['release'];
  readonly limits: Doc['limits'];
  readonly msrp: {
    /** Of process 0; `switchAddresses` (address.ts) gives those of process i. */
    readonly listen: readonly MsrpAddress[];
    /** Of process 0. Port absent: the listening one. */
    readonly advertise?: { readonly host: string; readonly port?: number };
    readonly tls: {
      readonly certificateFile?: string;
      readonly keyFile?: string;
      readonly caFile?: string;
      readonly requireClientCertificate: boolean;
    };
    readonly webSocket: Doc['msrp']['webSocket'];
    readonly cema: boolean;
    readonly chatroom: boolean;
    readonly acceptTypes: readonly string[];
    readonly acceptWrappedTypes: readonly string[];
    readonly maxSizeBytes?: number;
    readonly limits: Doc['msrp']['limits'];
  };
  readonly switch: Doc['switch'];
  readonly eventSocket: {
    /** Of process 0. */
    readonly listen: HostPort;
    readonly passwordFile?: string;
    /** From the file, else random. */
    readonly password: string;
    readonly allow: readonly string[];
    readonly switches: readonly HostPort[];
    /** Absent with `via: direct`. */
    readonly bus?: BusConfig;
  };
  readonly freeswitch: Omit<Doc['freeswitch'], 'nodes' | 'rooms'> & {
    readonly nodes: readonly FreeSwitchNodeConfig[];
    readonly rooms: readonly (Omit<Doc['freeswitch']['rooms'][number], 'node'> & { readonly node: string })[];
  };
  readonly failover: Doc['failover'];
  readonly admin: Omit<Doc['admin'], 'listen'> & { readonly listen: HostPort };
  /** File absolute. */
  readonly sessionRecords: Doc['sessionRecords'];
  readonly webhooks: Doc['webhooks'];
  /** Absolute path. */
  readonly store: { readonly sqlite: string };
  readonly log: Doc['log'];
  readonly telemetry: Doc['telemetry'];
  readonly history: Doc['history'];
  readonly profile: Doc['profile'];
  /** Only what is set by itself; the rest follows the profile. */
  readonly readings: Doc['readings'];
}
