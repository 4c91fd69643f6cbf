/** From verified bytes to an event: the envelope with its traps. Pure; knows nothing of tables. */
import { SyncError } from '../errors.js';
import { isRecord, type JsonRecord } from '../record.js';
import { parseClean, scanJson } from './json.js';

/** Below this a timestamp is in seconds: Clerk documents milliseconds, yet its own examples show both. */
const FIRST_MILLISECOND_TIMESTAMP = 1e12;
/** Clerk's ids have some 30 characters; Postgres cannot index one of 2,700. */
const MAX_ID_LENGTH = 255;
/** Postgres's timestamptz reaches further, JavaScript's Date does not print years beyond 9999 as plain ISO. */
const MAX_TIMESTAMP_MS = Date.UTC(9999, 11, 31);

/** One event of Clerk's, as delivered under one svix-id. Times in milliseconds since 1970. */
export interface ClerkEvent {
  /** The svix-id: one per event, the same for every delivery of it. */
  id: string;
  type: string;
  /** `user` for `user.created`, `organization_membership` for `organizationMembership.updated`. */
  entityType: string;
  /** `data.id` when it can be one. */
  entityId: string | null;
  data: unknown;
  instanceId: string | null;
  occurredAt: number;
  receivedAt: number;
  /** The whole envelope, cleaned of what Postgres cannot hold. */
  envelope: JsonRecord;
  /** The same as JSON text. */
  text: string;
}

/** What the queue carries: verified, redacted, not yet understood. */
export interface Delivery {
  id: string;
  /** The envelope as JSON text. */
  body: string;
  receivedAt: number;
  /** Set by `npm run replay -- --force`: decided anew even when its effect is recorded already. */
  force?: true;
  /**
   * Not sent by Clerk but fetched from its Backend API; never on the queue. Says which wins when what is stored has the same
   * `updated_at`: what is stored, or what was fetched.
   */
  fetched?: 'loses-ties' | 'wins-ties';
  /** What `body` says, where it was fetched: it need not be parsed. */
  envelope?: JsonRecord;
}

/**
 * The least that ingest asks of verified JSON (undefined: it is none): an object with a non-empty string `type`.
 * @throws SyncError `webhook.rejected` (400) with the cause.
 */
export function readEnvelope(envelope: unknown): { envelope: JsonRecord; type: string } {
  if (envelope === undefined) throw new SyncError('webhook.rejected', 'The body is not JSON.');
  if (!isRecord(envelope))
    throw new SyncError('webhook.rejected', 'The body is not a JSON object.');
  const type = envelope['type'];
  if (typeof type !== 'string' || type === '') {
    throw new SyncError('webhook.rejected', 'The body has no "type": it is not an event.');
  }
  return { envelope, type };
}

/**
 * Reads a queued delivery. Loose: unknown types and odd data pass, for they are to be recorded.
 * @throws SyncError `event.rejected` when the body cannot be held at all.
 */
export function parseEvent(delivery: Delivery): ClerkEvent {
  const { id, body, receivedAt, fetched } = delivery;
  const scan = scanJson(body);
  if (scan.isTooDeep) {
    throw new SyncError('event.rejected', 'The event is nested too deeply to be stored.');
  }
  let envelope: unknown;
  try {
    envelope = (scan.isHoldable && delivery.envelope) || parseClean(body, scan);
  } catch {
    throw new SyncError('event.rejected', 'The queued body is not JSON.');
  }
  if (!isRecord(envelope) || typeof envelope['type'] !== 'string') {
    throw new SyncError('event.rejected', 'The queued body is not an event.');
  }
  const { type, data, instance_id: instanceId } = envelope;
  return {
    id,
    type: cutToIndex(type),
    entityType: cutToIndex(entityTypeOf(type)),
    entityId: isRecord(data) && isUsableId(data['id']) ? data['id'] : null,
    data,
    instanceId: typeof instanceId === 'string' ? instanceId : null,
    occurredAt:
      fetched === 'loses-ties' ? 0 : (readEnvelopeTimestamp(envelope['timestamp']) ?? receivedAt),
    receivedAt,
    envelope,
    text: scan.isHoldable ? body : JSON.stringify(envelope),
  };
}

export function isUsableId(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_ID_LENGTH;
}

/** An object's time (`created_at`, `updated_at`, …): milliseconds since 1970. Null when missing, zero or absurd; test sends have all three. */
export function readTimestamp(value: unknown): number | null {
  if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0) return null;
  const ms = Math.round(value);
  return ms > 0 && ms <= MAX_TIMESTAMP_MS ? ms : null;
}

function readEnvelopeTimestamp(value: unknown): number | null {
  const inSeconds = typeof value === 'number' && value < FIRST_MILLISECOND_TIMESTAMP;
  return readTimestamp(inSeconds ? value * 1000 : value);
}

function entityTypeOf(type: string): string {
  const family = type.split('.')[0] ?? type;
  return family.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** A cut through a character would leave half a surrogate pair, which Postgres cannot hold. */
function cutToIndex(text: string): string {
  return text.slice(0, MAX_ID_LENGTH).toWellFormed();
}
