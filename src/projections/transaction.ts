/** One batch, one transaction: lock, read, decide, write. Everything or nothing. */
import { type Database, type Statements } from '../db/database.js';
import { readSettled, type LedgerEntry, type Outcome } from '../db/ledger.js';
import { beginBatch, insertMissingVersions, lockVersions, readVersions } from '../db/versions.js';
import { chooseHandlers, type Started, type Starting } from './choose-handlers.js';
import { decide, nameOf, outcomeOf, type Decision, type EventFacts, type Known } from './decide.js';
import { leaveOutErased, listUsers } from './erased.js';
import { type Key } from './fact.js';
import { assertLocked, collectKeys, foreseeWrites, toKnown } from './locking.js';
import { withoutFetched, type PreparedEvent } from './prepare.js';
import { writeDecision } from './write-decision.js';

export interface BatchBounds {
  lockTimeoutSeconds: number;
  idleTimeoutSeconds: number;
}

export interface BatchOptions extends BatchBounds {
  /** Undefined: what is applied starts no handlers. */
  starting?: Starting | undefined;
}

export interface Settlement {
  /** As it stands in the ledger, the explanation of its outcome included. */
  entry: PreparedEvent['entry'];
  outcome: Outcome;
  /** The ledger had it already: nothing was written. */
  repeated: boolean;
  /** What may stay of the body in the queue, where the event names somebody who was erased; undefined: all of it. */
  body: string | undefined;
  /** Those that are to run for it, by name: their rows are written. */
  handlers: readonly string[];
}

/** Applies the batch and returns, by svix-id, what became of each event. */
export async function applyInTransaction(
  db: Database,
  batch: readonly PreparedEvent[],
  { starting, ...bounds }: BatchOptions,
): Promise<Map<string, Settlement>> {
  const events = [...new Map(batch.map((event) => [event.entry.id, event])).values()];
  return db.transact(async (tx) => {
    const users = events.map(listUsers);
    const { exclusive, known, settled } = await lockAndRead(tx, { events, users, bounds });
    const kept = events.map((event, index) => leaveOutErased(event, users[index] ?? [], known));
    const fresh = kept.filter(
      ({ entry, force, fetched }) => force || fetched || !settled.has(entry.id),
    );
    const decision = decide(toDecidable(fresh), known);
    assertLocked(decision, { exclusive, known });
    const started = chooseHandlers(fresh, { decision, known }, starting);
    const entries = fresh.map((event) => toLedgerEntry(event, decision, started));
    await writeDecision(tx, decision, {
      documents: fresh.flatMap(({ document }) => document ?? []),
      entries: entries.filter(isRecorded(fresh)),
      runs: [...started].flatMap(([eventId, { names }]) =>
        names.map((handler) => ({ eventId, handler })),
      ),
    });
    const written = new Map(entries.map((entry) => [entry.id, entry]));
    return new Map<string, Settlement>(
      kept.flatMap(({ entry, body }) => {
        const now = written.get(entry.id);
        const outcome = now?.outcome ?? settled.get(entry.id);
        if (!outcome) return [];
        const { names = [] } = started.get(entry.id) ?? {};
        const made = { entry: now ?? entry, outcome, repeated: !now, body, handlers: names };
        return [[entry.id, made] as const];
      }),
    );
  });
}

interface Locked {
  /** Names of the entities that may be written. */
  exclusive: Set<string>;
  known: Map<string, Known>;
  /** What became of the events that the ledger has. */
  settled: Map<string, Outcome>;
}

/** Two trips to the database: statements that do not need each other's answers are asked together, and run one after the other. */
async function lockAndRead(
  tx: Statements,
  { events, users, bounds }: BatchToLock,
): Promise<Locked> {
  const keys = collectKeys(events);
  const [, before] = await Promise.all([
    beginBatch(tx, { ...bounds, holdsDelete: events.some(holdsDelete) }),
    insertMissingVersions(tx, keys),
  ]);
  const exclusive = foreseeWrites(events, toKnown(before));
  const requests = keys.map((key) => ({ ...key, exclusive: exclusive.has(nameOf(key)) }));
  const ids = events.map(({ entry }) => entry.id);
  const [, versions, settled] = await Promise.all([
    lockVersions(tx, requests),
    readVersions(tx, [...keys, ...users.flat()]),
    readSettled(tx, ids),
  ]);
  return { exclusive, known: toKnown(versions), settled };
}

interface BatchToLock {
  events: readonly PreparedEvent[];
  /** Whom each event names. */
  users: readonly (readonly Key[])[];
  bounds: BatchBounds;
}

/** Those that need a decision: the others' outcome stands already. */
export function toDecidable(events: readonly PreparedEvent[]): EventFacts[] {
  return events.flatMap(({ entry, facts, force }) =>
    facts ? [{ id: entry.id, facts, force }] : [],
  );
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

function toLedgerEntry(
  event: PreparedEvent,
  decision: Decision,
  started: ReadonlyMap<string, Started>,
): LedgerEntry {
  const outcome = outcomeOf(event, decision);
  const entry = started.get(event.entry.id)?.entry ?? withoutFetched(event);
  return { ...entry, outcome, error: entry.error ?? EXPLANATIONS[outcome] ?? null };
}
