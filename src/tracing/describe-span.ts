import { type Span } from '@opentelemetry/api';
import { isSampled } from './samplers.js';

/** What a line of the log says of the span that it belongs to. Nothing when nobody will find the trace. */
export function describeSpan(span: Span | undefined): Record<string, string> {
  const found = span?.spanContext();
  if (!found || !isSampled(found)) return {};
  return { trace_id: found.traceId, span_id: found.spanId };
}
