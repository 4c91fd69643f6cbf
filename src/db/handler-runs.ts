/** handler_runs, the outbox: a row for each handler of each applied event, written in the commit that applies it. */
import { type Statements } from './database.js';
import { type WritePart } from './write-part.js';

export type RunOutcome = 'done' | 'failed' | 'skipped';

/** One run of one handler: who asks for another with a higher round starts it again. */
export interface RunKey {
  eventId: string;
  handler: string;
  round: number;
}

/** Of an event that is applied for the first time. */
export type NewRun = Omit<RunKey, 'round'>;

/** Rows as they are written with their event; what stands there already stays. */
export function toHandlerRunsPart(tx: Statements, runs: readonly NewRun[]): WritePart {
  return {
    toSql: ({
      records,
    }) => `INSERT INTO ${tx.table('handler_runs')} (event_id, handler, round, created_at)
      SELECT r.event_id, r.handler, 1, clock_timestamp() FROM jsonb_to_recordset(${records}) AS r(event_id text, handler text)
      ON CONFLICT (event_id, handler) DO NOTHING`,
    records: runs.map(({ eventId, handler }) => ({ event_id: eventId, handler })),
  };
}

/** A round that somebody asks for. */
export interface NewRound extends NewRun {
  /** The one that is to be followed; 0: there was none. */
  after: number;
}

/** Begins rounds, each as if it had just been applied. @returns those that began: not where another round has taken the place. */
export async function beginRounds(db: Statements, rounds: readonly NewRound[]): Promise<RunKey[]> {
  return db.query<RunKey>(
    `INSERT INTO ${db.table('handler_runs')} AS stored (event_id, handler, round, created_at)
     SELECT r.event_id, r.handler, r.after + 1, clock_timestamp()
     FROM unnest($1::text[], $2::text[], $3::integer[]) AS r(event_id, handler, after) ORDER BY r.event_id, r.handler
     ON CONFLICT (event_id, handler) DO UPDATE SET round = excluded.round, created_at = excluded.created_at,
       relayed_at = NULL, finished_at = NULL, outcome = NULL, attempts = 0, error = NULL
     WHERE stored.round = excluded.round - 1
     RETURNING event_id AS "eventId", handler, round`,
    rounds.map(({ eventId }) => eventId),
    rounds.map(({ handler }) => handler),
    rounds.map(({ after }) => after),
  );
}

/** After which Postgres frees the rows of a relay that froze with them in its hands. */
const IDLE_TIMEOUT = '10s';

/** Locks the oldest runs that the queue was not told of, until the transaction ends; others' are passed over. */
export async function takeUnrelayed(tx: Statements, limit: number): Promise<RunKey[]> {
  const [, runs] = await Promise.all([
    tx.query(`SELECT set_config('idle_in_transaction_session_timeout', $1, true)`, IDLE_TIMEOUT),
    tx.query<RunKey>(
      `SELECT event_id AS "eventId", handler, round FROM ${tx.table('handler_runs')}
       WHERE relayed_at IS NULL ORDER BY created_at LIMIT $1 FOR UPDATE SKIP LOCKED`,
      limit,
    ),
  ]);
  return runs;
}

export async function markRelayed(tx: Statements, runs: readonly RunKey[]): Promise<void> {
  await tx.execute(
    `UPDATE ${tx.table('handler_runs')} h SET relayed_at = clock_timestamp()
     FROM unnest($1::text[], $2::text[]) AS r(event_id, handler)
     WHERE h.event_id = r.event_id AND h.handler = r.handler`,
    runs.map(({ eventId }) => eventId),
    runs.map(({ handler }) => handler),
  );
}

/** A run that is relayed for this long, and not finished, may have lost its job. */
const RELAY_AGAIN_AFTER = '10 minutes';

/** Lets runs be relayed once more that were so long ago: to a queue that still has their jobs it is nothing new. */
export async function relayAgain(db: Statements, limit: number): Promise<number> {
  const runs = db.table('handler_runs');
  return db.execute(
    `UPDATE ${runs} h SET relayed_at = NULL FROM (
       SELECT event_id, handler FROM ${runs} WHERE outcome IS NULL AND relayed_at < now() - $1::interval
       ORDER BY relayed_at LIMIT $2 FOR UPDATE SKIP LOCKED
     ) AS old WHERE h.event_id = old.event_id AND h.handler = old.handler`,
    RELAY_AGAIN_AFTER,
    limit,
  );
}

/** What an attempt needs to know of its event. */
export interface StartedRun {
  /** Which attempt this is, from 1; those that died with their worker count. */
  attempt: number;
  /** The whole envelope as it is stored. Null: pruned, or erased. */
  payload: unknown;
  /** In milliseconds since 1970. */
  occurredAt: number;
  /** Milliseconds since the row was written, by the database's clock. */
  waitedMs: number;
}

/**
 * Counts an attempt as begun. One that had failed for good begins again at 1: somebody retried its job.
 * @returns null when there is nothing to do: it is done, or another round has taken its place.
 */
export async function startRun(
  db: Statements,
  { eventId, handler, round }: RunKey,
): Promise<StartedRun | null> {
  const [started] = await db.query<StartedRun>(
    `WITH started AS (
       UPDATE ${db.table('handler_runs')} SET attempts = CASE WHEN finished_at IS NULL THEN attempts + 1 ELSE 1 END,
         finished_at = NULL, outcome = NULL
       WHERE event_id = $1 AND handler = $2 AND round = $3 AND (finished_at IS NULL OR outcome = 'failed')
       RETURNING event_id, attempts, created_at
     )
     SELECT s.attempts AS attempt, e.payload, (extract(epoch FROM clock_timestamp() - s.created_at) * 1000)::float8 AS "waitedMs",
       (extract(epoch FROM coalesce(e.occurred_at, e.received_at, s.created_at)) * 1000)::float8 AS "occurredAt"
     FROM started s LEFT JOIN ${db.table('webhook_events')} e ON e.id = s.event_id`,
    eventId,
    handler,
    round,
  );
  return started ?? null;
}

/** Why the last attempt failed; another follows. */
export async function noteFailedAttempt(
  db: Statements,
  { eventId, handler, round }: RunKey,
  error: string,
): Promise<void> {
  await db.execute(
    `UPDATE ${db.table('handler_runs')} SET error = $4
     WHERE event_id = $1 AND handler = $2 AND round = $3 AND finished_at IS NULL`,
    eventId,
    handler,
    round,
    error,
  );
}

export interface RunEnd {
  outcome: RunOutcome;
  /** Why, unless it is done. */
  error: string | null;
}

/** @returns false when it was finished already, or another round has taken its place. */
export async function finishRun(
  db: Statements,
  { eventId, handler, round }: RunKey,
  { outcome, error }: RunEnd,
): Promise<boolean> {
  const touched = await db.execute(
    `UPDATE ${db.table('handler_runs')} SET outcome = $4, error = $5, finished_at = clock_timestamp()
     WHERE event_id = $1 AND handler = $2 AND round = $3 AND finished_at IS NULL`,
    eventId,
    handler,
    round,
    outcome,
    error,
  );
  return touched > 0;
}
