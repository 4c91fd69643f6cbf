/** The gate before the exporter: libraries write messages and stack traces into spans, and those may quote somebody's data. */
import { type Attributes } from '@opentelemetry/api';
import { type ReadableSpan, type SpanExporter } from '@opentelemetry/sdk-trace-node';
import { ATTRIBUTES } from './attributes.js';

export function exportAllowed(exporter: SpanExporter): SpanExporter {
  return {
    export: (spans, done) => exporter.export(spans.map(toAllowed), done),
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  };
}

/** The span with nothing but what `ATTRIBUTES` names: of events their names and times, of the status its code. */
export function toAllowed(span: ReadableSpan): ReadableSpan {
  const allowed = {
    attributes: pickAllowed(span.attributes),
    events: span.events.map(({ name, time }) => ({ name, time })),
    links: span.links.map(({ context }) => ({ context })),
    status: { code: span.status.code },
  } satisfies Partial<ReadableSpan>;
  // The rest (names, times, ids) is read from the span itself, whose class computes some of it.
  return Object.assign(Object.create(span) as ReadableSpan, allowed);
}

function pickAllowed(attributes: Attributes): Attributes {
  return Object.fromEntries(
    Object.entries(attributes).filter(([name]) => Object.hasOwn(ATTRIBUTES, name)),
  );
}
