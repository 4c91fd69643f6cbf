/** Rows and jobs as the report has them. Pure. Times as ISO 8601. */
import { type LedgerRecord, type VersionRecord } from '../../db/history.js';
import { type FoundJob } from '../../queue/find-jobs.js';
import { versionOfRecord } from './gather.js';

export interface LedgerLine {
  id: string;
  type: string | null;
  entityType: string | null;
  entityId: string | null;
  instanceId: string | null;
  outcome: string | null;
  reason: string | null;
  /** When it says that its entity changed. */
  version: string;
  occurredAt: string | null;
  receivedAt: string | null;
  processedAt: string | null;
  /** After the version's time. */
  occurredAfterMs: number | null;
  /** After it occurred. */
  receivedAfterMs: number | null;
  /** After it was received. */
  processedAfterMs: number | null;
  /** Its version is the one that is stored, or the tombstone's. */
  isCurrent: boolean;
  hasPayload: boolean;
}

export interface JobLine {
  id: string;
  type: string;
  state: string;
  addedAt: string;
  startedAt: string | null;
  finishedAt: string | null;
  dueAt: string | null;
  attemptsMade: number;
  attempts: number;
  stalls: number;
  failedReason: string | null;
  processedBy: string | null;
  outcome: string | null;
  forced: boolean;
}

export interface VersionLine {
  updatedAt: string;
  occurredAt: string;
  /** Null: a nested copy, which has no event of its own. */
  eventId: string | null;
  eventType: string | null;
  /** It came with the event of another entity. */
  isCarried: boolean;
}

export interface TombstoneLine {
  deletedAt: string | null;
  erasedAt: string | null;
  eventId: string | null;
  eventType: string | null;
}

export function toVersionLine(
  { entityId, updatedAt, occurredAt, eventId }: VersionRecord,
  event: LedgerRecord | null,
): VersionLine | null {
  if (updatedAt === null) return null;
  return {
    updatedAt: toIso(updatedAt),
    occurredAt: toIso(occurredAt),
    eventId: eventId || null,
    eventType: event?.type ?? null,
    isCarried: eventId === '' || (event !== null && event.entityId !== entityId),
  };
}

export function toTombstoneLine(
  { deletedAt, erasedAt, eventId }: VersionRecord,
  event: LedgerRecord | null,
): TombstoneLine | null {
  if (deletedAt === null && erasedAt === null) return null;
  return {
    deletedAt: toIsoOrNull(deletedAt),
    erasedAt: toIsoOrNull(erasedAt),
    eventId: eventId || null,
    eventType: event?.type ?? null,
  };
}

export function toLedgerLine(record: LedgerRecord, version: VersionRecord | null): LedgerLine {
  const { occurredAt, receivedAt, processedAt } = record;
  const { updatedAt } = versionOfRecord(record);
  return {
    id: record.id,
    type: record.type,
    entityType: record.entityType,
    entityId: record.entityId,
    instanceId: record.instanceId,
    outcome: record.outcome,
    reason: record.error,
    version: toIso(updatedAt),
    occurredAt: toIsoOrNull(occurredAt),
    receivedAt: toIsoOrNull(receivedAt),
    processedAt: toIsoOrNull(processedAt),
    occurredAfterMs: subtract(occurredAt, updatedAt),
    receivedAfterMs: subtract(receivedAt, occurredAt),
    processedAfterMs: subtract(processedAt, receivedAt),
    isCurrent: version?.eventId === record.id,
    hasPayload: record.hasPayload,
  };
}

export function toJobLine({ event: _event, ...job }: FoundJob): JobLine {
  return {
    ...job,
    addedAt: toIso(job.addedAt),
    startedAt: toIsoOrNull(job.startedAt),
    finishedAt: toIsoOrNull(job.finishedAt),
    dueAt: toIsoOrNull(job.dueAt),
  };
}

function subtract(later: number | null, earlier: number | null): number | null {
  return later === null || earlier === null ? null : later - earlier;
}

function toIso(ms: number): string {
  return new Date(ms).toISOString();
}

function toIsoOrNull(ms: number | null): string | null {
  return ms === null ? null : toIso(ms);
}
