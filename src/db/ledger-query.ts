/** Reads the ledger for people: which events it has, and what it says of them. Writes nothing. */
import { type Statements } from './database.js';
import { type Outcome } from './ledger.js';

/** What is set must hold, all of it. Times in milliseconds since 1970. */
export interface LedgerFilter {
  id?: string | undefined;
  outcome?: Outcome | undefined;
  type?: string | undefined;
  /** Any of them. */
  types?: readonly string[] | undefined;
  /** Handlers, one of which at least has failed for good. */
  failedIn?: readonly string[] | undefined;
  entityId?: string | undefined;
  /** Received then or later. */
  since?: number | undefined;
  /** Received before. */
  until?: number | undefined;
}

export interface EventReference {
  id: string;
  /** Milliseconds since 1970. */
  receivedAt: number;
}

export interface LedgerRow extends EventReference {
  type: string | null;
  entityType: string | null;
  entityId: string | null;
  outcome: Outcome;
  /** The envelope as JSON text, so that no number loses a digit. Null: not kept any longer, or never readable. */
  payload: string | null;
}

/** The next events in the order they were received, at most `limit`. */
export async function listEvents(
  db: Statements,
  filter: LedgerFilter,
  { after, limit }: { after: EventReference | undefined; limit: number },
): Promise<EventReference[]> {
  const { where, values } = toCondition(db, filter, after);
  const rows = await db.query<{ id: string; received_at: Date }>(
    `SELECT id, received_at FROM ${db.table('webhook_events')} WHERE ${where} ORDER BY received_at, id LIMIT ${limit}`,
    ...values,
  );
  return rows.map(({ id, received_at }) => ({ id, receivedAt: received_at.getTime() }));
}

/** @param among counts only these ids. */
export async function countEvents(
  db: Statements,
  filter: LedgerFilter,
  among?: readonly string[],
): Promise<number> {
  const { where, values } = toCondition(db, filter);
  const narrowed = among ? `${where} AND id = ANY($${values.length + 1}::text[])` : where;
  const [row] = await db.query<{ n: number }>(
    `SELECT count(*)::integer AS n FROM ${db.table('webhook_events')} WHERE ${narrowed}`,
    ...values,
    ...(among ? [among] : []),
  );
  return row?.n ?? 0;
}

/** By id; what the ledger does not have is missing. */
export async function readLedgerRows(
  db: Statements,
  ids: readonly string[],
): Promise<Map<string, LedgerRow>> {
  const rows = await db.query<StoredRow>(
    `SELECT id, type, entity_type, entity_id, outcome, received_at, payload::text AS payload
     FROM ${db.table('webhook_events')} WHERE id = ANY($1::text[])`,
    ids,
  );
  return new Map(
    rows.map(({ entity_type, entity_id, received_at, ...row }) => [
      row.id,
      {
        ...row,
        entityType: entity_type,
        entityId: entity_id,
        receivedAt: received_at.getTime(),
      },
    ]),
  );
}

interface StoredRow extends Pick<LedgerRow, 'id' | 'type' | 'outcome' | 'payload'> {
  entity_type: string | null;
  entity_id: string | null;
  received_at: Date;
}

/**
 * What was received late was processed later still, and the indexes are on the time of processing. The slack is for clocks:
 * one is ingest's, the other the database's.
 */
const CLOCK_SLACK_MS = 3_600_000;

function toCondition(db: Statements, filter: LedgerFilter, after?: EventReference) {
  const values: unknown[] = [];
  const place = (value: unknown) => `$${values.push(value)}`;
  const moment = (ms: number) => `${place(new Date(ms).toISOString())}::timestamptz`;
  const { id, outcome, type, types, failedIn, entityId, since, until } = filter;
  const from = after?.receivedAt ?? since;
  const parts = [
    id !== undefined && `id = ${place(id)}`,
    outcome !== undefined && `outcome = ${place(outcome)}`,
    type !== undefined && `type = ${place(type)}`,
    types && `type = ANY(${place(types)}::text[])`,
    failedIn &&
      `EXISTS (SELECT 1 FROM ${db.table('handler_runs')} h
        WHERE h.event_id = id AND h.outcome = 'failed' AND h.handler = ANY(${place(failedIn)}::text[]))`,
    entityId !== undefined && `entity_id = ${place(entityId)}`,
    since !== undefined && `received_at >= ${moment(since)}`,
    until !== undefined && `received_at < ${moment(until)}`,
    from !== undefined && `processed_at >= ${moment(from - CLOCK_SLACK_MS)}`,
    after && `(received_at, id) > (${moment(after.receivedAt)}, ${place(after.id)})`,
  ].filter((part) => typeof part === 'string');
  return { where: parts.join(' AND ') || 'true', values };
}
