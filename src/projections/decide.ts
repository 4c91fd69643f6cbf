/** The decision at the heart: events and what is known in, outcomes and writes out. Pure: no clock, no database, no randomness. */
import { type Outcome } from '../db/ledger.js';
import { type Row } from '../db/tables.js';
import { type Version } from '../db/versions.js';
import { type Fact, type Facts, type Key } from './fact.js';

export interface EventFacts {
  id: string;
  facts: Facts;
  /** What is stored already is written again; what is newer, or deleted, still wins. */
  force: boolean;
}

/** What the locked rows say of one entity; an entity without a row has no version and is neither deleted nor erased. */
export interface Known {
  version: Version | null;
  deleted: boolean;
  /** The person was erased: nothing of theirs may be kept again. */
  erased: boolean;
}

export interface Decision {
  /** By svix-id. */
  outcomes: Map<string, Outcome>;
  rows: Map<string, { key: Key; version: Version; row: Row }>;
  deletions: Map<string, { key: Key; version: Version }>;
  /** Entities that must exist, if only as placeholders. */
  mentions: Map<string, Key>;
}

export type KnownVersions = ReadonlyMap<string, Known>;

/** Names an entity in the maps above. */
export function nameOf({ entityType, entityId }: { entityType: string; entityId: string }): string {
  return `${entityType}:${entityId}`;
}

/**
 * Decides a batch as if it had come in the best order: deletions first, then states from the oldest to the newest version.
 * The tables that follow are the same whatever order and however often the events come.
 * @param events each id once, none of them settled.
 */
export function decide(events: readonly EventFacts[], known: KnownVersions): Decision {
  const decision: Decision = {
    outcomes: new Map(),
    rows: new Map(),
    deletions: new Map(),
    mentions: new Map(),
  };
  const facts = events.flatMap((event) => event.facts.map((fact) => ({ event, fact })));
  for (const { event, fact } of facts.filter(isDeletion).sort(byVersion)) {
    settle(decision, event, { fact, outcome: decideDeletion(decision, { event, fact }, known) });
  }
  for (const { event, fact } of facts.filter(isVersioned).sort(byVersion)) {
    settle(decision, event, { fact, outcome: decideState(decision, { event, fact }, known) });
  }
  for (const { fact } of facts) mention(decision, fact, known);
  return decision;
}

/** Of one of the events, by the decision unless it needed none. */
export function outcomeOf(
  { entry, verdict }: { entry: { id: string }; verdict: Outcome | undefined },
  { outcomes }: Decision,
): Outcome {
  const outcome = verdict ?? outcomes.get(entry.id);
  if (outcome === undefined) throw new Error('An event was left without a decision.');
  return outcome;
}

/** @returns above 0 when `a` is newer. */
export function compareVersions(a: Version, b: Version): number {
  if (a.updatedAt !== b.updatedAt) return a.updatedAt - b.updatedAt;
  if (a.occurredAt !== b.occurredAt) return a.occurredAt - b.occurredAt;
  return a.eventId < b.eventId ? -1 : Number(a.eventId > b.eventId);
}

/** @param force what is stored at the very same version counts as older, so that it is written again. */
export function isNewer(version: Version, stored: Version | null, force: boolean): boolean {
  if (!stored) return true;
  const order = compareVersions(version, stored);
  return force ? order >= 0 : order > 0;
}

type DeletionFact = Extract<Fact, { kind: 'deletion' }>;
type VersionedFact = Extract<Fact, { kind: 'state' | 'snapshot' }>;
interface Entry<F extends Fact = Fact> {
  event: EventFacts;
  fact: F;
}

/** A deletion is final whatever version it carries: Clerk never uses an id again. */
function decideDeletion(
  decision: Decision,
  { event, fact }: Entry<DeletionFact>,
  known: KnownVersions,
): Outcome {
  const isOwnTombstone = known.get(nameOf(fact.key))?.version?.eventId === event.id;
  const isAgain = event.force && isOwnTombstone;
  if (!isAgain && isDeleted(decision, fact.key, known)) return 'stale';
  decision.deletions.set(nameOf(fact.key), { key: fact.key, version: fact.version });
  return 'applied';
}

function decideState(
  decision: Decision,
  { event, fact }: Entry<VersionedFact>,
  known: KnownVersions,
): Outcome {
  const needed = fact.kind === 'state' ? [fact.key, ...fact.parents] : [fact.key];
  if (needed.some((key) => isDeleted(decision, key, known))) return 'tombstoned';
  const name = nameOf(fact.key);
  const current = decision.rows.get(name)?.version ?? known.get(name)?.version ?? null;
  if (!isNewer(fact.version, current, event.force)) return 'stale';
  decision.rows.set(name, { key: fact.key, version: fact.version, row: fact.row });
  return 'applied';
}

function mention(decision: Decision, fact: Fact, known: KnownVersions): void {
  const keys = fact.kind === 'state' ? fact.parents : fact.kind === 'mention' ? [fact.key] : [];
  for (const key of keys) {
    if (!isDeleted(decision, key, known)) decision.mentions.set(nameOf(key), key);
  }
}

function settle(
  decision: Decision,
  event: EventFacts,
  { fact, outcome }: { fact: Fact; outcome: Outcome },
): void {
  if (fact === event.facts[0]) decision.outcomes.set(event.id, outcome);
}

function isDeleted(decision: Decision, key: Key, known: KnownVersions): boolean {
  const name = nameOf(key);
  return decision.deletions.has(name) || known.get(name)?.deleted === true;
}

function isDeletion(entry: Entry): entry is Entry<DeletionFact> {
  return entry.fact.kind === 'deletion';
}

function isVersioned(entry: Entry): entry is Entry<VersionedFact> {
  return entry.fact.kind === 'state' || entry.fact.kind === 'snapshot';
}

function byVersion(
  a: Entry<DeletionFact | VersionedFact>,
  b: Entry<DeletionFact | VersionedFact>,
): number {
  return compareVersions(a.fact.version, b.fact.version);
}
