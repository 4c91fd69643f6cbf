/** Deletes a person and what is theirs alone, under the locks that a batch with a deletion takes, and leaves tombstones that say so. */
import { countChildren, findRows } from '../db/compare-rows.js';
import { retryContended } from '../db/contention.js';
import { type Database, type Statements } from '../db/database.js';
import { markErased } from '../db/erasure.js';
import { type Bounds } from '../db/retention.js';
import { type TableName } from '../db/tables.js';
import { beginBatch, insertMissingVersions, lockVersions, readVersions } from '../db/versions.js';
import { nameOf, type Decision } from './decide.js';
import { ENTITIES, keyOf, type Key } from './fact.js';
import { toKnown } from './locking.js';
import { byTable, writeDecision } from './write-decision.js';

/** Stands in `version_event_id` where no event of Clerk's made the tombstone. */
const ERASURE = 'erasure';

export interface ErasedEntities {
  /** Rows that went, by table. */
  rows: Partial<Record<TableName, number>>;
  tombstones: number;
}

/** @param own what goes with the person though no foreign key says so. A tombstone that is there keeps its version. */
export async function eraseEntities(
  db: Database,
  { userId, own }: { userId: string; own: readonly Key[] },
  bounds: Bounds,
): Promise<ErasedEntities> {
  const keys = [keyOf('user', userId), ...own].map((key) => ({
    ...key,
    rank: ENTITIES[key.entityType].rank,
  }));
  return retryContended(() =>
    db.transact(async (tx) => {
      await beginBatch(tx, { ...bounds, holdsDelete: true });
      await insertMissingVersions(tx, keys);
      await lockVersions(
        tx,
        keys.map((key) => ({ ...key, exclusive: true })),
      );
      const known = toKnown(await readVersions(tx, keys));
      const rows = await countRows(tx, keys);
      await writeDecision(
        tx,
        toDeletion(
          keys.filter((key) => known.get(nameOf(key))?.deleted !== true),
          Date.now(),
        ),
      );
      await markErased(tx, keys);
      return { rows, tombstones: keys.length };
    }),
  );
}

function toDeletion(keys: readonly Key[], now: number): Decision {
  const version = { updatedAt: now, occurredAt: now, eventId: ERASURE };
  return {
    outcomes: new Map(),
    rows: new Map(),
    deletions: new Map(keys.map((key) => [nameOf(key), { key, version }])),
    mentions: new Map(),
  };
}

async function countRows(tx: Statements, keys: readonly Key[]): Promise<ErasedEntities['rows']> {
  const counts: ErasedEntities['rows'] = {};
  const add = (table: TableName, count: number) => {
    if (count > 0) counts[table] = (counts[table] ?? 0) + count;
  };
  for (const [table, group] of byTable(keys.map((key) => ({ key })))) {
    const ids = group.map(({ key }) => key.entityId);
    add(table, (await findRows(tx, { table, ids })).size);
    for (const children of (await countChildren(tx, { table, ids })).values()) {
      for (const [child, count] of Object.entries(children)) add(child as TableName, count); // a key of the record
    }
  }
  return counts;
}
