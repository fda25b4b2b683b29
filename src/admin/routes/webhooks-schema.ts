import Type from 'typebox';
import { WEBHOOK_EVENTS } from '../records/webhooks.ts';
import { Count, TextOrNull, Time } from './field-schema.ts';

const WebhookId = Type.String({ pattern: '^[a-z0-9]{12,24}$' });

const Url = Type.String({
  minLength: 1,
  maxLength: 1024,
  description: 'http or https, without a user or a fragment.',
  examples: ['https://hooks.example.net/parley'],
});

/** Printable, so that it can be copied. */
const Secret = Type.String({
  minLength: 16,
  maxLength: 128,
  pattern: '^[\\x21-\\x7e]+$',
  description:
    'Key of the signature; without one a random one is made. It is shown in the answer to this, and never again.',
});

const Events = Type.Array(Type.Enum([...WEBHOOK_EVENTS]), {
  minItems: 1,
  maxItems: WEBHOOK_EVENTS.length,
  uniqueItems: true,
});

const shown = {
  id: WebhookId,
  url: Type.String(),
  events: Type.Immutable(Events),
  isEnabled: Type.Boolean(),
  createdAt: Time,
  queued: Type.Integer({ minimum: 0, description: 'Events that wait.' }),
  delivered: Type.Integer({ minimum: 0, description: 'Since the admin started, as are the next two.' }),
  failed: Count,
  dropped: Type.Integer({ minimum: 0, description: 'Given up after too many attempts, or too many waited.' }),
  lastError: TextOrNull,
  nextAttemptAt: Type.Unsafe<string | null>({
    type: ['string', 'null'],
    description: 'The receiver failed and is left alone until then.',
  }),
};

export const WebhookShown = Type.Object(shown);
export const WebhookList = Type.Object({ items: Type.Array(WebhookShown) });
export const NewWebhookShown = Type.Object({ ...shown, secret: Type.String() });

export const WebhookParams = Type.Object({ id: WebhookId });

export const NewWebhookBody = Type.Object(
  {
    url: Url,
    secret: Type.Optional(Secret),
    events: Type.Optional(Events),
    isEnabled: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);

export const WebhookEditBody = Type.Object(
  {
    url: Type.Optional(Url),
    secret: Type.Optional(Secret),
    events: Type.Optional(Events),
    isEnabled: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false, minProperties: 1 },
);
