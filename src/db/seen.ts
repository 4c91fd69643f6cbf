/** reconcile_seen: the ids that Clerk has listed, so that what it has not can be found without holding either side in memory. */
import { type Statements } from './database.js';
import { type TableName } from './tables.js';

export async function markSeen(
  db: Statements,
  runId: string,
  ids: readonly string[],
): Promise<void> {
  await db.execute(
    `INSERT INTO ${db.table('reconcile_seen')} (run_id, id) SELECT $1, unnest($2::text[]) ON CONFLICT DO NOTHING`,
    runId,
    ids,
  );
}

/** Also what a run left that was killed: nobody asks for it any more. */
export async function forgetSeen(db: Statements): Promise<void> {
  await db.execute(`DELETE FROM ${db.table('reconcile_seen')}`);
}

/** The database's own clock, by which rows are dated: this machine's may differ. */
export async function readClock(db: Statements): Promise<Date> {
  const [row] = await db.query<{ now: Date }>('SELECT now() AS now');
  return row?.now ?? new Date();
}

export interface Unseen {
  table: TableName;
  runId: string;
  /** Rows written later are not meant: a webhook has just brought them. */
  syncedBefore: Date;
}

export async function countUnseen(
  db: Statements,
  { table, runId, syncedBefore }: Unseen,
): Promise<{ unseen: number; stored: number }> {
  const [row] = await db.query<{ unseen: number; stored: number }>(
    `SELECT count(*) FILTER (WHERE ${unseen(db)})::integer AS unseen, count(*)::integer AS stored
     FROM ${db.table(table)} t`,
    runId,
    syncedBefore,
  );
  return row ?? { unseen: 0, stored: 0 };
}

/** In order of id, after the one given. */
export async function listUnseen(
  db: Statements,
  { table, runId, syncedBefore }: Unseen,
  { after, limit }: { after: string; limit: number },
): Promise<{ id: string; organization_id: string | null; user_id: string | null }[]> {
  const row = `to_jsonb(t)`;
  return db.query(
    `SELECT id, ${row} ->> 'organization_id' AS organization_id, ${row} ->> 'user_id' AS user_id
     FROM ${db.table(table)} t WHERE ${unseen(db)} AND id COLLATE "C" > $3 ORDER BY id COLLATE "C" LIMIT $4`,
    runId,
    syncedBefore,
    after,
    limit,
  );
}

function unseen(db: Statements): string {
  return `t.synced_at < $2 AND NOT EXISTS (SELECT FROM ${db.table('reconcile_seen')} s WHERE s.run_id = $1 AND s.id = t.id)`;
}
