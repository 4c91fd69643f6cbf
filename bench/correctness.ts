/** After a run: are the tables what the accepted events say? In SQL, so that a million rows take seconds. */
import { VoidFigure } from './contract.js';
import { type UserEvent } from './event-templates.js';
import { type BenchEvent } from './events.js';
import { type BenchDatabase } from './servers.js';

export type Accepted = Pick<BenchEvent, 'id' | 'entityId' | 'updatedAt'>;

/** Rows of the mirror that no accepted event is about. */
export interface Strangers {
  users: number;
  ledger: number;
}

/** Empties the mirror and, beside it, the list of what was accepted. */
export async function resetTables(database: BenchDatabase): Promise<void> {
  await emptyMirror(database);
  await beginRecord(database);
}

/** Empties the mirror, and takes what it held off the list: for a queue that is never empty. */
export async function forgetApplied(database: BenchDatabase): Promise<void> {
  await database.query(
    'DELETE FROM bench.accepted a USING clerk.webhook_events l WHERE l.id = a.id',
  );
  await emptyMirror(database);
}

export async function emptyMirror(database: BenchDatabase): Promise<void> {
  await database.query(
    'TRUNCATE clerk.users, clerk.entity_versions, clerk.webhook_events, clerk.handler_runs CASCADE',
  );
}

/** Begins an empty list of accepted events. */
export async function beginRecord(database: BenchDatabase): Promise<void> {
  await database.query('CREATE SCHEMA IF NOT EXISTS bench');
  await database.query('DROP TABLE IF EXISTS bench.accepted');
  await database.query(
    'CREATE UNLOGGED TABLE bench.accepted (id text NOT NULL, entity_id text NOT NULL, updated_at timestamptz(3) NOT NULL)',
  );
}

/** Each event once, as soon or as late as it is convenient before the check. */
export async function recordAccepted(
  database: BenchDatabase,
  events: readonly Accepted[],
): Promise<void> {
  await database.query(
    `INSERT INTO bench.accepted
     SELECT id, entity_id, to_timestamp(ms / 1000.0) FROM unnest($1::text[], $2::text[], $3::bigint[]) AS r(id, entity_id, ms)`,
    [
      events.map(({ id }) => id),
      events.map(({ entityId }) => entityId),
      events.map(({ updatedAt }) => updatedAt),
    ],
  );
}

/** To be asked before a run whose tables are not empty when it begins. */
export async function countStrangers(database: BenchDatabase): Promise<Strangers> {
  const [strangers] = await database.query<{ users: number; ledger: number }>(
    `SELECT (SELECT count(*)::integer FROM clerk.users u WHERE NOT EXISTS (SELECT FROM bench.accepted a WHERE a.entity_id = u.id)) AS users,
       (SELECT count(*)::integer FROM clerk.webhook_events l WHERE NOT EXISTS (SELECT FROM bench.accepted a WHERE a.id = l.id)) AS ledger`,
  );
  return strangers ?? { users: 0, ledger: 0 };
}

const NOBODY: Strangers = { users: 0, ledger: 0 };

export interface MirrorState {
  /** Accepted events that are on the queue still, or again. Default: none. */
  pending?: number;
  /** As they were before the run. Default: none. */
  strangers?: Strangers | undefined;
  /** How many handlers an applied event of each type has. Default: as shipped. */
  handlers?: Readonly<Record<UserEvent, number>>;
}

const SHIPPED_HANDLERS = { 'user.created': 1, 'user.updated': 0 } as const;

/**
 * What our own worker owes: each event in the ledger, each entity at its newest version, its row that version's, a run for each
 * handler of each event that was applied, and nothing else.
 * @throws VoidFigure that names and counts what differs.
 */
export async function checkMirror(
  database: BenchDatabase,
  { pending = 0, strangers = NOBODY, handlers = SHIPPED_HANDLERS }: MirrorState = {},
): Promise<void> {
  await database.query('ANALYZE bench.accepted');
  const [found] = await database.query<Findings>(
    `WITH done AS (
       SELECT a.*, l.outcome, l.entity_id AS told, CASE WHEN l.outcome <> 'applied' OR l.payload IS NULL THEN 0
           WHEN l.type = 'user.created' THEN ${handlers['user.created']} ELSE ${handlers['user.updated']} END AS handlers
         FROM bench.accepted a JOIN clerk.webhook_events l USING (id)
     ), newest AS (${selectNewest('done')})
     SELECT * FROM (
       SELECT (SELECT count(*) FROM bench.accepted) - count(*) - ${pending} AS "events that the ledger lacks",
         count(*) FILTER (WHERE done.outcome IS NULL OR done.outcome NOT IN ('applied', 'stale')) AS "events with an outcome that none can have",
         count(*) FILTER (WHERE told IS DISTINCT FROM entity_id) AS "ledger rows about somebody else",
         count(*) FILTER (WHERE handlers IS DISTINCT FROM coalesce(h.runs, 0)) AS "runs of handlers that are missing or too many"
       FROM done LEFT JOIN (SELECT event_id, count(*) AS runs FROM clerk.handler_runs GROUP BY event_id) h ON h.event_id = done.id
     ) AS of_events, (
       SELECT count(*) FILTER (WHERE n.outcome <> 'applied') AS "newest events that were not applied",
         count(*) FILTER (WHERE v.version_event_id IS DISTINCT FROM n.id OR v.version_updated_at IS DISTINCT FROM n.updated_at
           OR v.deleted_at IS NOT NULL) AS "versions that are not the newest",
         ${countWrongRows}
       FROM newest n
       LEFT JOIN clerk.entity_versions v ON v.entity_type = 'user' AND v.entity_id = n.entity_id
       LEFT JOIN clerk.users u ON u.id = n.entity_id
     ) AS of_entities`,
  );
  const now = await countStrangers(database);
  refuse({
    ...found,
    'rows that nobody asked for': now.users - strangers.users,
    'ledger rows that nobody asked for': now.ledger - strangers.ledger,
  });
}

/**
 * What owes no more than rows: one for each user, at the newest state that came, and no other.
 * @throws VoidFigure that names and counts what differs.
 */
export async function checkRows(database: BenchDatabase): Promise<void> {
  await database.query('ANALYZE bench.accepted');
  const [found] = await database.query<Findings>(
    `WITH newest AS (${selectNewest('bench.accepted')})
     SELECT count(*) FILTER (WHERE u.id IS NULL) AS "users without a row",
       count(*) FILTER (WHERE u.updated_at <> n.updated_at) AS "rows that are not the newest"
     FROM newest n LEFT JOIN clerk.users u ON u.id = n.entity_id`,
  );
  const now = await countStrangers(database);
  refuse({ ...found, 'rows that nobody asked for': now.users });
}

/** By what it is: how many there are. Postgres counts in bigint, which comes as text. */
type Findings = Record<string, string | number>;

function refuse(findings: Findings): void {
  const wrong = Object.entries(findings).filter(([, count]) => Number(count) !== 0);
  if (wrong.length === 0) return;
  throw new VoidFigure(
    `The tables are not what was accepted: ${wrong.map(([what, count]) => `${count} ${what}`).join(', ')}.`,
  );
}

function selectNewest(from: string): string {
  return `SELECT DISTINCT ON (entity_id) * FROM ${from} ORDER BY entity_id, updated_at DESC, id COLLATE "C" DESC`;
}

/** Of the newest events `n` and the rows `u`. */
const countWrongRows = `count(*) FILTER (WHERE u.updated_at IS DISTINCT FROM n.updated_at
           OR (u.data->>'updated_at')::bigint IS DISTINCT FROM (extract(epoch FROM n.updated_at) * 1000)::bigint) AS "rows that are not the newest"`;
