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
    /** The addresses that the client may put into CPIM From (canonical, the first is the one shown to others). */
    identities: Type.Array(Type.String({ maxLength: 512 }), { minItems: 1, maxItems: 8 }),
    displayName: Type.Optional(Type.String({ maxLength: 256 })),
    /** With a chat alias (7.2.3.2) CPIM From is rewritten to this name-addr for all others. */
    alias: Type.Optional(Type.String({ maxLength: 512 })),
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
} as const;
export type CommandName = keyof typeof COMMANDS;
export type Command<N extends CommandName> = Static<(typeof COMMANDS)[N]>;

/** A switch's answer to a command. */
export type CommandReply =
  | { readonly ok: true; readonly revision: number; readonly sessions?: readonly SessionSummary[] }
  | { readonly ok: false; readonly code: CommandRefusal; readonly reason: string };
export type CommandRefusal = 'stale' | 'invalid' | 'limit' | 'draining' | 'unknown-command';

export interface SessionSummary {
  readonly session: string;
  readonly revision: number;
  readonly legs: number;
  readonly bound: number;
}

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
  messagesIn: Type.Integer({ minimum: 0 }),
  messagesOut: Type.Integer({ minimum: 0 }),
});
export type SwitchHello = Static<typeof SwitchHello>;
