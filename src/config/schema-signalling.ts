/** Configuration of the SIP side: addresses, trust, digest, Kamailio and its control channels. */
import Type from 'typebox';

const closed = { additionalProperties: false } as const;

export const SipSection = Type.Object(
  {
    listen: Type.Array(Type.String(), {
      minItems: 1,
      maxItems: 16,
      default: ['udp:127.0.0.1:5060', 'tcp:127.0.0.1:5060'],
      description:
        'Where the managed Kamailio takes SIP: `proto:host:port`, proto `udp` or `tcp`. Port 0 takes a free port; entries of one host with port 0 share it.',
    }),
    advertise: Type.Optional(
      Type.String({
        description:
          'The address that Via, Record-Route and Contact show instead of the listening one (behind NAT): `host` or `host:port`.',
      }),
    ),
    domain: Type.String({
      default: 'parley.localhost',
      description: 'The SIP domain served here: its users register and its conference URIs are ours.',
    }),
    trustedPeers: Type.Array(Type.String(), {
      maxItems: 256,
      default: [],
      description:
        'CIDRs of the peers (IMS core, application servers) whose P-Asserted-Identity counts. They are not challenged: a REGISTER of theirs gets 200 with or without the header, since they vouch for their users; a request for a conference without it has no identity and gets 403. From elsewhere the header is worthless and digest is asked.',
    }),
    nextHop: Type.Optional(
      Type.String({
        description:
          "Outbound proxy for the requests that the focus sends, a SIP URI such as `sip:192.0.2.10:5060;transport=tcp`. Default: this Kamailio's own registrar, so that registered users are reached.",
      }),
    ),
    t1Ms: Type.Integer({
      default: 500,
      minimum: 10,
      maximum: 8000,
      description:
        'T1 of RFC 3261, an estimate of the round trip in milliseconds. Time-outs are multiples of it: who does not acknowledge a 200, or does not answer a BYE, is given up after 64 · T1 (32 s). A managed Kamailio repeats its messages by it; one that others run keeps its own timers.',
    }),
  },
  { ...closed, default: {}, description: 'SIP addresses, domain and trust.' },
);

export const DigestSection = Type.Object(
  {
    realm: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 128,
        description: 'The realm of the digest challenge. Default: `sip.domain`.',
      }),
    ),
    usersFile: Type.Optional(
      Type.String({
        description:
          'File of users in htdigest form, one `user:realm:md5(user:realm:password)` a line. Without it nobody outside `sip.trustedPeers` can prove an identity.',
      }),
    ),
  },
  { ...closed, default: {}, description: 'SIP digest authentication of users outside the trusted peers.' },
);

const NodeSection = Type.Object(
  {
    id: Type.String({
      pattern: '^[A-Za-z0-9._~-]{1,64}$',
      description: 'Name of the node; the same as `IM_NODE_ID` in its kamailio.cfg.',
    }),
    rpc: Type.String({ description: 'Its JSON-RPC over HTTP, for example `http://10.0.0.5:8091`.' }),
    sendSockets: Type.Object(
      {
        udp: Type.Optional(Type.String({ description: 'Its socket for UDP, `udp:host:port`.' })),
        tcp: Type.Optional(Type.String({ description: 'Its socket for TCP, `tcp:host:port`.' })),
        tls: Type.Optional(Type.String({ description: 'Its socket for TLS, `tls:host:port`.' })),
      },
      {
        ...closed,
        description: 'The sockets from which the node sends requests of the focus; at least one.',
      },
    ),
  },
  closed,
);

export const KamailioSection = Type.Object(
  {
    manage: Type.Boolean({
      default: true,
      description:
        'True: `parley up` starts its own Kamailio with `kamailio/kamailio.cfg`. False: attach to Kamailios that somebody else runs (`kamailio.nodes`, `kamailio.secretFile`). What belongs to a Kamailio is then set there, and these keys have no effect: `sip.listen`, `sip.trustedPeers` (but for `parley explain`), `digest.*`, `kamailio.binary`, `kamailio.memoryMb`, `kamailio.rpc.listen`.',
    }),
    binary: Type.Optional(
      Type.String({ description: 'The Kamailio program. Default: `kamailio` on the PATH, then /usr/sbin.' }),
    ),
    memoryMb: Type.Integer({
      default: 128,
      minimum: 32,
      maximum: 65536,
      description:
        'Shared memory of the managed Kamailio (`-m`), in MiB. A transaction costs about 13.6 kB for up to 32 s.',
    }),
    nodes: Type.Array(NodeSection, {
      maxItems: 64,
      default: [],
      description:
        'The Kamailios that others run, only with `kamailio.manage: false`. A managed Kamailio is the one node `kam1`.',
    }),
    jsonRpc: Type.Object(
      {
        listen: Type.String({
          default: '127.0.0.1:8090',
          description:
            'Where the focus takes the calls of Kamailio (janssonrpcc): `host:port`; port 0 takes a free one.',
        }),
        allow: Type.Array(Type.String(), {
          maxItems: 256,
          default: ['127.0.0.0/8', '::1/128'],
          description:
            'CIDRs of the Kamailios that may connect. The link is not encrypted: tunnel it between machines.',
        }),
      },
      { ...closed, default: {}, description: 'Kamailio → focus.' },
    ),
    rpc: Type.Object(
      {
        listen: Type.String({
          default: '127.0.0.1:8091',
          description:
            'Where the managed Kamailio takes the calls of the focus (JSON-RPC over HTTP): `host:port`; port 0 takes a free one.',
        }),
        timeoutMs: Type.Integer({
          default: 2000,
          minimum: 50,
          maximum: 60000,
          description: 'How long the focus waits for the answer of a call to Kamailio.',
        }),
        maxConnections: Type.Integer({
          default: 16,
          minimum: 1,
          maximum: 16,
          description: 'HTTP connections held open to each Kamailio; it has few workers for them.',
        }),
      },
      { ...closed, default: {}, description: 'Focus → Kamailio.' },
    ),
    secretFile: Type.Optional(
      Type.String({
        description:
          'File with the secret that calls carry in both directions (16 to 128 characters of `A-Z a-z 0-9 . _ ~ -`). Default with a managed Kamailio: random at each start. Required with `kamailio.manage: false`.',
      }),
    ),
  },
  { ...closed, default: {}, description: 'Kamailio, our SIP stack, and the two control channels to it.' },
);
