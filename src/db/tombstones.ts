/** Tombstones: that an entity was deleted for good. And the one way to take that back. */
import { type Statements } from './database.js';
import { type VersionRecord } from './history.js';
import { beginBatch } from './versions.js';

interface Bounds {
  lockTimeoutSeconds: number;
  idleTimeoutSeconds: number;
}

/**
 * Makes the entity one that nothing was applied to yet, under the lock that batches take. The row itself stays: a batch that
 * waits for it at this moment then still holds the lock that it counts on.
 * @returns false when the tombstone is no longer the one that `version` tells of, or protects a person's erasure.
 */
export async function dropTombstone(
  tx: Statements,
  version: Pick<VersionRecord, 'entityType' | 'entityId' | 'eventId'>,
  bounds: Bounds,
): Promise<boolean> {
  await beginBatch(tx, { ...bounds, holdsDelete: false });
  const changed = await tx.execute(
    `UPDATE ${tx.table('entity_versions')} SET deleted_at = NULL, version_updated_at = NULL, version_occurred_at = NULL,
       version_event_id = NULL
     WHERE entity_type = $1 AND entity_id = $2 AND deleted_at IS NOT NULL AND erased_at IS NULL
       AND coalesce(version_event_id, '') = $3`,
    version.entityType,
    version.entityId,
    version.eventId,
  );
  return changed === 1;
}

/** An event of another entity that was refused because of a tombstone. */
export interface RefusedChild {
  id: string;
  type: string | null;
  entityId: string | null;
}

/** Payloads are not indexed: of the events refused most recently, this many are looked at. */
export const REFUSALS_SEARCHED = 5_000;

/** The tombstoned events of other entities that name this one, newest first. Looks at the newest `REFUSALS_SEARCHED` refusals only. */
export async function findRefusedChildren(
  db: Statements,
  entityId: string,
): Promise<RefusedChild[]> {
  return db.query<RefusedChild>(
    `SELECT id, type, entity_id AS "entityId" FROM (
       SELECT id, type, entity_id, payload, processed_at FROM ${db.table('webhook_events')}
       WHERE outcome = 'tombstoned' AND entity_id IS DISTINCT FROM $1
       ORDER BY processed_at DESC LIMIT ${REFUSALS_SEARCHED}
     ) AS newest
     WHERE strpos(payload::text, to_jsonb($1::text)::text) > 0 ORDER BY processed_at DESC`,
    entityId,
  );
}
