/** One batch, one transaction: lock, read, decide, write. Everything or nothing. */
import { type Database } from '../db/database.js';
import { readSettled, writeLedger, type LedgerEntry, type Outcome } from '../db/ledger.js';
import { beginBatch, readVersions } from '../db/versions.js';
import { decide, type Decision, type EventFacts } from './decide.js';
import { leaveOutErased, listUsers } from './erased.js';
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
  /** What may stay of the body in the queue, where the event names somebody who was erased; undefined: all of it. */
  body: string | undefined;
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
    const users = events.map(listUsers);
    const exclusive = await lockEntities(tx, { events, keys });
    const known = toKnown(await readVersions(tx, [...keys, ...users.flat()]));
    const settled = await readSettled(
      tx,
      events.map((event) => event.entry.id),
    );
    const kept = events.map((event, index) => leaveOutErased(event, users[index] ?? [], known));
    const fresh = kept.filter(
      ({ entry, force, fetched }) => force || fetched || !settled.has(entry.id),
    );
    const decision = decide(toDecidable(fresh), known);
    assertLocked(decision, { exclusive, known });
    await writeDecision(tx, decision);
    const entries = fresh.map((event) => toLedgerEntry(event, decision));
    await writeLedger(tx, entries.filter(isRecorded(fresh)));
    const written = new Map(entries.map((entry) => [entry.id, entry]));
    return new Map<string, Settlement>(
      kept.flatMap(({ entry, body }) => {
        const now = written.get(entry.id);
        const outcome = now?.outcome ?? settled.get(entry.id);
        if (!outcome) return [];
        return [[entry.id, { entry: now ?? entry, outcome, repeated: !now, body }] as const];
      }),
    );
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

/** What was fetched and changed nothing would fill the ledger at each backfill, and say nothing. */
function isRecorded(events: readonly PreparedEvent[]): (entry: LedgerEntry) => boolean {
  const fetched = new Set(events.flatMap((event) => (event.fetched ? [event.entry.id] : [])));
  return ({ id, outcome }) => !fetched.has(id) || outcome === 'applied' || outcome === 'failed';
}

function holdsDelete(event: PreparedEvent): boolean {
  return event.facts?.some((fact) => fact.kind === 'deletion') ?? false;
}

const EXPLANATIONS: Partial<Record<Outcome, string>> = {
  stale: 'A newer version of the entity is stored, or it is deleted already.',
  tombstoned: 'The entity, or one that it belongs to, was deleted.',
};

function toLedgerEntry(event: PreparedEvent, decision: Decision): LedgerEntry {
  const outcome = outcomeOf(event, decision);
  return { ...event.entry, outcome, error: event.entry.error ?? EXPLANATIONS[outcome] ?? null };
}
