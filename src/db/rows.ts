/** Writes to mirror tables, many rows a statement. Unguarded: the caller holds the locks and has decided. */
import { type Statements } from './database.js';
import { TABLES, type Row, type TableName } from './tables.js';

/** Inserts or overwrites whole rows. `rows` hold each id once (twice in one statement is error 21000). */
export async function upsertRows(
  tx: Statements,
  { table, rows }: { table: TableName; rows: readonly Row[] },
): Promise<void> {
  if (rows.length === 0) return;
  const columns = Object.entries({ id: 'text', ...TABLES[table] });
  const names = columns.map(([name]) => name).join(', ');
  const record = columns.map(([name, type]) => `${name} ${type}`).join(', ');
  const overwrite = Object.keys(TABLES[table]).map((name) => `${name} = excluded.${name}`);
  await tx.execute(
    `INSERT INTO ${tx.table(table)} (${names}, synced_at)
     SELECT ${names}, now() FROM jsonb_to_recordset($1::jsonb) AS r(${record})
     ON CONFLICT (id) DO UPDATE SET ${overwrite.join(', ')}, synced_at = now()`,
    JSON.stringify(rows),
  );
}

/** Makes placeholders, an id and nothing else, for what is mentioned before its own event came. */
export async function insertPlaceholders(
  tx: Statements,
  { table, ids }: { table: TableName; ids: readonly string[] },
): Promise<void> {
  if (ids.length === 0) return;
  await tx.execute(
    `INSERT INTO ${tx.table(table)} (id) SELECT missing FROM unnest($1::text[]) AS missing ORDER BY missing COLLATE "C" ON CONFLICT (id) DO NOTHING`,
    ids,
  );
}

/** Deletes rows; their children go by ON DELETE CASCADE. */
export async function deleteRows(
  tx: Statements,
  { table, ids }: { table: TableName; ids: readonly string[] },
): Promise<void> {
  if (ids.length === 0) return;
  await tx.execute(`DELETE FROM ${tx.table(table)} WHERE id = ANY($1::text[])`, ids);
}
