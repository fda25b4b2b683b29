/** Configuration of traces for a collector of OpenTelemetry. */
import Type from 'typebox';

export const TelemetrySection = Type.Object(
  {
    tracesEndpoint: Type.Optional(
      Type.String({
        minLength: 1,
        description:
          'Base URL of a collector that takes OTLP over HTTP, such as `http://127.0.0.1:4318`; spans go to `/v1/traces` below it. Absent: nothing is traced. Spans carry Call-IDs, clauses, statuses and session names; no user and no content.',
      }),
    ),
    samplePercent: Type.Integer({
      default: 100,
      minimum: 0,
      maximum: 100,
      description: 'How many of a hundred traces are sent. The requests of one dialog are one trace.',
    }),
    maxQueued: Type.Integer({
      default: 4096,
      minimum: 1,
      maximum: 1_000_000,
      description: 'Spans that may wait for the collector in each thread; more are dropped.',
    }),
  },
  { additionalProperties: false, default: {}, description: 'Traces for OpenTelemetry.' },
);
