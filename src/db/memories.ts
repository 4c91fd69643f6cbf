/** Memories: rows of entity_versions about entities that have no row any more. When nothing can bring the entity back, they may go. */
import { retryContended } from './contention.js';
import { type Database, type Statements } from './database.js';
import { searchPayloads, type PayloadPage } from './payload-pages.js';
import { isOver, type Bounds } from './retention.js';
import { type TableName } from './tables.js';
import { beginBatch, type EntityKey } from './versions.js';

export interface Memory extends EntityKey {
  /** A tombstone; otherwise of a session that was pruned, or a lock that is left over. */
  isTombstone: boolean;
}

export interface Due {
  /** ISO 8601. What was deleted, and processed, later is too young. */
  before: string;
  /** Where the rows of each entity type are. */
  tables: Readonly<Record<string, TableName>>;
  /** ISO 8601: sessions that were over by then count as gone already. Null: they are. */
  sessionsBefore: string | null;
}

/** Flat memory: so many at once, and for each so many one pass over the payloads. */
export const MEMORIES_AT_ONCE = 100_000;

/** The next memories by key that are old enough. */
export async function listMemories(
  db: Statements,
  due: Due,
  after: EntityKey | null,
): Promise<Memory[]> {
  const rows = await db.query<{ entity_type: string; entity_id: string; tombstone: boolean }>(
    `SELECT v.entity_type, v.entity_id, v.deleted_at IS NOT NULL AS tombstone FROM ${db.table('entity_versions')} v
     WHERE (v.entity_type, v.entity_id) > ($3, $4) AND ${isDue(db, due)}
     ORDER BY v.entity_type, v.entity_id LIMIT ${MEMORIES_AT_ONCE}`,
    due.before,
    due.sessionsBefore,
    after?.entityType ?? '',
    after?.entityId ?? '',
  );
  return rows.map((row) => ({
    entityType: row.entity_type,
    entityId: row.entity_id,
    isTombstone: row.tombstone,
  }));
}

/**
 * The payloads processed at `from` or later, in pages that say which of `ids` they hold as a text of its own, whatever it means
 * there. 0.1 s a page, so some 5 s for 100,000 payloads of 3 kB, however many ids are asked for.
 */
export function findMentions(
  db: Statements,
  ids: readonly string[],
  from: string,
): AsyncGenerator<PayloadPage<string[]>> {
  return searchPayloads<string[]>(db, {
    from,
    select: `ARRAY(SELECT DISTINCT text FROM (
      SELECT jsonb_path_query(payload, '$.** ? (@.type() == "string")') #>> '{}' AS text FROM page
    ) AS texts WHERE text IN (SELECT unnest($3::text[])))`,
    values: [ids],
  });
}

export interface Forgetting {
  due: Due;
  bounds: Bounds;
  /** When the payloads were last looked at: those processed since then are looked at again, under the locks. */
  lookedAt: string;
}

/** A transaction that wrote the ledger before this is over: its locks and pauses are bounded by less. */
const COMMIT_MARGIN_MS = 120_000;

/** Deletes those that are still old enough, that nobody holds, and that no payload mentions which came meanwhile. @returns what went. */
export async function forgetMemories(
  db: Database,
  memories: readonly Memory[],
  { due, bounds, lookedAt }: Forgetting,
): Promise<Memory[]> {
  const types = memories.map(({ entityType }) => entityType);
  const ids = memories.map(({ entityId }) => entityId);
  const gone = await retryContended(() =>
    db.transact(async (tx) => {
      const versions = tx.table('entity_versions');
      await beginBatch(tx, { ...bounds, holdsDelete: false });
      const locked = await tx.query<{ entity_type: string; entity_id: string }>(
        `SELECT v.entity_type, v.entity_id FROM ${versions} v
         WHERE (v.entity_type, v.entity_id) IN (SELECT * FROM unnest($3::text[], $4::text[])) AND ${isDue(tx, due)}
         FOR UPDATE OF v SKIP LOCKED`,
        due.before,
        due.sessionsBefore,
        types,
        ids,
      );
      const mentioned = await findAllMentions(
        tx,
        locked.map((row) => row.entity_id),
        lookedAt,
      );
      const free = locked.filter((row) => !mentioned.has(row.entity_id));
      return tx.query<{ entity_type: string; entity_id: string }>(
        `DELETE FROM ${versions} v WHERE (v.entity_type, v.entity_id) IN (SELECT * FROM unnest($3::text[], $4::text[]))
         AND ${isDue(tx, due)} RETURNING v.entity_type, v.entity_id`,
        due.before,
        due.sessionsBefore,
        free.map((row) => row.entity_type),
        free.map((row) => row.entity_id),
      );
    }),
  );
  const names = new Set(gone.map((row) => `${row.entity_type}:${row.entity_id}`));
  return memories.filter(({ entityType, entityId }) => names.has(`${entityType}:${entityId}`));
}

async function findAllMentions(
  tx: Statements,
  ids: readonly string[],
  lookedAt: string,
): Promise<Set<string>> {
  const mentioned = new Set<string>();
  const from = new Date(Date.parse(lookedAt) - COMMIT_MARGIN_MS).toISOString();
  for await (const page of findMentions(tx, ids, from)) {
    for (const id of page.found) mentioned.add(id);
  }
  return mentioned;
}

/** $1: before, $2: sessionsBefore. What was deleted long ago may have been processed but lately. */
function isDue(db: Statements, { tables }: Due): string {
  const rows = Object.entries(tables).map(([entityType, table]) => {
    const isKept =
      table === 'sessions'
        ? ` AND ($2::timestamptz IS NULL OR ${isOver('t', '$2')} IS NOT TRUE)`
        : '';
    return `WHEN '${entityType}' THEN NOT EXISTS (SELECT 1 FROM ${db.table(table)} t WHERE t.id = v.entity_id${isKept})`;
  });
  return `coalesce(greatest(v.deleted_at, v.erased_at), v.version_occurred_at, '-infinity') < $1::timestamptz
     AND (v.deleted_at IS NOT NULL OR CASE v.entity_type ${rows.join(' ')} ELSE false END)
     AND NOT EXISTS (SELECT 1 FROM ${db.table('webhook_events')} e WHERE e.id = v.version_event_id AND e.processed_at >= $1::timestamptz)`;
}
