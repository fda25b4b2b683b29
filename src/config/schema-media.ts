/** Configuration of the MSRP switch, its event socket, the admin interface, the store and the log. */
import Type from 'typebox';

const closed = { additionalProperties: false } as const;
const bound = (value: number, least: number, most: number, description: string) =>
  Type.Integer({ default: value, minimum: least, maximum: most, description });

export const MsrpSection = Type.Object(
  {
    listen: Type.Union([Type.String(), Type.Array(Type.String(), { minItems: 1, maxItems: 16 })], {
      default: 'tcp:127.0.0.1:2855',
      description:
        'Where the switch takes MSRP: `host:port`, or a list of `tcp|tls|ws|wss:host:port`. Process *i* takes port + *i*; port 0 takes free ports. Only `tcp` is served today.',
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
      },
      { ...closed, default: {}, description: 'TLS of MSRP.' },
    ),
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
          'Bytes that may wait for one slow receiver; more: it is cut off alone.',
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
          'How long a receiver may take nothing while messages wait, in milliseconds.',
        ),
        idleS: bound(
          30,
          1,
          3600,
          'How long a connection may name no session, or stop in the middle of a message, in seconds.',
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
  },
  { ...closed, default: {}, description: 'The MSRP switch.' },
);

export const EventSocketSection = Type.Object(
  {
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
    switches: Type.Array(Type.String(), {
      maxItems: 256,
      default: [],
      description:
        'Event sockets (`host:port`) of switches that run elsewhere, besides the `switch.processes` at `eventSocket.listen`. The link is not encrypted: tunnel it between machines.',
    }),
  },
  { ...closed, default: {}, description: 'The event socket between focus and switch.' },
);

export const AdminSection = Type.Object(
  {
    listen: Type.String({
      default: '127.0.0.1:8085',
      description:
        'Where the focus serves health, metrics and the read-only API: `host:port`; port 0 takes a free one.',
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
