import Type from 'typebox';
import { Count } from './field-schema.ts';

export const MAX_ANNOUNCEMENT_CHARS = 2_000;

export const AnnouncementBody = Type.Object(
  {
    text: Type.String({
      minLength: 1,
      maxLength: MAX_ANNOUNCEMENT_CHARS,
      // Line ends and tabs only, of what does not print; and not blanks alone.
      pattern: '^(?=[^]*\\S)[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f]+$',
      description: 'Plain text. It is kept nowhere: neither log nor audit entry has it.',
    }),
  },
  { additionalProperties: false },
);

export const Reach = Type.Object(
  {
    sent: Count,
    waiting: Type.Integer({ minimum: 0, description: 'Not connected at the moment; for half a minute.' }),
    unable: Type.Integer({
      minimum: 0,
      description: 'They take no text, not so much of it, or have not answered yet.',
    }),
  },
  { description: 'Whom it got to, in devices.' },
);
