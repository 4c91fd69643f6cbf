/** entity_versions: the lock and the memory of what was last applied to each entity. */
import { type Statements } from './database.js';
import { CASCADES, type TableName } from './tables.js';
import { type WritePart } from './write-part.js';

/** What makes one state of an entity newer than another; compared in this order. Times in milliseconds since 1970. */
export interface Version {
  updatedAt: number;
  occurredAt: number;
  eventId: string;
}

export interface EntityKey {
  entityType: string;
  entityId: string;
}

export interface KnownVersion extends EntityKey {
  version: Version | null;
  deleted: boolean;
  erased: boolean;
}

/** A key to lock, and how. `rank` orders parents before children, so that a child is never held without its parents. */
export interface LockRequest extends EntityKey {
  rank: number;
  /** False: only read, shared with other batches that only read it (a hot organization's many memberships). */
  exclusive: boolean;
}

export interface VersionWrite extends EntityKey {
  version: Version;
  deleted: boolean;
}

/** Serialises batches that delete: without it their cascades lock children in crossing order and deadlock. */
const DELETE_LOCK_KEY = 4_207_553_911;

interface BatchBounds {
  holdsDelete: boolean;
  lockTimeoutSeconds: number;
  idleTimeoutSeconds: number;
}

/** First statement of a batch: its bounds, and the lock that a deleting batch takes before all others. */
export async function beginBatch(tx: Statements, bounds: BatchBounds): Promise<void> {
  await tx.query(
    `SELECT set_config('lock_timeout', $1, true), set_config('idle_in_transaction_session_timeout', $2, true),
       CASE WHEN $3::boolean THEN pg_advisory_xact_lock($4::bigint)::text END AS locked`,
    `${bounds.lockTimeoutSeconds}s`,
    `${bounds.idleTimeoutSeconds}s`,
    bounds.holdsDelete,
    DELETE_LOCK_KEY,
  );
}

/**
 * Inserts the rows that are missing, in the global order, and returns what stood before, unlocked: enough to foresee which
 * parents will only be read. A foresight that turns out wrong is caught after the locks.
 */
export async function insertMissingVersions(
  tx: Statements,
  keys: readonly (EntityKey & { rank: number })[],
): Promise<KnownVersion[]> {
  if (keys.length === 0) return [];
  const rows = await tx.query<VersionRow>(
    `WITH requested AS (
       SELECT * FROM unnest($1::text[], $2::text[], $3::integer[]) AS r(entity_type, entity_id, rank)
     ), inserted AS (
       INSERT INTO ${tx.table('entity_versions')} (entity_type, entity_id)
       SELECT entity_type, entity_id FROM requested
       ORDER BY rank, entity_type COLLATE "C", entity_id COLLATE "C"
       ON CONFLICT DO NOTHING
     )
     ${selectVersions(tx)}`,
    keys.map((key) => key.entityType),
    keys.map((key) => key.entityId),
    keys.map((key) => key.rank),
  );
  return rows.map(readRow);
}

/** Locks in the global order. Reads nothing: a lock and a read in one statement see what was there before the wait. */
export async function lockVersions(
  tx: Statements,
  requests: readonly LockRequest[],
): Promise<void> {
  if (requests.length === 0) return;
  const versions = tx.table('entity_versions');
  await tx.query(
    `SELECT count(own.n) + count(shared.n) AS locked
     FROM (
       SELECT * FROM unnest($1::text[], $2::text[], $3::integer[], $4::boolean[]) AS r(entity_type, entity_id, rank, exclusive)
       ORDER BY rank, entity_type COLLATE "C", entity_id COLLATE "C"
     ) AS requested
     LEFT JOIN LATERAL (
       SELECT 1 AS n FROM ${versions} v WHERE requested.exclusive
       AND v.entity_type = requested.entity_type AND v.entity_id = requested.entity_id FOR UPDATE
     ) AS own ON true
     LEFT JOIN LATERAL (
       SELECT 1 AS n FROM ${versions} v WHERE NOT requested.exclusive
       AND v.entity_type = requested.entity_type AND v.entity_id = requested.entity_id FOR SHARE
     ) AS shared ON true`,
    requests.map((request) => request.entityType),
    requests.map((request) => request.entityId),
    requests.map((request) => request.rank),
    requests.map((request) => request.exclusive),
  );
}

/** What the locked rows say now. A key that is not returned has lost its row while the lock was waited for. */
export async function readVersions(
  tx: Statements,
  keys: readonly EntityKey[],
): Promise<KnownVersion[]> {
  if (keys.length === 0) return [];
  const rows = await tx.query<VersionRow>(
    `WITH requested AS (SELECT * FROM unnest($1::text[], $2::text[]) AS r(entity_type, entity_id))
     ${selectVersions(tx)}`,
    keys.map((key) => key.entityType),
    keys.map((key) => key.entityId),
  );
  return rows.map(readRow);
}

export function toVersionsPart(tx: Statements, writes: readonly VersionWrite[]): WritePart {
  const iso = (ms: number) => new Date(ms).toISOString();
  return {
    toSql: ({ records }) => `INSERT INTO ${tx.table('entity_versions')}
        (entity_type, entity_id, version_updated_at, version_occurred_at, version_event_id, deleted_at)
      SELECT r.* FROM jsonb_to_recordset(${records}) AS r(entity_type text, entity_id text, version_updated_at timestamptz(3),
        version_occurred_at timestamptz(3), version_event_id text, deleted_at timestamptz(3))
      ON CONFLICT (entity_type, entity_id) DO UPDATE SET version_updated_at = excluded.version_updated_at,
        version_occurred_at = excluded.version_occurred_at, version_event_id = excluded.version_event_id,
        deleted_at = excluded.deleted_at`,
    records: writes.map(({ entityType, entityId, version, deleted }) => ({
      entity_type: entityType,
      entity_id: entityId,
      version_updated_at: iso(version.updatedAt),
      version_occurred_at: iso(version.occurredAt),
      version_event_id: version.eventId,
      deleted_at: deleted ? iso(version.occurredAt) : null,
    })),
  };
}

/** Forgets the versions of the children that deleting these parents takes along, or their events would stay stale for ever. */
export async function forgetChildVersions(
  tx: Statements,
  { table, ids, entityTypeOf }: ChildrenOf,
): Promise<void> {
  for (const { child, column } of CASCADES[table] ?? []) {
    await tx.execute(
      `DELETE FROM ${tx.table('entity_versions')} v USING ${tx.table(child)} c
       WHERE c.${column} = ANY($1::text[]) AND v.entity_type = $2 AND v.entity_id = c.id`,
      ids,
      entityTypeOf(child),
    );
  }
}

interface ChildrenOf {
  table: TableName;
  ids: readonly string[];
  entityTypeOf: (table: TableName) => string;
}

interface VersionRow {
  entity_type: string;
  entity_id: string;
  version_updated_at: Date | null;
  version_occurred_at: Date | null;
  version_event_id: string | null;
  deleted_at: Date | null;
  erased_at: Date | null;
}

function selectVersions(tx: Statements): string {
  return `SELECT v.entity_type, v.entity_id, v.version_updated_at, v.version_occurred_at, v.version_event_id, v.deleted_at, v.erased_at
     FROM requested JOIN ${tx.table('entity_versions')} v USING (entity_type, entity_id)`;
}

function readRow(row: VersionRow): KnownVersion {
  const { version_updated_at: updatedAt, version_occurred_at: occurredAt } = row;
  const version = updatedAt && {
    updatedAt: updatedAt.getTime(),
    occurredAt: occurredAt?.getTime() ?? 0,
    eventId: row.version_event_id ?? '',
  };
  return {
    entityType: row.entity_type,
    entityId: row.entity_id,
    version,
    deleted: row.deleted_at !== null,
    erased: row.erased_at !== null,
  };
}
