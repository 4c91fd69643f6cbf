/** What the tables know of one id: ledger, versions, row, children. Reads only. */
import { type Statements } from './database.js';
import { type Outcome } from './ledger.js';
import { CASCADES, TABLES, type TableName } from './tables.js';
import { type EntityKey } from './versions.js';

/** One row of the ledger without its payload. Times in milliseconds since 1970. */
export interface LedgerRecord {
  id: string;
  type: string | null;
  entityType: string | null;
  entityId: string | null;
  instanceId: string | null;
  occurredAt: number | null;
  receivedAt: number | null;
  processedAt: number | null;
  outcome: Outcome | null;
  error: string | null;
  /** `data.updated_at` as the payload has it; null also when the payload is no longer kept. */
  updatedAt: number | null;
  hasPayload: boolean;
}

export interface VersionRecord extends EntityKey {
  /** Null: nothing was ever applied; the row only serves as a lock. */
  updatedAt: number | null;
  occurredAt: number;
  /** Empty: a copy that an event of another entity carried along. */
  eventId: string;
  deletedAt: number | null;
  erasedAt: number | null;
}

export interface OutcomeCount {
  entityType: string;
  outcome: string;
  events: number;
}

export interface Children {
  table: TableName;
  count: number;
  /** The first few. */
  ids: string[];
}

const CHILDREN_NAMED = 3;

export async function readEvent(db: Statements, id: string): Promise<LedgerRecord | null> {
  const [row] = await db.query<LedgerRow>(
    `SELECT ${LEDGER_COLUMNS} FROM ${db.table('webhook_events')} WHERE id = $1`,
    id,
  );
  return row ? toRecord(row) : null;
}

/** Null when the ledger has no such event, or no longer its payload. */
export async function readPayload(db: Statements, id: string): Promise<unknown> {
  const [row] = await db.query<{ payload: unknown }>(
    `SELECT payload FROM ${db.table('webhook_events')} WHERE id = $1`,
    id,
  );
  return row?.payload ?? null;
}

/** The newest events of an entity, in no promised order. @param outcome only those that were decided so. */
export async function readEvents(
  db: Statements,
  { entityType, entityId, limit, outcome }: EntityKey & { limit: number; outcome?: Outcome },
): Promise<LedgerRecord[]> {
  const rows = await db.query<LedgerRow>(
    `SELECT ${LEDGER_COLUMNS} FROM ${db.table('webhook_events')}
     WHERE entity_type = $1 AND entity_id = $2 AND ($4::text IS NULL OR outcome = $4::text)
     ORDER BY occurred_at DESC, id DESC LIMIT $3::integer`,
    entityType,
    entityId,
    limit,
    outcome ?? null,
  );
  return rows.map(toRecord);
}

/** How often which outcome, under every entity type that the id has. */
export async function countOutcomes(db: Statements, entityId: string): Promise<OutcomeCount[]> {
  return db.query<OutcomeCount>(
    `SELECT entity_type AS "entityType", coalesce(outcome, 'undecided') AS outcome, count(*)::integer AS events
     FROM ${db.table('webhook_events')} WHERE entity_id = $1 AND entity_type IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2`,
    entityId,
  );
}

/** Under every entity type that the id has. */
export async function readVersionRecords(
  db: Statements,
  entityId: string,
): Promise<VersionRecord[]> {
  const rows = await db.query<VersionRow>(
    `SELECT entity_type, entity_id, version_updated_at, version_occurred_at, version_event_id, deleted_at, erased_at
     FROM ${db.table('entity_versions')} WHERE entity_id = $1 ORDER BY entity_type`,
    entityId,
  );
  return rows.map((row) => ({
    entityType: row.entity_type,
    entityId: row.entity_id,
    updatedAt: toMs(row.version_updated_at),
    occurredAt: toMs(row.version_occurred_at) ?? 0,
    eventId: row.version_event_id ?? '',
    deletedAt: toMs(row.deleted_at),
    erasedAt: toMs(row.erased_at),
  }));
}

/** The mirror tables that have a row of this id. */
export async function findTables(db: Statements, id: string): Promise<TableName[]> {
  const names = Object.keys(TABLES) as TableName[]; // its keys
  const rows = await db.query<{ name: TableName }>(
    names
      .map((name) => `SELECT '${name}' AS name FROM ${db.table(name)} WHERE id = $1`)
      .join(' UNION ALL '),
    id,
  );
  return rows.map(({ name }) => name);
}

/** The whole row: times as Date, jsonb parsed. */
export async function readMirrorRow(
  db: Statements,
  { table, id }: { table: TableName; id: string },
): Promise<Record<string, unknown> | null> {
  const rows = await db.query<Record<string, unknown>>(
    `SELECT * FROM ${db.table(table)} WHERE id = $1`,
    id,
  );
  return rows[0] ?? null;
}

/** The rows that go when this one is deleted; tables without any are left out. */
export async function readChildren(
  db: Statements,
  { table, id }: { table: TableName; id: string },
): Promise<Children[]> {
  const found: Children[] = [];
  for (const { child, column } of CASCADES[table] ?? []) {
    const [row] = await db.query<{ count: number; ids: string[] | null }>(
      `SELECT (SELECT count(*) FROM ${db.table(child)} WHERE ${column} = $1)::integer AS count,
         (SELECT array_agg(few.id) FROM (SELECT id FROM ${db.table(child)} WHERE ${column} = $1 ORDER BY id LIMIT ${CHILDREN_NAMED}) few) AS ids`,
      id,
    );
    if (row && row.count > 0) found.push({ table: child, count: row.count, ids: row.ids ?? [] });
  }
  return found;
}

const LEDGER_COLUMNS = `id, type, entity_type, entity_id, instance_id, occurred_at, received_at, processed_at, outcome, error,
  CASE WHEN jsonb_typeof(payload #> '{data,updated_at}') = 'number' THEN (payload #>> '{data,updated_at}')::float8 END AS updated_at,
  payload IS NOT NULL AS has_payload`;

interface LedgerRow {
  id: string;
  type: string | null;
  entity_type: string | null;
  entity_id: string | null;
  instance_id: string | null;
  occurred_at: Date | null;
  received_at: Date | null;
  processed_at: Date | null;
  outcome: Outcome | null;
  error: string | null;
  updated_at: number | null;
  has_payload: boolean;
}

interface VersionRow {
  entity_type: string;
  entity_id: string;
  version_updated_at: Date | null;
  version_occurred_at: Date | null;
  version_event_id: string | null;
  deleted_at: Date | null;
  erased_at: Date | null;
}

function toRecord(row: LedgerRow): LedgerRecord {
  return {
    id: row.id,
    type: row.type,
    entityType: row.entity_type,
    entityId: row.entity_id,
    instanceId: row.instance_id,
    occurredAt: toMs(row.occurred_at),
    receivedAt: toMs(row.received_at),
    processedAt: toMs(row.processed_at),
    outcome: row.outcome,
    error: row.error,
    updatedAt: row.updated_at,
    hasPayload: row.has_payload,
  };
}

function toMs(time: Date | null): number | null {
  return time?.getTime() ?? null;
}
