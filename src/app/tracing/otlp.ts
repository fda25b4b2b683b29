/** Spans as OTLP/HTTP takes them in JSON (opentelemetry-proto, collector/trace/v1). */
import { type AttributeValue, newSpanId, type Span } from './span.ts';

const KINDS = { server: 2, client: 3 } as const;
const STATUS_ERROR = 2;
const NS_PER_MS = 1_000_000;

export function otlpBody(service: string, version: string, spans: readonly Span[]): string {
  return JSON.stringify({
    resourceSpans: [
      {
        resource: { attributes: attributes({ 'service.name': service, 'service.version': version }) },
        scopeSpans: [{ scope: { name: 'parley' }, spans: spans.map(spanJson) }],
      },
    ],
  });
}

function spanJson({ name, kind, traceId, parentId, startMs, endMs, attributes: own, isFailed }: Span) {
  return {
    traceId,
    spanId: newSpanId(),
    ...(parentId === undefined ? {} : { parentSpanId: parentId }),
    name,
    kind: KINDS[kind],
    startTimeUnixNano: nanos(startMs),
    endTimeUnixNano: nanos(endMs),
    attributes: attributes(own),
    status: isFailed ? { code: STATUS_ERROR } : {},
  };
}

function attributes(values: Span['attributes']) {
  return Object.entries(values).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, value: valueJson(value) }],
  );
}

function valueJson(value: AttributeValue) {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}

/** 64-bit numbers are text in protobuf's JSON. */
function nanos(ms: number): string {
  const whole = Math.floor(ms);
  return String(BigInt(whole) * BigInt(NS_PER_MS) + BigInt(Math.round((ms - whole) * NS_PER_MS)));
}
