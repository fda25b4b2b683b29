/** Configuration of the MSRP switch, its event socket, the admin interface, the store and the log. */
import Type from 'typebox';
import { BusSection } from './schema-bus.ts';

const closed = { additionalProperties: false } as const;
const bound = (value: number, least: number, most: number, description: string) =>
  Type.Integer({ default: value, minimum: least, maximum: most, description });

export const MsrpSection = Type.Object(
  {
    listen: Type.Union([Type.String(), Type.Array(Type.String(), { minItems: 1, maxItems: 16 })], {
      default: 'tcp:127.0.0.1:2855',
      description:
        'Where the switch takes MSRP: `host:port`, or a list of `tcp|tls|ws|wss:host:port`. Process *i* takes port + *i*; port 0 takes free ports. Clients may offer any of them; our own invitations offer the first.',
    }),
    advertise: Type.Optional(
      Type.String({
        description:
          'The host that a=path shows instead of the listening one: `host` or `host:port` (process *i*: port + *i*).',
      }),
    ),
    tls: Type.Object(
      {
        certificateFile: Type.Optional(
          Type.String({ description: 'Certificate chain, PEM; needed for `tls:` and `wss:`.' }),
        ),
        keyFile: Type.Optional(Type.String({ description: 'Its private key, PEM.' })),
        caFile: Type.Optional(
          Type.String({
            description:
              'Authorities, PEM, that speak for clients whose SDP has no fingerprint. Default: the usual public ones.',
          }),
        ),
        requireClientCertificate: Type.Boolean({
          default: false,
          description:
            'Refuse TLS clients that show no certificate (`tls:` only: browsers have none). One that is shown always has to fit the fingerprint of its SDP.',
        }),
      },
      {
        ...closed,
        default: {},
        description:
          'TLS of MSRP. The files are read again when they change, or on `im reload-tls` at the event socket; connections that stand go on.',
      },
    ),
    webSocket: Type.Object(
      {
        origins: Type.Array(Type.String({ pattern: '^https?://[^/\\s]+$' }), {
          maxItems: 64,
          default: [],
          description:
            'Origins (`https://chat.example.net`) whose pages may connect to `ws:` and `wss:`; empty: all, and clients that are no browsers.',
        }),
      },
      { ...closed, default: {}, description: 'MSRP over WebSocket (RFC 7977).' },
    ),
    cema: Type.Boolean({
      default: true,
      description:
        'Say a=msrp-cema (RFC 6714): middleboxes may anchor the connection without changing the path.',
    }),
    chatroom: Type.Boolean({
      default: true,
      description:
        'Say a=chatroom and take nicknames and private messages (RFC 7701). When false the first get 403, the second 428.',
    }),
    acceptTypes: Type.Array(Type.String(), {
      minItems: 1,
      maxItems: 64,
      default: ['message/cpim', 'text/plain', 'application/im-iscomposing+xml', 'message/imdn+xml'],
      description: 'Media types that sessions carry (a=accept-types), best first; `*` for any.',
    }),
    acceptWrappedTypes: Type.Array(Type.String(), {
      minItems: 1,
      maxItems: 64,
      default: ['*'],
      description: 'Media types that may be inside message/cpim (a=accept-wrapped-types); `*` for any.',
    }),
    maxSizeBytes: Type.Optional(
      Type.Integer({
        minimum: 1024,
        maximum: 1_073_741_824,
        description: 'Largest message (a=max-size), in bytes. Default: no limit stated.',
      }),
    ),
    limits: Type.Object(
      {
        queueBytes: bound(
          1_048_576,
          16_384,
          1_073_741_824,
          'Bytes that may wait for one slow receiver; more: it is cut off alone, while at least half of the others keep up. When most do not, the sender is read more slowly.',
        ),
        queueAgeMs: bound(
          20_000,
          100,
          600_000,
          'How long a message may wait for one slow receiver, in milliseconds; longer: it is cut off alone.',
        ),
        queueMessages: bound(
          1000,
          1,
          1_000_000,
          'Messages that may wait for one slow receiver; more: it is cut off alone.',
        ),
        stallMs: bound(
          30_000,
          100,
          600_000,
          'How long a receiver may take nothing while messages wait, in milliseconds; longer: it is cut off, whoever else is slow.',
        ),
        idleS: bound(
          30,
          1,
          3600,
          'How long a connection may name no session, or stop in the middle of a message, in seconds.',
        ),
        handshakeMs: bound(
          10_000,
          100,
          600_000,
          'How long the handshakes of TLS and WebSocket may take together, in milliseconds.',
        ),
        messagesPerS: bound(
          1000,
          0,
          1_000_000,
          'Messages that one participant may begin in a second (further chunks below 512 bytes count too), more get 413; 0: no limit.',
        ),
        sessionsPerConnection: bound(256, 1, 100_000, 'Sessions on one connection; more get 403.'),
        connectionsPerAddress: bound(8192, 1, 1_000_000, 'Connections of one IP address; more are closed.'),
        unboundPerAddress: bound(
          1024,
          1,
          1_000_000,
          'Connections of one IP address that have named no session yet; more are closed.',
        ),
        webMessageBytes: bound(
          1_048_576,
          4096,
          67_108_864,
          'Longest message over WebSocket, which is one chunk of MSRP.',
        ),
        maxConnections: bound(10_000, 1, 1_000_000, 'Connections of one switch process.'),
        maxHeaderBytes: bound(16_384, 1024, 1_048_576, 'Largest MSRP start line and header block.'),
      },
      { ...closed, default: {}, description: 'Bounds of one switch process.' },
    ),
  },
  { ...closed, default: {}, description: 'MSRP (RFC 4975, RFC 7701).' },
);

export const SwitchSection = Type.Object(
  {
    processes: bound(1, 1, 64, 'Number of switch processes.'),
    name: Type.String({
      default: 'switch',
      pattern: '^[A-Za-z0-9._~-]{1,64}$',
      description:
        'Process *i* calls itself NAME-*i* on the event socket. Switches of one focus that run on several machines need a name for each.',
    }),
  },
  { ...closed, default: {}, description: 'The MSRP switch.' },
);

export const EventSocketSection = Type.Object(
  {
    via: Type.Union([Type.Literal('direct'), Type.Literal('freeswitch')], {
      default: 'direct',
      description:
        '`direct`: the focus connects to every switch. `freeswitch`: focus and switches meet on the event socket of a FreeSWITCH (`eventSocket.bus`), and a switch’s own serves operators only. Direct is faster (under 1 ms against 20 to 40 ms for a request) and depends on nobody.',
    }),
    listen: Type.String({
      default: '127.0.0.1:8022',
      description:
        'Where a switch serves its event socket: `host:port`; process *i* takes port + *i*; port 0 takes free ports.',
    }),
    passwordFile: Type.Optional(
      Type.String({
        description:
          'File with the password of the event sockets (8 to 128 printable characters without blanks). Default: random at each start, which only works when `parley up` starts both sides.',
      }),
    ),
    allow: Type.Array(Type.String(), {
      maxItems: 256,
      default: ['127.0.0.0/8', '::1/128'],
      description:
        'CIDRs of those who may connect to a switch: the focus, `fs_cli`. All others are cut off before a byte is written to them.',
    }),
    switches: Type.Array(Type.String(), {
      maxItems: 256,
      default: [],
      description:
        'Event sockets (`host:port`) of switches that run elsewhere, besides the `switch.processes` at `eventSocket.listen`. A switch belongs to one focus: what it holds and this focus does not know is dropped from it. The link is not encrypted: tunnel it between machines.',
    }),
    bus: BusSection,
  },
  { ...closed, default: {}, description: 'The event socket between focus and switch.' },
);

export const AdminSection = Type.Object(
  {
    listen: Type.String({
      default: '127.0.0.1:8085',
      description:
        'Where the focus serves health, metrics, the API and the live page: `host:port`; port 0 takes a free one.',
    }),
    withoutToken: Type.Union(
      [Type.Literal('nothing'), Type.Literal('viewer'), Type.Literal('operator'), Type.Literal('admin')],
      {
        default: 'nothing',
        description:
          'What somebody on this machine may do without a token: `nothing`, or what a `viewer`, `operator` or `admin` may. Requests that came through a proxy never count as from this machine.',
      },
    ),
    openProbes: Type.Boolean({
      default: true,
      description:
        'False: `/metrics`, `/openapi.json` and `/docs` need a token too; `/livez` and `/readyz` never do.',
    }),
    openPage: Type.Boolean({
      default: true,
      description:
        'False: the page at `/` and its files need a token already, which a proxy in front of it has to add. They hold no data; what they show needs one in any case.',
    }),
    maxEventStreams: Type.Integer({
      minimum: 0,
      maximum: 1_000,
      default: 64,
      description:
        'How many may listen to `/api/v1/events` at one time; one more gets 429. One that reads too slowly keeps at most about 1 MB waiting, then its stream is ended.',
    }),
    requestsPerS: Type.Integer({
      minimum: 0,
      maximum: 1_000_000,
      default: 200,
      description:
        'Requests that one address may make in a second, and twice as many at once; more get 429 with Retry-After. A wrong token costs 20. Probes do not count; 0: no limit.',
    }),
    maxPolicyVersions: Type.Integer({
      minimum: 1,
      maximum: 100_000,
      default: 200,
      description: 'Versions kept of the policy; the oldest go first, never the one in force.',
    }),
    recentRequests: Type.Integer({
      minimum: 0,
      maximum: 500,
      default: 200,
      description:
        'How many of the latest requests are kept in memory, INVITE and SUBSCRIBE from outside dialogs and every REFER (8 MiB of them at most, credentials left out), so that a new policy can be tried on them; 0: none.',
    }),
    sqlite: Type.String({
      default: 'parley-admin.db',
      minLength: 1,
      description:
        'The SQLite file of what the admin keeps: tokens (hashed), the audit log, groups and policies that are edited over REST with their versions, webhooks.',
    }),
  },
  { ...closed, default: {}, description: 'The admin interface.' },
);

export const StoreSection = Type.Object(
  {
    sqlite: Type.String({
      default: 'parley.db',
      minLength: 1,
      description:
        'The SQLite file of the focus. The run directory (`<file>.run/`: process record, resolved configuration) is beside it.',
    }),
  },
  { ...closed, default: {}, description: 'State.' },
);

export const LogSection = Type.Object(
  {
    level: Type.Union(
      [
        Type.Literal('trace'),
        Type.Literal('debug'),
        Type.Literal('info'),
        Type.Literal('warn'),
        Type.Literal('error'),
        Type.Literal('silent'),
      ],
      {
        default: 'info',
        description:
          'Least level that is logged (to stderr): `trace`, `debug`, `info`, `warn`, `error` or `silent`.',
      },
    ),
  },
  { ...closed, default: {}, description: 'The log.' },
);
