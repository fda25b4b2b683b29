/** Configuration of the bus that focus and switches can share: a FreeSWITCH's event socket. */
import Type from 'typebox';

export const BusSection = Type.Object(
  {
    address: Type.String({
      default: '127.0.0.1:8021',
      description:
        "FreeSWITCH's event socket, `host:port`. Focus and switches connect to it; the link is not encrypted: tunnel it between machines.",
    }),
    user: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9._-]{1,64}@[A-Za-z0-9.-]{1,255}$',
        description:
          '`user@domain` of the FreeSWITCH directory, for `userauth`; its `esl-allowed-events` must be `SHUTDOWN CUSTOM im::request im::reply im::event im::hello`. Default: `auth` with the password alone.',
      }),
    ),
    passwordFile: Type.Optional(
      Type.String({
        description:
          'File with the password of the event socket or of the user (1 to 128 printable characters without blanks). Needed with `via: freeswitch`.',
      }),
    ),
    keyFile: Type.Optional(
      Type.String({
        description:
          'File with the key that seals the frames, the same for focus and switches and for nobody else: 32 to 128 printable characters without blanks. To change it while all run, write the new key into a second line everywhere, then into the first, then take the old one out: the first seals, each is taken. Needed with `via: freeswitch`.',
      }),
    ),
    focusName: Type.String({
      default: 'focus-1',
      pattern: '^[A-Za-z0-9._~-]{1,64}$',
      description: 'Name of this focus on the bus; every focus there needs its own.',
    }),
    switches: Type.Array(Type.String({ pattern: '^[A-Za-z0-9._~-]{1,128}$' }), {
      maxItems: 256,
      default: [],
      description:
        'Names of the switches that are this focus’s. Empty: all that are on the bus with the same key. A switch belongs to one focus.',
    }),
    clockToleranceS: Type.Integer({
      default: 10,
      minimum: 1,
      maximum: 300,
      description:
        'A frame is refused when its time of sending is further than this from the clock here, so that nobody can send it again later. The clocks of the machines must agree within it.',
    }),
  },
  {
    additionalProperties: false,
    default: {},
    description: 'The bus, with `via: freeswitch`.',
  },
);
