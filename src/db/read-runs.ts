/** handler_runs for people: what became of each run, and which events can start another. Writes nothing. */
import { type Statements } from './database.js';
import { type RunKey, type RunOutcome } from './handler-runs.js';

/** One row. Times in milliseconds since 1970. */
export interface RunRecord extends RunKey {
  /** When the event was applied; of a later round, when it was asked for. */
  createdAt: number;
  /** Null: the queue was not told of it yet. */
  relayedAt: number | null;
  finishedAt: number | null;
  /** Null: it is not over. */
  outcome: RunOutcome | null;
  /** Begun, the one that is under way included. */
  attempts: number;
  /** Of the last attempt that failed, or why it was skipped. */
  error: string | null;
}

/** An event that handlers may be asked to run for again. */
export interface RunnableEvent {
  id: string;
  type: string | null;
  entityType: string | null;
  entityId: string | null;
  receivedAt: number | null;
  hasPayload: boolean;
}

/** Of these events, by event and by name. */
export async function readRuns(
  db: Statements,
  eventIds: readonly string[],
): Promise<Map<string, RunRecord[]>> {
  const rows = await db.query<RunRecord>(
    `SELECT event_id AS "eventId", handler, round, ${inMs('created_at')} AS "createdAt", ${inMs('relayed_at')} AS "relayedAt",
       ${inMs('finished_at')} AS "finishedAt", outcome, attempts, error
     FROM ${db.table('handler_runs')} WHERE event_id = ANY($1::text[]) ORDER BY event_id, handler`,
    eventIds,
  );
  const byEvent = new Map<string, RunRecord[]>();
  for (const row of rows) byEvent.set(row.eventId, [...(byEvent.get(row.eventId) ?? []), row]);
  return byEvent;
}

/** In the order of `ids`; what the ledger does not have is left out. */
export async function readRunnableEvents(
  db: Statements,
  ids: readonly string[],
): Promise<RunnableEvent[]> {
  const rows = await db.query<RunnableEvent>(
    `SELECT id, type, entity_type AS "entityType", entity_id AS "entityId", ${inMs('received_at')} AS "receivedAt",
       payload IS NOT NULL AS "hasPayload"
     FROM ${db.table('webhook_events')} WHERE id = ANY($1::text[])`,
    ids,
  );
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.flatMap((id) => byId.get(id) ?? []);
}

function inMs(column: string): string {
  return `(extract(epoch FROM ${column}) * 1000)::float8`;
}
