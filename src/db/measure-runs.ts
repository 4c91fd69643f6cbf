/** How many runs of handlers are not over, or failed, and how old the oldest is. */
import { type Statements } from './database.js';

export interface RunMeasure {
  /** By handler; those that have neither are missing. */
  handlers: readonly HandlerMeasure[];
  /** Runs that the queue was not told of yet. */
  unrelayed: number;
  /** Seconds since the oldest of them was written; 0: there is none. */
  oldestUnrelayedSeconds: number;
}

export interface HandlerMeasure {
  handler: string;
  unfinished: number;
  oldestUnfinishedSeconds: number;
  failed: number;
}

/** By the indexes of the two outcomes, and of what is not relayed: runs that are done are not read. */
export async function measureRuns(db: Statements): Promise<RunMeasure> {
  const runs = db.table('handler_runs');
  // Zero where there is none; the clocks of two servers are not compared.
  const ageOf = (oldest: string) =>
    `greatest(0, coalesce(extract(epoch FROM now() - ${oldest}), 0))::float8`;
  const [handlers, [unrelayed]] = await Promise.all([
    db.query<HandlerMeasure>(
      `SELECT handler, count(*) FILTER (WHERE outcome IS NULL)::int AS unfinished,
         ${ageOf('min(created_at) FILTER (WHERE outcome IS NULL)')} AS "oldestUnfinishedSeconds",
         count(*) FILTER (WHERE outcome = 'failed')::int AS failed
       FROM ${runs} WHERE outcome IS NULL OR outcome = 'failed' GROUP BY handler`,
    ),
    db.query<Omit<RunMeasure, 'handlers'>>(
      `SELECT count(*)::int AS unrelayed, ${ageOf('min(created_at)')} AS "oldestUnrelayedSeconds"
       FROM ${runs} WHERE relayed_at IS NULL`,
    ),
  ]);
  return { handlers, unrelayed: 0, oldestUnrelayedSeconds: 0, ...unrelayed };
}
