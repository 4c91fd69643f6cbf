/** What became of runs of handlers of late, for `npm run doctor`. Counts, names and svix-ids; nobody's data. */
import { type Statements } from './database.js';

export interface FailedRuns {
  handler: string;
  runs: number;
  /** The event of the newest. */
  eventId: string;
}

export interface WaitingRuns {
  /** That the queue was not told of yet, and how long the oldest waits for it, in milliseconds. */
  unrelayed: number;
  unrelayedMs: number;
  /** That it was told of. */
  relayed: number;
}

/** Unfinished for longer than all attempts of a handler take by default. */
export interface OverdueRuns extends FailedRuns {
  /** Of the oldest, in milliseconds. */
  sinceMs: number;
}

/** In the last day, by handler. */
export async function countFailedRuns(db: Statements): Promise<FailedRuns[]> {
  return db.query<FailedRuns>(
    `SELECT handler, count(*)::integer AS runs, (array_agg(event_id ORDER BY finished_at DESC))[1] AS "eventId"
     FROM ${db.table('handler_runs')} WHERE outcome = 'failed' AND finished_at > now() - interval '1 day'
     GROUP BY handler ORDER BY runs DESC, handler`,
  );
}

export async function countWaitingRuns(db: Statements): Promise<WaitingRuns> {
  const [found] = await db.query<WaitingRuns>(
    `SELECT count(*) FILTER (WHERE relayed_at IS NULL)::integer AS unrelayed,
       coalesce(extract(epoch FROM clock_timestamp() - min(created_at) FILTER (WHERE relayed_at IS NULL)) * 1000, 0)::float8 AS "unrelayedMs",
       count(*) FILTER (WHERE relayed_at IS NOT NULL)::integer AS relayed
     FROM ${db.table('handler_runs')} WHERE outcome IS NULL`,
  );
  return found ?? { unrelayed: 0, unrelayedMs: 0, relayed: 0 };
}

/** Relayed, and not over after `minutes`, by handler. */
export async function listOverdueRuns(db: Statements, minutes: number): Promise<OverdueRuns[]> {
  return db.query<OverdueRuns>(
    `SELECT handler, count(*)::integer AS runs, (array_agg(event_id ORDER BY created_at))[1] AS "eventId",
       (extract(epoch FROM clock_timestamp() - min(created_at)) * 1000)::float8 AS "sinceMs"
     FROM ${db.table('handler_runs')} WHERE outcome IS NULL AND relayed_at IS NOT NULL
       AND created_at < now() - make_interval(mins => $1::integer)
     GROUP BY handler ORDER BY runs DESC, handler`,
    minutes,
  );
}
