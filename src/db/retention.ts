/** Retention of payloads and of sessions that are over: many small transactions, each of which a worker waits for but briefly. */
import { retryContended } from './contention.js';
import { type Database, type Statements } from './database.js';
import { classifyFault, describeFault } from './faults.js';
import { beginBatch } from './versions.js';

/** Of a transaction, as those of a worker's are bounded. */
export interface Bounds {
  lockTimeoutSeconds: number;
  idleTimeoutSeconds: number;
}

export interface Pruning {
  /** ISO 8601. What is older goes. */
  before: string;
  bounds: Bounds;
  /** Called with how many are gone by now. */
  onProgress: (done: number) => void;
}

export interface PrunedPayloads {
  payloads: number;
  /** Of them, those of failed events, which can be mended by a resend only. */
  failed: number;
}

export interface PrunedSessions {
  sessions: number;
  /** What the database refused to delete: a table of the application's points to it. */
  refused: number;
  /** Why, of the first one. */
  reason: string | null;
}

/** Rows a transaction: about 50 ms. */
const CHUNK = 1_000;

/** The database's own time, in milliseconds since 1970. */
export async function readClock(db: Statements): Promise<number> {
  const [row] = await db.query<{ now: Date }>('SELECT clock_timestamp() AS now');
  if (!row) throw new Error('The database did not tell the time.');
  return row.now.getTime();
}

export async function countPayloads(db: Statements, before: string): Promise<PrunedPayloads> {
  const [found] = await db.query<PrunedPayloads>(
    `SELECT count(*)::integer AS payloads, (count(*) FILTER (WHERE outcome = 'failed'))::integer AS failed
     FROM ${db.table('webhook_events')} WHERE processed_at < $1::timestamptz AND payload IS NOT NULL`,
    before,
  );
  return found ?? { payloads: 0, failed: 0 };
}

/** Rows stay: what came, when, and what was decided. When it returns, no payload is older than `before`. */
export async function prunePayloads(
  db: Database,
  { before, bounds, onProgress }: Pruning,
): Promise<PrunedPayloads> {
  const pruned: PrunedPayloads = { payloads: 0, failed: 0 };
  const ledger = db.table('webhook_events');
  let reached = '-infinity';
  for (;;) {
    const [chunk] = await retryContended(() =>
      db.transact(async (tx) => {
        await beginBatch(tx, { ...bounds, holdsDelete: false });
        // Locked in the order in which batches write the ledger. Whoever was waited for may have decided the event anew.
        return tx.query<PrunedPayloads & { reached: string | null }>(
          `WITH due AS (
             SELECT id, processed_at FROM ${ledger}
             WHERE processed_at < $1::timestamptz AND processed_at >= $2::timestamptz AND payload IS NOT NULL
             ORDER BY processed_at LIMIT ${CHUNK}
           ), locked AS (
             SELECT id, outcome FROM ${ledger} WHERE id IN (SELECT id FROM due) AND processed_at < $1::timestamptz
             ORDER BY id COLLATE "C" FOR UPDATE
           ), gone AS (
             UPDATE ${ledger} e SET payload = NULL FROM locked WHERE e.id = locked.id RETURNING locked.outcome
           )
           SELECT (SELECT max(processed_at)::text FROM due) AS reached, count(*)::integer AS payloads,
             (count(*) FILTER (WHERE outcome = 'failed'))::integer AS failed FROM gone`,
          before,
          reached,
        );
      }),
    );
    if (!chunk?.reached) return pruned;
    reached = chunk.reached;
    pruned.payloads += chunk.payloads;
    pruned.failed += chunk.failed;
    onProgress(pruned.payloads);
  }
}

/**
 * Whether the session `s` was over before `before`. Clerk sends nothing when a session runs out by itself: then both of its
 * times have passed, for the earlier one can be put off.
 */
export function isOver(s: string, before: string): string {
  return `(CASE WHEN ${s}.status IN ('abandoned', 'ended', 'expired', 'removed', 'replaced', 'revoked')
     THEN coalesce(${s}.updated_at, ${s}.synced_at) ELSE greatest(${s}.expire_at, ${s}.abandon_at) END < ${before}::timestamptz)`;
}

export async function countSessions(db: Statements, before: string): Promise<number> {
  const [found] = await db.query<{ n: number }>(
    `SELECT count(*)::integer AS n FROM ${db.table('sessions')} s WHERE ${isOver('s', '$1')}`,
    before,
  );
  return found?.n ?? 0;
}

/** Deletes rows; the version of each stays, so that an old event that comes again is stale and makes no row. */
export async function pruneSessions(db: Database, pruning: Pruning): Promise<PrunedSessions> {
  const pruned: PrunedSessions = { sessions: 0, refused: 0, reason: null };
  let after = '';
  for (;;) {
    const found = await db.query<{ id: string }>(
      `SELECT id FROM ${db.table('sessions')} s WHERE id > $2 AND ${isOver('s', '$1')} ORDER BY id LIMIT ${CHUNK}`,
      pruning.before,
      after,
    );
    const last = found.at(-1);
    if (!last) return pruned;
    after = last.id;
    await deleteSessions(
      db,
      found.map(({ id }) => id),
      { ...pruning, pruned },
    );
    pruning.onProgress(pruned.sessions);
  }
}

/** Halves what the database refuses until the row that it refuses stands alone. */
async function deleteSessions(
  db: Database,
  ids: readonly string[],
  context: Pruning & { pruned: PrunedSessions },
): Promise<void> {
  const { before, bounds, pruned } = context;
  try {
    pruned.sessions += await retryContended(() =>
      db.transact(async (tx) => {
        await beginBatch(tx, { ...bounds, holdsDelete: false });
        // What a worker holds at this moment is changing: the next run looks again.
        const locked = await tx.query<{ id: string }>(
          `SELECT entity_id AS id FROM ${tx.table('entity_versions')}
           WHERE entity_type = 'session' AND entity_id = ANY($1::text[]) FOR UPDATE SKIP LOCKED`,
          ids,
        );
        return tx.execute(
          `DELETE FROM ${tx.table('sessions')} s WHERE id = ANY($2::text[]) AND ${isOver('s', '$1')}`,
          before,
          locked.map(({ id }) => id),
        );
      }),
    );
  } catch (error) {
    if (classifyFault(error) !== 'data') throw error;
    const middle = Math.ceil(ids.length / 2);
    if (ids.length > 1) {
      await deleteSessions(db, ids.slice(0, middle), context);
      await deleteSessions(db, ids.slice(middle), context);
    } else {
      pruned.refused++;
      pruned.reason ??= describeFault(error);
    }
  }
}
