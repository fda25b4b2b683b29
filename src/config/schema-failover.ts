/** Configuration of what happens when a message switch is gone. */
import Type from 'typebox';

const whole = (value: number, least: number, most: number, description: string) =>
  Type.Integer({ default: value, minimum: least, maximum: most, description });

export const FailoverSection = Type.Object(
  {
    helloIntervalMs: whole(
      2_000,
      50,
      60_000,
      'How often a switch says hello on its event socket, in milliseconds. The same for the focus and all its switches.',
    ),
    missedHellos: whole(
      3,
      1,
      100,
      'Hellos missed until a switch is *silent*: no new session is placed there, and its MSRP port is asked. Nothing is torn down for it.',
    ),
    probeDeadlineMs: whole(
      1_000,
      50,
      60_000,
      'How long the MSRP port of a silent switch may take to answer, in milliseconds.',
    ),
    probes: whole(
      3,
      1,
      100,
      'How often in a row it may leave that unanswered. After that the switch is *dead*, and its sessions move to others.',
    ),
    movesPerS: whole(
      200,
      1,
      10_000,
      'Sessions that are moved in a second; each has one re-INVITE for every participant.',
    ),
    strandedS: whole(
      60,
      1,
      3_600,
      'How long a session waits for a switch when none takes it, in seconds. Then it ends, with a BYE to all.',
    ),
    clientLostS: whole(
      0,
      0,
      3_600,
      'How long the MSRP connection of a client may be gone before the client is offered a new one by re-INVITE, in seconds; who does not answer that leaves the session. 0: nobody is asked: a client comes back by itself, or its session timer ends its part.',
    ),
  },
  {
    additionalProperties: false,
    default: {},
    description: 'When a message switch dies or is emptied (docs/operations.md).',
  },
);
