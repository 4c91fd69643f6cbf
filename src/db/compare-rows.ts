/** What a write would change, by Postgres's own comparison of the values it would store. Names of columns only: no value leaves the database. */
import { type Statements } from './database.js';
import { CASCADES, TABLES, type Row, type TableName } from './tables.js';

export interface RowDifference {
  /** False: the row would be new, and `columns` are those that would hold something. */
  exists: boolean;
  columns: string[];
}

/** By id. */
export async function compareRows(
  db: Statements,
  { table, rows }: { table: TableName; rows: readonly Row[] },
): Promise<Map<string, RowDifference>> {
  const columns = Object.entries({ id: 'text', ...TABLES[table] });
  const record = columns.map(([name, type]) => `${name} ${type}`).join(', ');
  const differences = Object.keys(TABLES[table]).map(
    (name) => `CASE WHEN s.${name} IS DISTINCT FROM r.${name} THEN '${name}' END`,
  );
  const found = await db.query<{ id: string } & RowDifference>(
    `SELECT r.id, s.id IS NOT NULL AS exists, array_remove(ARRAY[${differences.join(', ')}]::text[], NULL) AS columns
     FROM jsonb_to_recordset($1::jsonb) AS r(${record}) LEFT JOIN ${db.table(table)} s ON s.id = r.id`,
    JSON.stringify(rows),
  );
  return new Map(found.map(({ id, ...difference }) => [id, difference]));
}

/** Of `ids`, those that have a row. */
export async function findRows(
  db: Statements,
  { table, ids }: { table: TableName; ids: readonly string[] },
): Promise<Set<string>> {
  const found = await db.query<{ id: string }>(
    `SELECT id FROM ${db.table(table)} WHERE id = ANY($1::text[])`,
    ids,
  );
  return new Set(found.map(({ id }) => id));
}

/** How many rows of each child's table go when a row goes, by the row's id and the child's table. */
export async function countChildren(
  db: Statements,
  { table, ids }: { table: TableName; ids: readonly string[] },
): Promise<Map<string, Partial<Record<TableName, number>>>> {
  const counts = new Map<string, Partial<Record<TableName, number>>>();
  for (const { child, column } of CASCADES[table] ?? []) {
    const found = await db.query<{ id: string; n: number }>(
      `SELECT ${column} AS id, count(*)::integer AS n FROM ${db.table(child)} WHERE ${column} = ANY($1::text[]) GROUP BY ${column}`,
      ids,
    );
    for (const { id, n } of found) counts.set(id, { ...counts.get(id), [child]: n });
  }
  return counts;
}
