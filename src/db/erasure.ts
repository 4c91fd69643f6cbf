/** Takes personal data out of the ledger, and marks tombstones of people who were erased. */
import { type Bounds } from './retention.js';
import { retryContended } from './contention.js';
import { type Database, type Statements } from './database.js';
import { beginBatch, type EntityKey } from './versions.js';

const CHUNK = 1_000;

/** The rows stay. @returns how many payloads there were. */
export async function clearPayloads(
  db: Database,
  ids: readonly string[],
  bounds: Bounds,
): Promise<number> {
  let cleared = 0;
  for (let start = 0; start < ids.length; start += CHUNK) {
    cleared += await retryContended(() =>
      db.transact(async (tx) => {
        await beginBatch(tx, { ...bounds, holdsDelete: false });
        // Locked in the order in which batches write the ledger.
        return tx.execute(
          `WITH locked AS (
             SELECT id FROM ${tx.table('webhook_events')} WHERE id = ANY($1::text[]) AND payload IS NOT NULL
             ORDER BY id COLLATE "C" FOR UPDATE
           )
           UPDATE ${tx.table('webhook_events')} e SET payload = NULL FROM locked WHERE e.id = locked.id`,
          ids.slice(start, start + CHUNK),
        );
      }),
    );
  }
  return cleared;
}

/** Of tombstones that the caller holds. Later events of theirs leave no payload. */
export async function markErased(tx: Statements, keys: readonly EntityKey[]): Promise<void> {
  await tx.execute(
    `UPDATE ${tx.table('entity_versions')} v SET erased_at = coalesce(v.erased_at, clock_timestamp())
     FROM unnest($1::text[], $2::text[]) AS k(entity_type, entity_id)
     WHERE v.entity_type = k.entity_type AND v.entity_id = k.entity_id AND v.deleted_at IS NOT NULL`,
    keys.map(({ entityType }) => entityType),
    keys.map(({ entityId }) => entityId),
  );
}

/** ISO 8601; null when nobody erased the person. */
export async function readErasure(db: Statements, userId: string): Promise<string | null> {
  const [row] = await db.query<{ erased_at: Date | null }>(
    `SELECT erased_at FROM ${db.table('entity_versions')} WHERE entity_type = 'user' AND entity_id = $1`,
    userId,
  );
  return row?.erased_at?.toISOString() ?? null;
}
