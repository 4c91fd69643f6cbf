/** What the ledger tells about the deliveries of late, for `npm run doctor`. Counts, types and instances; nobody's data. */
import { type Database } from './database.js';

export interface LedgerNews {
  /** The newest delivery among the `RECENT_EVENTS` that were decided last; time in milliseconds since 1970. Null: none ever came. */
  newest: { type: string | null; receivedAt: number } | null;
  /** Clerk instances of those same events, the most frequent first. */
  instances: { id: string; events: number }[];
}

export interface LedgerFailures {
  lastDay: number;
  lastWeek: number;
}

/** Found by index, however long the ledger is. */
const RECENT_EVENTS = 1_000;

export async function readLedgerNews(db: Database): Promise<LedgerNews> {
  const recent = `(SELECT type, instance_id, received_at FROM ${db.table('webhook_events')}
    WHERE processed_at IS NOT NULL ORDER BY processed_at DESC LIMIT ${RECENT_EVENTS}) AS recent`;
  const [newest] = await db.query<{ type: string | null; receivedAt: number }>(
    `SELECT type, (extract(epoch FROM received_at) * 1000)::float8 AS "receivedAt" FROM ${recent}
     WHERE received_at IS NOT NULL ORDER BY received_at DESC LIMIT 1`,
  );
  const instances = await db.query<{ id: string; events: number }>(
    `SELECT instance_id AS id, count(*)::int AS events FROM ${recent}
     WHERE instance_id IS NOT NULL GROUP BY instance_id ORDER BY events DESC, id`,
  );
  return { newest: newest ?? null, instances };
}

/** Events that have failed for good and were not applied since. */
export async function countFailures(db: Database): Promise<LedgerFailures> {
  const [found] = await db.query<LedgerFailures>(
    `SELECT count(*) FILTER (WHERE processed_at > now() - interval '1 day')::int AS "lastDay", count(*)::int AS "lastWeek"
     FROM ${db.table('webhook_events')} WHERE outcome = 'failed' AND processed_at > now() - interval '7 days'`,
  );
  return found ?? { lastDay: 0, lastWeek: 0 };
}

/** Whether the ledger still says what an event contained that was decided more than `days` ago. Asks of those that came due last. */
export async function hasPayloadsOlderThan(db: Database, days: number): Promise<boolean> {
  const [found] = await db.query<{ found: boolean | null }>(
    `SELECT bool_or(payload IS NOT NULL) AS found FROM (
       SELECT payload FROM ${db.table('webhook_events')} WHERE processed_at < now() - make_interval(days => $1::int)
       ORDER BY processed_at DESC LIMIT ${RECENT_EVENTS}) AS due`,
    days,
  );
  return found?.found ?? false;
}
