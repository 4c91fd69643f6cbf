/** webhook_events, the ledger: one row per svix-id, with what was decided. */
import { type Statements } from './database.js';
import { PLACE_RECORD, type Documents } from './documents.js';
import { type WritePart } from './write-part.js';

export type Outcome = 'applied' | 'stale' | 'tombstoned' | 'ignored' | 'failed';

/** Outcomes after which another delivery of the same svix-id changes nothing. The others are decided anew. */
export const SETTLED_OUTCOMES: readonly Outcome[] = ['applied', 'stale'];

/** Times in milliseconds since 1970. */
export interface LedgerEntry {
  id: string;
  type: string | null;
  entityType: string | null;
  entityId: string | null;
  instanceId: string | null;
  occurredAt: number | null;
  receivedAt: number;
  outcome: Outcome;
  /** Why, for a person: set when the outcome is not `applied`. */
  error: string | null;
  payload: unknown;
}

/** Of `ids`, those whose effect is already in the tables, with the outcome they had. */
export async function readSettled(
  tx: Statements,
  ids: readonly string[],
): Promise<Map<string, Outcome>> {
  const rows = await tx.query<{ id: string; outcome: Outcome }>(
    `SELECT id, outcome FROM ${tx.table('webhook_events')} WHERE id = ANY($1::text[]) AND outcome = ANY($2::text[])`,
    ids,
    SETTLED_OUTCOMES,
  );
  return new Map(rows.map(({ id, outcome }) => [id, outcome]));
}

/** Writes entries, each id once. A settled row stays, unless a forced replay applied what was stale; any other takes the newer decision. */
export function toLedgerPart(
  tx: Statements,
  entries: readonly LedgerEntry[],
  places: Documents,
): WritePart {
  const iso = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());
  const settled = SETTLED_OUTCOMES.map((outcome) => `'${outcome}'`).join(', ');
  return {
    toSql: ({ documents, records }) => `INSERT INTO ${tx.table('webhook_events')} AS stored
        (id, type, entity_type, entity_id, instance_id, occurred_at, received_at, outcome, error, payload, processed_at)
      SELECT r.id, r.type, r.entity_type, r.entity_id, r.instance_id, r.occurred_at, r.received_at, r.outcome, r.error,
        ${documents} -> r.document #> r.path, clock_timestamp()
      FROM jsonb_to_recordset(${records}) AS r(id text, type text, entity_type text, entity_id text, instance_id text,
        occurred_at timestamptz(3), received_at timestamptz(3), outcome text, error text, ${PLACE_RECORD})
      ORDER BY r.id COLLATE "C"
      ON CONFLICT (id) DO UPDATE SET type = excluded.type, entity_type = excluded.entity_type, entity_id = excluded.entity_id,
        instance_id = excluded.instance_id, occurred_at = excluded.occurred_at, outcome = excluded.outcome,
        error = excluded.error, payload = excluded.payload, processed_at = excluded.processed_at
      WHERE stored.outcome IS NULL OR stored.outcome NOT IN (${settled})
        OR (stored.outcome = 'stale' AND excluded.outcome = 'applied')`,
    records: entries.map((entry) => ({
      id: entry.id,
      type: entry.type,
      entity_type: entry.entityType,
      entity_id: entry.entityId,
      instance_id: entry.instanceId,
      occurred_at: iso(entry.occurredAt),
      received_at: iso(entry.receivedAt),
      outcome: entry.outcome,
      error: entry.error,
      ...places.place(entry.payload),
    })),
  };
}
