/** Configuration of what the admin keeps of sessions, and of what it tells others. */
import Type from 'typebox';

const closed = { additionalProperties: false } as const;
const bound = (value: number, least: number, most: number, description: string) =>
  Type.Integer({ default: value, minimum: least, maximum: most, description });

export const SessionRecordsSection = Type.Object(
  {
    file: Type.Optional(
      Type.String({
        minLength: 1,
        description:
          'File to which a line of JSON is appended when a session is over: who was in it and when, how it ended, messages and bytes. No content. After a crash a line may stand there twice, and is never missing.',
      }),
    ),
    maxBytes: bound(
      10_485_760,
      1024,
      1_073_741_824,
      'A line that would make the file longer than so many bytes begins a new one; the old one gets the time behind its name.',
    ),
    maxAgeS: bound(
      86_400,
      60,
      31_536_000,
      'A file that is so old is put aside with the next line, in seconds.',
    ),
    maxFiles: bound(30, 1, 10_000, 'Files put aside that are kept; the oldest go.'),
    keep: bound(10_000, 1, 10_000_000, 'Records kept for `GET /api/v1/session-records`; the oldest go.'),
  },
  { ...closed, default: {}, description: 'Records of sessions that are over.' },
);

export const WebhooksSection = Type.Object(
  {
    maxWebhooks: bound(16, 0, 256, 'Webhooks that can be made over REST.'),
    maxQueued: bound(
      10_000,
      1,
      1_000_000,
      'Events that may wait for one webhook; with more the oldest go, and are counted.',
    ),
    maxAttempts: bound(12, 1, 100, 'Attempts for one event; then it is given up, and counted.'),
    timeoutMs: bound(5000, 100, 60_000, 'How long a receiver may take for one event, in milliseconds.'),
    minBackoffMs: bound(
      1000,
      10,
      600_000,
      'How long a receiver is left alone after a failure, in milliseconds; twice as long after each further one.',
    ),
    maxBackoffMs: bound(300_000, 10, 86_400_000, 'The longest such time, in milliseconds.'),
  },
  { ...closed, default: {}, description: 'Events of sessions sent to other systems.' },
);
