/** Configuration of the FreeSWITCHes whose users take part in conversations. Off unless `freeswitch.nodes` names one. */
import Type from 'typebox';

const closed = { additionalProperties: false } as const;
const bound = (value: number, least: number, most: number, description: string) =>
  Type.Integer({ default: value, minimum: least, maximum: most, description });

const NodeSection = Type.Object(
  {
    id: Type.String({
      pattern: '^[a-z0-9-]{1,32}$',
      description: 'Name of this FreeSWITCH; calls that take part are known by it, so it must not change.',
    }),
    eventSocket: Type.String({
      description:
        'Its event socket, `host:port`. The focus and every switch connect to it; the link is not encrypted: tunnel it between machines.',
    }),
    passwordFile: Type.String({
      description:
        'File with its password (8 to 128 printable characters). It signs what the switches trust as well.',
    }),
    user: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9._-]{1,64}@[A-Za-z0-9.-]{1,255}$',
        description: '`user@domain` for `userauth`, with narrow rights (freeswitch/directory/im.xml).',
      }),
    ),
    profile: Type.String({
      default: 'im',
      pattern: '^[A-Za-z0-9._-]{1,64}$',
      description: 'Its sofia profile that speaks with Kamailio (freeswitch/sip_profiles/im.xml).',
    }),
    sip: Type.Optional(
      Type.String({
        description:
          'Address of that profile as a SIP URI: a managed Kamailio sends MESSAGEs to groups to the first node that has one.',
      }),
    ),
  },
  closed,
);

const RoomSection = Type.Object(
  {
    name: Type.String({
      minLength: 1,
      maxLength: 128,
      description: 'Name of the conference of mod_conference, without its profile.',
    }),
    node: Type.Optional(Type.String({ description: 'The FreeSWITCH that has it. Default: the first.' })),
    group: Type.String({ description: 'URI of the group whose session goes with it.' }),
    identity: Type.String({
      description:
        'URI of the room as a participant. The group must let it initiate, join, add users and expel, and may call it a key participant: then the session ends with the room.',
    }),
    whenCallerLeaves: Type.Union([Type.Literal('remove'), Type.Literal('stay')], {
      default: 'remove',
      description: '`remove`: who leaves the voice is removed from the conversation. `stay`: goes on in it.',
    }),
  },
  closed,
);

export const FreeSwitchSection = Type.Object(
  {
    nodes: Type.Array(NodeSection, {
      maxItems: 16,
      default: [],
      description: 'The FreeSWITCHes whose users may take part. Empty: none, and nothing connects to any.',
    }),
    identityDomains: Type.Array(Type.String({ minLength: 1 }), {
      maxItems: 64,
      default: [],
      description:
        'Domains whose users a FreeSWITCH may vouch for; an event with any other identity is refused. Default: `sip.domain`.',
    }),
    rooms: Type.Array(RoomSection, {
      maxItems: 1024,
      default: [],
      description: 'Voice conferences that a conversation goes with.',
    }),
    identityVariable: Type.String({
      default: 'im_identity',
      pattern: '^[A-Za-z0-9_.-]{1,64}$',
      description: 'Channel variable with the URI of a caller in a voice conference.',
    }),
    maxParticipants: bound(
      1000,
      1,
      100_000,
      'Users of FreeSWITCH in conversations at one time, in all; more are refused with 503.',
    ),
    maxMessageBytes: bound(
      16_094,
      256,
      16_094,
      'Longest message that such a user is sent, in bytes; a longer one goes to the others alone. FreeSWITCH carries 16,352 with the name of the author.',
    ),
    messageIdleS: bound(
      3600,
      10,
      604_800,
      'A user of SIP MESSAGE who writes nothing for so long leaves: nothing else would tell.',
    ),
    goneAfterS: bound(
      30,
      1,
      3600,
      'How long a FreeSWITCH may be away, in seconds, before its calls leave their conversations.',
    ),
    checkS: bound(60, 1, 3600, 'How often the calls are looked for, in case a hang-up was not told.'),
    heldMessages: bound(
      64,
      0,
      10_000,
      'Messages that a switch keeps for users who are just being let in; the oldest gives way.',
    ),
    heldMs: bound(10_000, 100, 60_000, 'How long it keeps them, in milliseconds.'),
  },
  {
    ...closed,
    default: {},
    description:
      'Users of FreeSWITCH in conversations: text channels, SIP MESSAGE, and voice conferences with a conversation beside them. freeswitch/README.md says how to set it up.',
  },
);
