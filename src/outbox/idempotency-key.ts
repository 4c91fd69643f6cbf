/** What a handler hands to those it calls, so that they know an attempt of theirs when it comes again. Pure. */
import { createHash } from 'node:crypto';

/** `EVENTID.HANDLER`; a digest of it where it would not pass as the value of a header. */
export function toIdempotencyKey(eventId: string, handler: string): string {
  const key = `${eventId}.${handler}`;
  // 255 characters is what the strictest providers take.
  if (/^[\w.-]{1,255}$/.test(key)) return key;
  return `sha256-${createHash('sha256').update(key).digest('hex')}`;
}
