/** Reads loosely typed Clerk data: a field of the wrong type counts as absent, only ids are insisted on. Pure. */
import { isUsableId, readTimestamp, type ClerkEvent } from '../clerk/event.js';
import { type Version } from '../db/versions.js';
import { SyncError } from '../errors.js';
import { isRecord, type JsonRecord } from '../record.js';
import { keyOf, type EntityType, type Fact } from './fact.js';

const MAX_INTEGER = 2_147_483_647;

/** @throws SyncError `event.rejected` when `data` is not an object. */
export function readData(event: ClerkEvent): JsonRecord {
  if (isRecord(event.data)) return event.data;
  throw new SyncError('event.rejected', `${event.type}: "data" is not an object.`);
}

/** @throws SyncError `event.rejected` when the id is missing or not usable; `path` says where it was looked for. */
export function readId(holder: unknown, event: ClerkEvent, path: string): string {
  const id = isRecord(holder) ? holder['id'] : undefined;
  return requireId(id, event, `${path}.id`);
}

export function requireId(id: unknown, event: ClerkEvent, path: string): string {
  if (isUsableId(id)) return id;
  throw new SyncError('event.rejected', `${event.type}: "${path}" is missing or not an id.`);
}

/** Clerk's own time of change, or the event's where the object has none (test sends have zero). */
export function versionOf(data: JsonRecord, event: ClerkEvent): Version {
  return {
    updatedAt: readTimestamp(data['updated_at']) ?? event.occurredAt,
    occurredAt: event.occurredAt,
    eventId: event.id,
  };
}

export function readText(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

export function readInteger(value: unknown): number | null {
  const fits = Number.isInteger(value) && Math.abs(Number(value)) <= MAX_INTEGER;
  return fits ? Number(value) : null;
}

export function readTexts(value: unknown): string[] | null {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : null;
}

export function readRecord(value: unknown): JsonRecord | null {
  return isRecord(value) ? value : null;
}

/** ISO 8601, from milliseconds since 1970. */
export function readTime(value: unknown): string | null {
  const ms = readTimestamp(value);
  return ms === null ? null : new Date(ms).toISOString();
}

export function readFlag(value: unknown): boolean | null {
  return typeof value === 'boolean' ? value : null;
}

/** That the entity exists, where `id` is an id. */
export function readMention(entityType: EntityType, id: unknown): Fact[] {
  return isUsableId(id) ? [{ kind: 'mention', key: keyOf(entityType, id) }] : [];
}
