/** Takes personal data out of handler_runs: what handlers said when they failed is masked, and goes all the same. */
import { type Bounds } from './retention.js';
import { retryContended } from './contention.js';
import { type Database, type Statements } from './database.js';
import { type NewRun } from './handler-runs.js';
import { beginBatch } from './versions.js';

/** In place of a reason. */
export const ERASED_REASON = 'The reason was erased, with a person.';

export interface SoughtRuns {
  userId: string;
  /** Events that name the person. */
  eventIds: readonly string[];
  /** Texts that name the person, in lower case. */
  texts: readonly string[];
}

export interface FoundRun extends NewRun {
  round: number;
  /** Whether it still says why it failed. */
  hasReason: boolean;
  /** It is not over, and the event that it is for goes. */
  isLost: boolean;
}

/** Runs for events that are the person's own or name them, and those whose reason does. */
export async function findRunsAbout(
  db: Statements,
  { userId, eventIds, texts }: SoughtRuns,
): Promise<FoundRun[]> {
  return db.query<FoundRun>(
    `SELECT h.event_id AS "eventId", h.handler, h.round, coalesce(h.error <> $4, false) AS "hasReason",
       h.outcome IS NULL AND h.event_id = ANY($1::text[]) AS "isLost"
     FROM ${db.table('handler_runs')} h
     WHERE h.event_id = ANY($1::text[])
       OR h.event_id IN (SELECT id FROM ${db.table('webhook_events')} WHERE entity_id = $2)
       OR EXISTS (SELECT 1 FROM unnest($3::text[]) AS needle WHERE strpos(lower(h.error), needle) > 0)
     ORDER BY h.event_id COLLATE "C", h.handler COLLATE "C"`,
    eventIds,
    userId,
    texts,
    ERASED_REASON,
  );
}

export async function eraseReasons(
  db: Database,
  runs: readonly NewRun[],
  bounds: Bounds,
): Promise<void> {
  if (runs.length === 0) return;
  await retryContended(() =>
    db.transact(async (tx) => {
      await beginBatch(tx, { ...bounds, holdsDelete: false });
      return tx.execute(
        `UPDATE ${tx.table('handler_runs')} h SET error = $3 FROM unnest($1::text[], $2::text[]) AS r(event_id, handler)
         WHERE h.event_id = r.event_id AND h.handler = r.handler AND h.error <> $3`,
        runs.map(({ eventId }) => eventId),
        runs.map(({ handler }) => handler),
        ERASED_REASON,
      );
    }),
  );
}
