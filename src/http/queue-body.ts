/** The text that goes on the queue: the verified body as it came, or without what may be nowhere. */
import { redactEnvelope, type RedactionPolicy } from '../redaction.js';
import { type JsonRecord } from '../record.js';

export type QueueBodyOptions = RedactionPolicy;

/** @param envelope the parsed `text`; may be changed. */
export function toQueueBody(
  text: string,
  envelope: JsonRecord,
  { type, ...policy }: QueueBodyOptions & { type: string },
): string {
  if (!redactEnvelope(envelope, type, policy)) return text;
  try {
    return JSON.stringify(envelope);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    // Nested beyond what can be written again: what remains is enough to record the event as failed.
    const scalars = Object.entries(envelope).filter(([, value]) => typeof value !== 'object');
    return JSON.stringify({
      ...Object.fromEntries(scalars),
      data: 'left out: nested too deeply to be redacted',
    });
  }
}
