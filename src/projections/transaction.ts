/** One batch, one transaction: lock, read, decide, write. Everything or nothing. */
import { type Database } from '../db/database.js';
import { readSettled, writeLedger, type LedgerEntry, type Outcome } from '../db/ledger.js';
import { beginBatch, readVersions } from '../db/versions.js';
import { decide, nameOf, type Decision, type EventFacts, type KnownVersions } from './decide.js';
import { type Facts } from './fact.js';
import { assertLocked, collectKeys, lockEntities, toKnown } from './locking.js';
import { type PreparedEvent } from './prepare.js';
import { writeDecision } from './write-decision.js';

export interface BatchBounds {
  lockTimeoutSeconds: number;
  idleTimeoutSeconds: number;
}

export interface Settlement {
  /** As it stands in the ledger, the explanation of its outcome included. */
  entry: PreparedEvent['entry'];
  outcome: Outcome;
  /** The ledger had it already: nothing was written. */
  repeated: boolean;
}

/** Applies the batch and returns, by svix-id, what became of each event. */
export async function applyInTransaction(
  db: Database,
  batch: readonly PreparedEvent[],
  bounds: BatchBounds,
): Promise<Map<string, Settlement>> {
  const events = [...new Map(batch.map((event) => [event.entry.id, event])).values()];
  return db.transact(async (tx) => {
    await beginBatch(tx, { ...bounds, holdsDelete: events.some(holdsDelete) });
    const keys = collectKeys(events);
    const exclusive = await lockEntities(tx, { events, keys });
    const known = toKnown(await readVersions(tx, keys));
    const settled = await readSettled(
      tx,
      events.map((event) => event.entry.id),
    );
    const fresh = events.filter((event) => event.force || !settled.has(event.entry.id));
    const decision = decide(toDecidable(fresh), known);
    assertLocked(decision, { exclusive, known });
    await writeDecision(tx, decision);
    const entries = fresh.map((event) => toLedgerEntry(event, decision, known));
    await writeLedger(tx, entries);
    return new Map<string, Settlement>([
      ...events.flatMap(({ entry }) => {
        const outcome = settled.get(entry.id);
        return outcome ? [[entry.id, { entry, outcome, repeated: true }] as const] : [];
      }),
      ...entries.map(
        (entry) => [entry.id, { entry, outcome: entry.outcome, repeated: false }] as const,
      ),
    ]);
  });
}

/** Those that need a decision: the others' outcome stands already. */
export function toDecidable(events: readonly PreparedEvent[]): EventFacts[] {
  return events.flatMap(({ entry, facts, force }) =>
    facts ? [{ id: entry.id, facts, force }] : [],
  );
}

export function outcomeOf(event: PreparedEvent, decision: Decision): Outcome {
  const outcome = event.verdict ?? decision.outcomes.get(event.entry.id);
  if (outcome === undefined) throw new Error('An event was left without a decision.');
  return outcome;
}

function holdsDelete(event: PreparedEvent): boolean {
  return event.facts?.some((fact) => fact.kind === 'deletion') ?? false;
}

const EXPLANATIONS: Partial<Record<Outcome, string>> = {
  stale: 'A newer version of the entity is stored, or it is deleted already.',
  tombstoned: 'The entity, or one that it belongs to, was deleted.',
};

function toLedgerEntry(
  event: PreparedEvent,
  decision: Decision,
  known: KnownVersions,
): LedgerEntry {
  const outcome = outcomeOf(event, decision);
  const payload = speaksOfErased(event.facts, known) ? null : event.entry.payload;
  return {
    ...event.entry,
    payload,
    outcome,
    error: event.entry.error ?? EXPLANATIONS[outcome] ?? null,
  };
}

/** Whoever was erased comes back in no payload either, however late Clerk sends an old event again. */
function speaksOfErased(facts: Facts | undefined, known: KnownVersions): boolean {
  const keys = facts?.flatMap((fact) =>
    fact.kind === 'state' ? [fact.key, ...fact.parents] : [fact.key],
  );
  return keys?.some((key) => known.get(nameOf(key))?.erased === true) ?? false;
}
