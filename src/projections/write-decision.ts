/** Writes what was decided: deletions, placeholders, rows, versions, the ledger and the outbox. The caller holds the locks. */
import { type Statements } from '../db/database.js';
import { deleteRows, insertPlaceholders } from '../db/rows.js';
import { type TableName } from '../db/tables.js';
import { forgetChildVersions, type Version } from '../db/versions.js';
import { writeBatch, type BatchWrite } from '../db/write-batch.js';
import { nameOf, type Decision } from './decide.js';
import { ENTITIES, type EntityType, type Key } from './fact.js';

export async function writeDecision(
  tx: Statements,
  decision: Decision,
  record: Pick<BatchWrite, 'documents' | 'entries' | 'runs'> = {},
): Promise<void> {
  for (const [table, deletions] of byTable(decision.deletions.values())) {
    const ids = deletions.map(({ key }) => key.entityId);
    await forgetChildVersions(tx, { table, ids, entityTypeOf });
    await deleteRows(tx, { table, ids });
  }
  const placeholders = [...decision.mentions.values()]
    .filter((key) => !decision.rows.has(nameOf(key)))
    .map((key) => ({ key }));
  for (const [table, entries] of byTable(placeholders)) {
    await insertPlaceholders(tx, { table, ids: entries.map(({ key }) => key.entityId) });
  }
  const toVersion = (deleted: boolean) => (entry: { key: Key; version: Version }) => ({
    ...entry.key,
    version: entry.version,
    deleted,
  });
  await writeBatch(tx, {
    ...record,
    rows: byTable(decision.rows.values()).map(([table, entries]) => [
      table,
      entries.map(({ row }) => row),
    ]),
    versions: [
      ...[...decision.rows.values()].map(toVersion(false)),
      ...[...decision.deletions.values()].map(toVersion(true)),
    ],
  });
}

/** Groups by table, parents' tables first. */
export function byTable<T extends { key: Key }>(entries: Iterable<T>): [TableName, T[]][] {
  const groups = new Map<EntityType, T[]>();
  for (const entry of entries) {
    const group = groups.get(entry.key.entityType);
    if (group) group.push(entry);
    else groups.set(entry.key.entityType, [entry]);
  }
  return [...groups]
    .sort(([a], [b]) => ENTITIES[a].rank - ENTITIES[b].rank || (a < b ? -1 : 1))
    .map(([entityType, group]) => [ENTITIES[entityType].table, group]);
}

function entityTypeOf(table: TableName): EntityType {
  const found = Object.entries(ENTITIES).find(([, entity]) => entity.table === table);
  if (!found) throw new Error(`No entity lives in the table ${table}.`);
  return found[0] as EntityType; // a key of ENTITIES
}
