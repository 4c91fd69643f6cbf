/** One batch, one transaction: lock, read, decide, write. Everything or nothing. */
import { type Database, type Transaction } from '../db/database.js';
import { readSettled, writeLedger, type LedgerEntry, type Outcome } from '../db/ledger.js';
import { deleteRows, insertPlaceholders, upsertRows } from '../db/rows.js';
import { type TableName } from '../db/tables.js';
import {
  beginBatch,
  forgetChildVersions,
  insertMissingVersions,
  lockVersions,
  readVersions,
  writeVersions,
  type KnownVersion,
} from '../db/versions.js';
import { SyncError } from '../errors.js';
import {
  compareVersions,
  decide,
  nameOf,
  type Decision,
  type EventFacts,
  type Known,
} from './decide.js';
import { ENTITIES, type EntityType, type Facts, type Key } from './fact.js';
import { type PreparedEvent } from './prepare.js';

export interface BatchBounds {
  lockTimeoutSeconds: number;
  idleTimeoutSeconds: number;
}

export interface Settlement {
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
    const exclusive = await lock(tx, db, { events, keys });
    const known = toKnown(await readVersions(tx, db, keys));
    const settled = await readSettled(
      tx,
      db,
      events.map((event) => event.entry.id),
    );
    const fresh = events.filter((event) => !settled.has(event.entry.id));
    const decision = decide(fresh.filter(hasFacts).map(toEventFacts), known);
    assertLocked(decision, { exclusive, known });
    await write(tx, db, decision);
    await writeLedger(
      tx,
      db,
      fresh.map((event) => toLedgerEntry(event, decision)),
    );
    return new Map<string, Settlement>([
      ...fresh.map(
        (event) =>
          [event.entry.id, { outcome: outcomeOf(event, decision), repeated: false }] as const,
      ),
      ...[...settled].map(([id, outcome]) => [id, { outcome, repeated: true }] as const),
    ]);
  });
}

interface Locking {
  events: readonly PreparedEvent[];
  keys: readonly (Key & { rank: number })[];
}

/** Locks every entity that the batch touches. @returns the names of those held exclusively: only they may be written. */
async function lock(
  tx: Transaction,
  db: Database,
  { events, keys }: Locking,
): Promise<Set<string>> {
  if (keys.length === 0) return new Set();
  const before = toKnown(await insertMissingVersions(tx, db, keys));
  const exclusive = new Set<string>();
  for (const fact of events.flatMap((event) => event.facts ?? [])) {
    const name = nameOf(fact.key);
    const stored = before.get(name);
    if (fact.kind === 'state' || fact.kind === 'deletion' || !stored) exclusive.add(name);
    else if (fact.kind === 'snapshot' && !stored.deleted) {
      if (!stored.version || compareVersions(fact.version, stored.version) > 0) exclusive.add(name);
    }
  }
  await lockVersions(
    tx,
    db,
    keys.map((key) => ({ ...key, exclusive: exclusive.has(nameOf(key)) })),
  );
  return exclusive;
}

/** The foresight of `lock` fails when a version was forgotten meanwhile: then the batch begins anew. */
function assertLocked(
  decision: Decision,
  { exclusive, known }: { exclusive: Set<string>; known: Map<string, Known> },
): void {
  for (const name of [...decision.rows.keys(), ...decision.deletions.keys()]) {
    if (exclusive.has(name) && known.has(name)) continue;
    throw new SyncError('database.contended', 'An entity changed while its lock was waited for.');
  }
}

async function write(tx: Transaction, db: Database, decision: Decision): Promise<void> {
  for (const [table, deletions] of byTable(decision.deletions.values())) {
    const ids = deletions.map(({ key }) => key.entityId);
    await forgetChildVersions(tx, db, { table, ids, entityTypeOf });
    await deleteRows(tx, db, { table, ids });
  }
  const placeholders = [...decision.mentions.values()]
    .filter((key) => !decision.rows.has(nameOf(key)))
    .map((key) => ({ key }));
  for (const [table, entries] of byTable(placeholders)) {
    await insertPlaceholders(tx, db, { table, ids: entries.map(({ key }) => key.entityId) });
  }
  for (const [table, entries] of byTable(decision.rows.values())) {
    await upsertRows(tx, db, { table, rows: entries.map(({ row }) => row) });
  }
  await writeVersions(tx, db, [
    ...[...decision.rows.values()].map(({ key, version }) => ({ ...key, version, deleted: false })),
    ...[...decision.deletions.values()].map(({ key, version }) => ({
      ...key,
      version,
      deleted: true,
    })),
  ]);
}

/** Groups by table, parents' tables first. */
function byTable<T extends { key: Key }>(entries: Iterable<T>): [TableName, T[]][] {
  const groups = new Map<EntityType, T[]>();
  for (const entry of entries) {
    const group = groups.get(entry.key.entityType);
    if (group) group.push(entry);
    else groups.set(entry.key.entityType, [entry]);
  }
  return [...groups]
    .sort(([a], [b]) => ENTITIES[a].rank - ENTITIES[b].rank || (a < b ? -1 : 1))
    .map(([entityType, group]) => [ENTITIES[entityType].table, group]);
}

function entityTypeOf(table: TableName): EntityType {
  const found = Object.entries(ENTITIES).find(([, entity]) => entity.table === table);
  if (!found) throw new Error(`No entity lives in the table ${table}.`);
  return found[0] as EntityType; // a key of ENTITIES
}

function collectKeys(events: readonly PreparedEvent[]): (Key & { rank: number })[] {
  const keys = new Map<string, Key>();
  for (const fact of events.flatMap((event) => event.facts ?? [])) {
    keys.set(nameOf(fact.key), fact.key);
    if (fact.kind === 'state') for (const parent of fact.parents) keys.set(nameOf(parent), parent);
  }
  return [...keys.values()].map((key) => ({ ...key, rank: ENTITIES[key.entityType].rank }));
}

function holdsDelete(event: PreparedEvent): boolean {
  return event.facts?.some((fact) => fact.kind === 'deletion') ?? false;
}

function hasFacts(event: PreparedEvent): event is PreparedEvent & { facts: Facts } {
  return event.facts !== undefined;
}

function toEventFacts({ entry, facts }: PreparedEvent & { facts: Facts }): EventFacts {
  return { id: entry.id, facts };
}

function toKnown(versions: readonly KnownVersion[]): Map<string, Known> {
  return new Map(versions.map((known) => [nameOf(known), known]));
}

function outcomeOf(event: PreparedEvent, decision: Decision): Outcome {
  const outcome = event.verdict ?? decision.outcomes.get(event.entry.id);
  if (outcome === undefined) throw new Error('An event was left without a decision.');
  return outcome;
}

const EXPLANATIONS: Partial<Record<Outcome, string>> = {
  stale: 'A newer version of the entity is stored, or it is deleted already.',
  tombstoned: 'The entity, or one that it belongs to, was deleted.',
};

function toLedgerEntry(event: PreparedEvent, decision: Decision): LedgerEntry {
  const outcome = outcomeOf(event, decision);
  return { ...event.entry, outcome, error: event.entry.error ?? EXPLANATIONS[outcome] ?? null };
}
