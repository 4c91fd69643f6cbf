/** Finds what may name a person, by plain text, in every mirror table and every payload. Whoever asks looks closer. */
import { type JsonRecord } from '../record.js';
import { type Statements } from './database.js';
import { searchPayloads, type PayloadPage } from './payload-pages.js';
import { type TableName } from './tables.js';

export interface Sought {
  /** In any case of letters. */
  texts: readonly string[];
  /** ISO 8601 or `-infinity`: what was written before is passed over. */
  since: string;
}

export interface FoundPayload {
  id: string;
  payload: JsonRecord;
}

export type FoundRow = JsonRecord & { id: string };

export interface RowPage {
  rows: FoundRow[];
  /** How many were looked at. */
  looked: number;
}

const ROWS_PER_PAGE = 1_000;

export function searchLedger(
  db: Statements,
  { texts, since }: Sought,
): AsyncGenerator<PayloadPage<FoundPayload[]>> {
  return searchPayloads<FoundPayload[]>(db, {
    from: since,
    select: `coalesce((SELECT jsonb_agg(jsonb_build_object('id', id, 'payload', payload))
      FROM page WHERE ${holdsAny('payload', '$3')}), '[]')`,
    values: [toNeedles(texts)],
  });
}

/** Rows as JSON, by column, from the first id to the last. */
export async function* searchRows(
  db: Statements,
  table: TableName,
  { texts, since }: Sought,
): AsyncGenerator<RowPage> {
  const sql = `WITH page AS MATERIALIZED (
      SELECT id, to_jsonb(t) AS row FROM ${db.table(table)} t
      WHERE id > $1 AND coalesce(synced_at, 'infinity') >= $2::timestamptz ORDER BY id LIMIT ${ROWS_PER_PAGE}
    )
    SELECT coalesce((SELECT jsonb_agg(row) FROM page WHERE ${holdsAny('row', '$3')}), '[]') AS rows,
      (SELECT count(*)::integer FROM page) AS looked, (SELECT id FROM page ORDER BY id DESC LIMIT 1) AS last`;
  let after = '';
  for (;;) {
    const [page] = await db.query<RowPage & { last: string }>(sql, after, since, toNeedles(texts));
    if (!page) throw new Error(`The table ${table} gave no page.`);
    yield page;
    if (page.looked < ROWS_PER_PAGE) return;
    after = page.last;
  }
}

/** A person's own events, and their row: where most of their addresses stand. */
export async function readOwnPayloads(db: Statements, userId: string): Promise<JsonRecord[]> {
  const rows = await db.query<{ payload: JsonRecord }>(
    `SELECT payload FROM ${db.table('webhook_events')} WHERE entity_id = $1 AND payload IS NOT NULL
     UNION ALL SELECT to_jsonb(u) FROM ${db.table('users')} u WHERE id = $1`,
    userId,
  );
  return rows.map(({ payload }) => payload);
}

/** The Clerk instances that events of the user came from. */
export async function listInstances(db: Statements, userId: string): Promise<string[]> {
  const rows = await db.query<{ id: string }>(
    `SELECT DISTINCT instance_id AS id FROM ${db.table('webhook_events')} WHERE entity_id = $1 AND instance_id IS NOT NULL`,
    userId,
  );
  return rows.map(({ id }) => id);
}

/** As JSON, by column. */
export async function readRows(
  tx: Statements,
  { table, ids }: { table: TableName; ids: readonly string[] },
): Promise<FoundRow[]> {
  const rows = await tx.query<{ row: FoundRow }>(
    `SELECT to_jsonb(t) AS row FROM ${tx.table(table)} t WHERE id = ANY($1::text[])`,
    ids,
  );
  return rows.map(({ row }) => row);
}

/** OFFSET keeps Postgres from making the text anew for each needle. */
function holdsAny(json: string, needles: string): string {
  return `EXISTS (SELECT 1 FROM (SELECT lower(${json}::text) AS text OFFSET 0) AS whole, unnest(${needles}::text[]) AS needle
    WHERE strpos(whole.text, needle) > 0)`;
}

/** As they stand between the quotation marks of JSON. */
function toNeedles(texts: readonly string[]): string[] {
  return texts.map((text) => JSON.stringify(text.toLowerCase()).slice(1, -1));
}
