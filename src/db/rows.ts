/** Writes to mirror tables, many rows a statement. Unguarded: the caller holds the locks and has decided. */
import { type Statements } from './database.js';
import { PLACE_RECORD, type Documents } from './documents.js';
import { TABLES, type Row, type TableName } from './tables.js';
import { type WritePart } from './write-part.js';

/** Inserts or overwrites whole rows. */
export function toRowsPart(
  tx: Statements,
  { table, rows }: { table: TableName; rows: readonly Row[] },
  documents: Documents,
): WritePart {
  const columns: Record<string, string> = { id: 'text', ...TABLES[table] };
  const names = Object.keys(columns);
  const record = Object.entries(columns).map(([name, type]) => `${name} ${type}`);
  const overwrite = Object.keys(TABLES[table]).map((name) => `${name} = excluded.${name}`);
  return {
    toSql: (parameters) => {
      const values = names.map((name) =>
        name === 'data' ? `${parameters.documents} -> r.document #> r.path` : `r.${name}`,
      );
      return `INSERT INTO ${tx.table(table)} (${names.join(', ')}, synced_at)
        SELECT ${values.join(', ')}, now() FROM jsonb_to_recordset(${parameters.records}) AS r(${record.join(', ')}, ${PLACE_RECORD})
        ON CONFLICT (id) DO UPDATE SET ${overwrite.join(', ')}, synced_at = now()`;
    },
    records: rows.map((row) => ({ ...row, data: undefined, ...documents.place(row.data) })),
  };
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
