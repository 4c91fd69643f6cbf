import { SpanStatusCode, type Span } from '@opentelemetry/api';
import { isRecord } from '../record.js';

/** Says that a span failed, and by which code; an error's message stays where it is. */
export function failSpan(span: Span | undefined, type: string): void {
  span?.setStatus({ code: SpanStatusCode.ERROR }).setAttribute('error.type', type);
}

/** SyncError's, Postgres's, Node's code, else the name of the error's class. */
export function codeOf(error: unknown): string {
  const code = isRecord(error) ? error['code'] : undefined;
  if (typeof code === 'string' && /^[\w.]{1,40}$/.test(code)) return code;
  return error instanceof Error ? error.name : 'unknown';
}
