/** Retention of handler_runs: many small transactions. What a worker has in its hands is passed over, and goes the next time. */
import { retryContended } from './contention.js';
import { type Database, type Statements } from './database.js';
import { type Pruning } from './retention.js';
import { beginBatch } from './versions.js';

export interface PrunedRuns {
  runs: number;
  /** Of them, those that were never over. */
  unfinished: number;
}

const CHUNK = 1_000;

/** By index: over since then, or begun before and not over. */
const FINISHED = `outcome = ANY('{done,failed,skipped}') AND finished_at < $1::timestamptz`;
const UNFINISHED = 'outcome IS NULL AND created_at < $1::timestamptz';

export async function countOldRuns(db: Statements, before: string): Promise<PrunedRuns> {
  const [found] = await db.query<PrunedRuns>(
    `SELECT count(*)::integer AS runs, (count(*) FILTER (WHERE outcome IS NULL))::integer AS unfinished
     FROM ${db.table('handler_runs')} WHERE (${FINISHED}) OR (${UNFINISHED})`,
    before,
  );
  return found ?? { runs: 0, unfinished: 0 };
}

/** Called before payloads go: whoever has none left has no run left that waits for it. */
export async function pruneRuns(
  db: Database,
  { before, bounds, onProgress }: Pruning,
): Promise<PrunedRuns> {
  const pruned: PrunedRuns = { runs: 0, unfinished: 0 };
  for (const condition of [FINISHED, UNFINISHED]) {
    for (;;) {
      const gone = await retryContended(() =>
        db.transact(async (tx) => {
          await beginBatch(tx, { ...bounds, holdsDelete: false });
          return deleteChunk(tx, condition, before);
        }),
      );
      pruned.runs += gone;
      if (condition === UNFINISHED) pruned.unfinished += gone;
      onProgress(pruned.runs);
      if (gone < CHUNK) break;
    }
  }
  return pruned;
}

async function deleteChunk(tx: Statements, condition: string, before: string): Promise<number> {
  const runs = tx.table('handler_runs');
  return tx.execute(
    `WITH due AS (
       SELECT event_id, handler FROM ${runs} WHERE ${condition} LIMIT ${CHUNK} FOR UPDATE SKIP LOCKED
     )
     DELETE FROM ${runs} h USING due WHERE h.event_id = due.event_id AND h.handler = due.handler`,
    before,
  );
}
