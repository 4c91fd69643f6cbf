/** Takes a person out of mirror rows that are about others. */
import { retryContended } from '../../db/contention.js';
import { type Database } from '../../db/database.js';
import { readRows } from '../../db/erasure-search.js';
import { type Bounds } from '../../db/retention.js';
import { TABLES, type Row, type TableName } from '../../db/tables.js';
import { beginBatch, lockVersions } from '../../db/versions.js';
import { writeBatch } from '../../db/write-batch.js';
import { type Person, type Recognition } from '../../person.js';
import { ENTITIES, type Key } from '../../projections/fact.js';
import { byTable } from '../../projections/write-decision.js';
import { type JsonRecord } from '../../record.js';
import { scrub, type Scrubbing } from '../../scrub.js';

/** So many a transaction. */
const CHUNK = 100;

export function toScrubbing(person: Person, { byIdentifier }: Recognition): Scrubbing {
  return { userIds: [person.userId], identifies: byIdentifier };
}

/** @param row by column. @returns null when it says no more of the person than the id. */
export function scrubRow(table: TableName, row: JsonRecord, scrubbing: Scrubbing): Row | null {
  const scrubbed = Object.entries(TABLES[table]).map(([column, type]) => {
    const value = row[column];
    const isSearched = type === 'jsonb' || type === 'text';
    return [column, isSearched ? scrub(value, scrubbing) : value] as const;
  });
  const isChanged = scrubbed.some(
    ([column, value]) => JSON.stringify(value) !== JSON.stringify(row[column]),
  );
  return isChanged ? ({ id: row['id'], ...Object.fromEntries(scrubbed) } as unknown as Row) : null; // as it was read
}

/** Under the locks of the entities, as a batch would. @returns how many rows were changed, by table. */
export async function scrubRows(
  db: Database,
  keys: readonly Key[],
  { scrubbing, bounds }: { scrubbing: Scrubbing; bounds: Bounds },
): Promise<Partial<Record<TableName, number>>> {
  const counts: Partial<Record<TableName, number>> = {};
  for (const [table, group] of byTable(keys.map((key) => ({ key })))) {
    for (let start = 0; start < group.length; start += CHUNK) {
      const chunk = group.slice(start, start + CHUNK).map(({ key }) => key);
      const changed = await retryContended(() =>
        db.transact(async (tx) => {
          await beginBatch(tx, { ...bounds, holdsDelete: false });
          await lockVersions(
            tx,
            chunk.map((key) => ({ ...key, rank: ENTITIES[key.entityType].rank, exclusive: true })),
          );
          const ids = chunk.map(({ entityId }) => entityId);
          const rows = (await readRows(tx, { table, ids })).flatMap((row) => {
            const scrubbed = scrubRow(table, row, scrubbing);
            return scrubbed ? [scrubbed] : [];
          });
          await writeBatch(tx, { rows: [[table, rows]] });
          return rows.length;
        }),
      );
      if (changed > 0) counts[table] = (counts[table] ?? 0) + changed;
    }
  }
  return counts;
}
