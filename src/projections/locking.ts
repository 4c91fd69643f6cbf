/** Which entities a batch touches, and how it holds them: what it may write exclusively, what it only reads shared. */
import { type Statements } from '../db/database.js';
import { insertMissingVersions, lockVersions, type KnownVersion } from '../db/versions.js';
import { SyncError } from '../errors.js';
import { isNewer, nameOf, type Decision, type Known } from './decide.js';
import { ENTITIES, type Fact, type Key } from './fact.js';
import { type PreparedEvent } from './prepare.js';

export interface Locking {
  events: readonly PreparedEvent[];
  keys: readonly (Key & { rank: number })[];
}

/** Locks every entity that the batch touches. @returns the names of those held exclusively: only they may be written. */
export async function lockEntities(
  tx: Statements,
  { events, keys }: Locking,
): Promise<Set<string>> {
  if (keys.length === 0) return new Set();
  const before = toKnown(await insertMissingVersions(tx, keys));
  const exclusive = new Set<string>();
  for (const { fact, force } of events.flatMap(listFacts)) {
    const name = nameOf(fact.key);
    const stored = before.get(name);
    if (fact.kind === 'state' || fact.kind === 'deletion' || !stored) exclusive.add(name);
    else if (fact.kind === 'snapshot' && !stored.deleted) {
      if (isNewer(fact.version, stored.version, force)) exclusive.add(name);
    }
  }
  await lockVersions(
    tx,
    keys.map((key) => ({ ...key, exclusive: exclusive.has(nameOf(key)) })),
  );
  return exclusive;
}

/** The foresight of `lockEntities` fails when a version was forgotten meanwhile: then the batch begins anew. */
export function assertLocked(
  decision: Decision,
  { exclusive, known }: { exclusive: Set<string>; known: Map<string, Known> },
): void {
  for (const name of [...decision.rows.keys(), ...decision.deletions.keys()]) {
    if (exclusive.has(name) && known.has(name)) continue;
    throw new SyncError('database.contended', 'An entity changed while its lock was waited for.');
  }
}

export function collectKeys(events: readonly PreparedEvent[]): (Key & { rank: number })[] {
  const keys = new Map<string, Key>();
  for (const fact of events.flatMap((event) => event.facts ?? [])) {
    keys.set(nameOf(fact.key), fact.key);
    if (fact.kind === 'state') for (const parent of fact.parents) keys.set(nameOf(parent), parent);
  }
  return [...keys.values()].map((key) => ({ ...key, rank: ENTITIES[key.entityType].rank }));
}

export function toKnown(versions: readonly KnownVersion[]): Map<string, Known> {
  return new Map(versions.map((known) => [nameOf(known), known]));
}

function listFacts({ facts, force }: PreparedEvent): { fact: Fact; force: boolean }[] {
  return (facts ?? []).map((fact) => ({ fact, force }));
}
