/**
 * What the focus and a switch say to each other over the event socket: commands, replies and events.
 * The focus decides about people; the switch forwards from the snapshot that these messages give it.
 *
 * A session is known by its name (the user part of its IM Session Identity). Every command carries the session's
 * revision; a command with a revision below the one held is ignored and answered `stale`.
 */
import Type, { type Static } from 'typebox';

/** Names that travel in event-socket headers or MSRP URIs. */
const Name = Type.String({ pattern: '^[A-Za-z0-9._~-]{1,128}$' });

export const LegSnapshot = Type.Object(
  {
    /** The focus's own name of the leg, unique in the session. */
    leg: Name,
    /** The session-id part of the MSRP URI that the focus gave out for this leg; at least 80 random bits. */
    sessionId: Name,
    /** True: `msrps` on TLS; the binding over plain TCP is refused. */
    tls: Type.Boolean(),
    /** `a=fingerprint` of the client's SDP: the certificate that it shows must have it (RFC 8122). */
    fingerprint: Type.Optional(Type.String({ maxLength: 256 })),
    /** Where to connect when we are active, best first, instead of the path's first URI (RFC 6714). */
    dial: Type.Optional(
      Type.Array(
        Type.Object({
          host: Type.String({ minLength: 1, maxLength: 255 }),
          port: Type.Integer({ minimum: 0, maximum: 65_535 }),
        }),
        { minItems: 1, maxItems: 2 },
      ),
    ),
    /** The client's MSRP URIs (a=path of its SDP), leftmost hop first; absent while its SDP is not known yet. */
    path: Type.Optional(Type.Array(Type.String({ maxLength: 1024 }), { minItems: 1, maxItems: 4 })),
    /** Who opens the TCP connection (RFC 6135), seen from the switch; `either` until an answer has settled it. */
    role: Type.Union([Type.Literal('passive'), Type.Literal('active'), Type.Literal('either')]),
    /** Media types that the client accepts (a=accept-types), lower case; `*` for any. */
    acceptTypes: Type.Array(Type.String({ maxLength: 256 }), { maxItems: 64 }),
    acceptWrappedTypes: Type.Array(Type.String({ maxLength: 256 }), { maxItems: 64 }),
    /** The client's a=max-size in bytes, if it gave one. */
    maxSizeBytes: Type.Optional(Type.Integer({ minimum: 0 })),
    /** Seen from the client: `sendonly` means that it receives nothing. */
    direction: Type.Union([
      Type.Literal('sendrecv'),
      Type.Literal('sendonly'),
      Type.Literal('recvonly'),
      Type.Literal('inactive'),
    ]),
    /** It is in the session and on its way here from another switch: what is said waits for it, though its path is not known. */
    isMoving: Type.Optional(Type.Literal(true)),
    /** By an operator's order the client is heard by nobody: what it sends gets 403. */
    muted: Type.Optional(Type.Literal(true)),
    /** The addresses that the client may put into CPIM From (canonical, the first is the one shown to others). */
    identities: Type.Array(Type.String({ maxLength: 512 }), { minItems: 1, maxItems: 8 }),
    displayName: Type.Optional(Type.String({ maxLength: 256 })),
    /** With a chat alias (7.2.3.2) CPIM From is rewritten to this name-addr for all others. */
    alias: Type.Optional(Type.String({ maxLength: 512 })),
    /** False: what the client writes to single participants is refused. Absent: it may. */
    mayWritePrivately: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);
export type LegSnapshot = Static<typeof LegSnapshot>;

export const SessionSnapshot = Type.Object(
  {
    session: Name,
    revision: Type.Integer({ minimum: 0 }),
    /** Addresses that mean "everybody" in CPIM To: session identity, group identity, factory URI. */
    addresses: Type.Array(Type.String({ maxLength: 512 }), { maxItems: 8 }),
    legs: Type.Array(LegSnapshot, { maxItems: 4096 }),
  },
  { additionalProperties: false },
);
export type SessionSnapshot = Static<typeof SessionSnapshot>;

/** Commands, by `im-op`. Bodies in pages of at most 64 KiB are put together below this layer. */
export const COMMANDS = {
  /** Creates the session, or replaces all that is known of it. */
  'session.put': SessionSnapshot,
  /** Ends the session: closes every leg. Unknown sessions are answered `ok`. */
  'session.drop': Type.Object({ session: Name, revision: Type.Integer({ minimum: 0 }) }),
  /** Adds or replaces legs. `base` is the revision they were made from; when the switch holds another: `stale`. */
  'leg.put': Type.Object({
    session: Name,
    base: Type.Integer({ minimum: 0 }),
    revision: Type.Integer({ minimum: 0 }),
    legs: Type.Array(LegSnapshot, { minItems: 1, maxItems: 512 }),
  }),
  'leg.drop': Type.Object({
    session: Name,
    base: Type.Integer({ minimum: 0 }),
    revision: Type.Integer({ minimum: 0 }),
    legs: Type.Array(Name, { minItems: 1, maxItems: 512 }),
  }),
  /** What the switch holds: for reconciling after a silence. */
  'session.list': Type.Object({}),
  /** An operator's words to all who are in the room, in the room's own name. Who comes later does not get them. */
  'session.announce': Type.Object(
    { session: Name, text: Type.String({ minLength: 1, maxLength: 8_192 }) },
    { additionalProperties: false },
  ),
  /** What has passed through a session so far, and what its legs call themselves. */
  'session.traffic': Type.Object({ session: Name }, { additionalProperties: false }),
  /** A draining switch serves the sessions that it has and takes no new one; a restarted one is not draining. */
  'switch.drain': Type.Object(
    {
      draining: Type.Boolean(),
      /** The focus is to move the sessions that it has; absent: they go on there. */
      empty: Type.Optional(Type.Boolean()),
    },
    { additionalProperties: false },
  ),
} as const;
export type CommandName = keyof typeof COMMANDS;
export type Command<N extends CommandName> = Static<(typeof COMMANDS)[N]>;

/** A switch's answer to a command. */
export type CommandReply =
  | {
      readonly ok: true;
      readonly revision: number;
      readonly sessions?: readonly SessionSummary[];
      readonly reach?: Reach;
      readonly traffic?: SessionTraffic;
    }
  | { readonly ok: false; readonly code: CommandRefusal; readonly reason: string };
export type CommandRefusal = 'stale' | 'invalid' | 'limit' | 'draining' | 'unknown-command';

export interface SessionSummary {
  readonly session: string;
  readonly revision: number;
  readonly legs: number;
  readonly bound: number;
}

/** Whom an announcement got to, in legs. */
export const Reach = Type.Object({
  sent: Type.Integer({ minimum: 0 }),
  /** Not connected at the moment: they get it when they are, unless that takes too long. */
  waiting: Type.Integer({ minimum: 0 }),
  /** They take no text, not so much of it, or receive nothing at all. */
  unable: Type.Integer({ minimum: 0 }),
});
export type Reach = Static<typeof Reach>;

const counts = {
  messagesIn: Type.Integer({ minimum: 0 }),
  messagesOut: Type.Integer({ minimum: 0 }),
  bytesIn: Type.Integer({ minimum: 0 }),
  bytesOut: Type.Integer({ minimum: 0 }),
};

/** Since the session came to this switch; its legs that are gone count in the sums alone. */
export const SessionTraffic = Type.Object({
  ...counts,
  legs: Type.Array(
    Type.Object({
      leg: Type.String(),
      isBound: Type.Boolean(),
      /** What the client has named itself by NICKNAME (RFC 7701 section 7), if it has. */
      nickname: Type.Optional(Type.String({ maxLength: 1024 })),
      ...counts,
    }),
  ),
});
export type SessionTraffic = Static<typeof SessionTraffic>;

/** Events of a switch, by `im-op`. */
export const EVENTS = {
  /** The client has a working connection for this leg. */
  'leg.bound': Type.Object({ session: Name, leg: Name, remote: Type.String({ maxLength: 128 }) }),
  /** The leg's connection is gone; the leg stays until the focus drops it. */
  'leg.unbound': Type.Object({
    session: Name,
    leg: Name,
    reason: Type.Union([
      Type.Literal('closed'),
      Type.Literal('stalled'),
      Type.Literal('slow'),
      Type.Literal('protocol'),
      Type.Literal('unreachable'),
      Type.Literal('peer-refused'),
    ]),
    messagesIn: Type.Integer({ minimum: 0 }),
    messagesOut: Type.Integer({ minimum: 0 }),
  }),
} as const;
export type SwitchEventName = keyof typeof EVENTS;
export type SwitchEvent = {
  [N in SwitchEventName]: { readonly op: N } & Static<(typeof EVENTS)[N]>;
}[SwitchEventName];

/** What `im::hello` says of a switch, every 2 s. */
export const SwitchHello = Type.Object({
  /** The switch's name on the event socket. */
  id: Name,
  /** Changes with every start of the process. */
  epoch: Name,
  /** Where clients connect: what the focus writes into a=path. */
  msrp: Type.Array(
    Type.Object({
      transport: Type.Union([
        Type.Literal('tcp'),
        Type.Literal('tls'),
        Type.Literal('ws'),
        Type.Literal('wss'),
      ]),
      host: Type.String({ maxLength: 255 }),
      port: Type.Integer({ minimum: 1, maximum: 65535 }),
    }),
    { minItems: 1, maxItems: 16 },
  ),
  sessions: Type.Integer({ minimum: 0 }),
  legs: Type.Integer({ minimum: 0 }),
  /** Share of one core used in the last interval, 0…1. */
  load: Type.Number({ minimum: 0 }),
  draining: Type.Boolean(),
  /** Draining, and the sessions that it has are to go elsewhere. */
  isEmptying: Type.Optional(Type.Boolean()),
  messagesIn: Type.Integer({ minimum: 0 }),
  messagesOut: Type.Integer({ minimum: 0 }),
  /** For its metrics; absent from switches of earlier releases. */
  counters: Type.Optional(
    Type.Object({
      bytesIn: Type.Integer({ minimum: 0 }),
      bytesOut: Type.Integer({ minimum: 0 }),
      connections: Type.Integer({ minimum: 0 }),
      /** What waits for recipients, in all. */
      queuedBytes: Type.Integer({ minimum: 0 }),
      /** Recipients cut because they did not keep up, or because the connection had died. */
      slow: Type.Integer({ minimum: 0 }),
      stalled: Type.Integer({ minimum: 0 }),
      /** Messages kept for who had not connected yet, and given up. */
      backlogDropped: Type.Integer({ minimum: 0 }),
      refused: Type.Integer({ minimum: 0 }),
      deliveryFailures: Type.Integer({ minimum: 0 }),
      /** What follows came later than the above. Times that a sender was not read for the sake of its recipients. */
      senderPauses: Type.Optional(Type.Integer({ minimum: 0 })),
      protocolFaults: Type.Optional(Type.Integer({ minimum: 0 })),
      /** Connections closed because they said nothing. */
      reaped: Type.Optional(Type.Integer({ minimum: 0 })),
      /** Limits that were met. */
      connectionsRefused: Type.Optional(Type.Integer({ minimum: 0 })),
      limitedByRate: Type.Optional(Type.Integer({ minimum: 0 })),
      limitedBySize: Type.Optional(Type.Integer({ minimum: 0 })),
      limitedByTransfers: Type.Optional(Type.Integer({ minimum: 0 })),
      limitedBySessions: Type.Optional(Type.Integer({ minimum: 0 })),
      limitedByHead: Type.Optional(Type.Integer({ minimum: 0 })),
      handshakesStalled: Type.Optional(Type.Integer({ minimum: 0 })),
      handshakesRefused: Type.Optional(Type.Integer({ minimum: 0 })),
      /** Refused on its event socket: addresses, logins, frames, events, requests of a focus. */
      eventSocketAddresses: Type.Optional(Type.Integer({ minimum: 0 })),
      eventSocketLogins: Type.Optional(Type.Integer({ minimum: 0 })),
      eventSocketFrames: Type.Optional(Type.Integer({ minimum: 0 })),
      eventSocketEvents: Type.Optional(Type.Integer({ minimum: 0 })),
      eventSocketRequests: Type.Optional(Type.Integer({ minimum: 0 })),
    }),
  ),
  /** `a=fingerprint` of its certificate, while it has one. */
  fingerprint: Type.Optional(Type.String({ maxLength: 256 })),
  /** Session-id that no client has: a SEND to it gets 200 from this process, and proves that its MSRP port lives. */
  probe: Type.Optional(Name),
});
export type SwitchHello = Static<typeof SwitchHello>;
