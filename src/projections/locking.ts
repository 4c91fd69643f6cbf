/** Which entities a batch touches, and how it holds them: what it may write exclusively, what it only reads shared. Pure. */
import { type KnownVersion } from '../db/versions.js';
import { SyncError } from '../errors.js';
import { isNewer, nameOf, type Decision, type Known } from './decide.js';
import { ENTITIES, type Fact, type Key } from './fact.js';
import { type PreparedEvent } from './prepare.js';

/** @returns the names of the entities to hold exclusively: only they may be written. `before`: what is known of them, unlocked. */
export function foreseeWrites(
  events: readonly PreparedEvent[],
  before: ReadonlyMap<string, Known>,
): Set<string> {
  const exclusive = new Set<string>();
  for (const { fact, force } of events.flatMap(listFacts)) {
    const name = nameOf(fact.key);
    const stored = before.get(name);
    if (fact.kind === 'state' || fact.kind === 'deletion' || !stored) exclusive.add(name);
    else if (fact.kind === 'snapshot' && !stored.deleted) {
      if (isNewer(fact.version, stored.version, force)) exclusive.add(name);
    }
  }
  return exclusive;
}

/** The foresight fails when a version was forgotten meanwhile: then the batch begins anew. */
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
