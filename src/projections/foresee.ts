/** What the worker would make of events, from the same decision, without a lock and without a write. */
import { type Delivery } from '../clerk/event.js';
import { compareRows, countChildren, findRows } from '../db/compare-rows.js';
import { type Statements } from '../db/database.js';
import { type Outcome } from '../db/ledger.js';
import { type TableName } from '../db/tables.js';
import { readVersions } from '../db/versions.js';
import {
  decide,
  nameOf,
  outcomeOf,
  type Decision,
  type Known,
  type KnownVersions,
} from './decide.js';
import { leaveOutErased, listUsers } from './erased.js';
import { ENTITIES, type Fact, type Key, type ProjectionPolicy } from './fact.js';
import { collectKeys, toKnown } from './locking.js';
import { prepareEvent } from './prepare.js';
import { toDecidable } from './transaction.js';
import { byTable } from './write-decision.js';

/** What would become of one row, against what is stored now. */
export interface Change {
  table: TableName;
  id: string;
  /** `placeholder`: an id and nothing else. `none`: it is stored as it would be written. */
  kind: 'insert' | 'update' | 'delete' | 'placeholder' | 'none';
  /** Names, never values. */
  columns: readonly string[];
  /** How many rows of which tables go with a deleted one. */
  cascades: Partial<Record<TableName, number>>;
}

export interface Foreseen {
  outcome: Outcome;
  /** Why, where the event alone decides it. */
  reason: string | null;
  /** Of the rows that this event would be the last to write. */
  changes: readonly Change[];
}

/** By svix-id. Deliveries that the ledger has as settled are only for a forced replay: the worker would leave them alone. */
export type Foresee = (deliveries: readonly Delivery[]) => Promise<Map<string, Foreseen>>;

/** Each call knows what the calls before it foresaw, as each batch knows what was committed before it. */
export function createForesight(db: Statements, policy: ProjectionPolicy): Foresee {
  const foreseen = new Map<string, Known>();
  return async (deliveries) => {
    const prepared = deliveries.map((delivery) => prepareEvent(delivery, policy));
    const users = prepared.map(listUsers);
    const keys = [...collectKeys(prepared), ...users.flat()];
    const known = new Map([...toKnown(await readVersions(db, keys)), ...foreseen]);
    const events = prepared.map((event, n) => leaveOutErased(event, users[n] ?? [], known));
    const decision = decide(toDecidable(events), known);
    remember(foreseen, decision, known);
    const changes = await findChanges(db, decision);
    return new Map(
      events.map((event) => [
        event.entry.id,
        {
          outcome: outcomeOf(event, decision),
          reason: event.entry.error,
          changes: listChanges(event.facts ?? [], decision, changes),
        },
      ]),
    );
  };
}

/** By the entity's name. */
type Changes = Map<string, Change>;

function remember(
  foreseen: Map<string, Known>,
  { rows, deletions }: Decision,
  known: KnownVersions,
): void {
  for (const [name, { version }] of [...rows, ...deletions]) {
    const erased = known.get(name)?.erased === true;
    foreseen.set(name, { version, deleted: deletions.has(name), erased });
  }
}

async function findChanges(db: Statements, decision: Decision): Promise<Changes> {
  const changes: Changes = new Map();
  const add = (key: Key, change: Omit<Change, 'table' | 'id'>) =>
    changes.set(nameOf(key), {
      table: ENTITIES[key.entityType].table,
      id: key.entityId,
      ...change,
    });
  for (const [table, entries] of byTable(decision.rows.values())) {
    const differences = await compareRows(db, { table, rows: entries.map(({ row }) => row) });
    for (const { key } of entries) {
      const { exists = false, columns = [] } = differences.get(key.entityId) ?? {};
      const kind = !exists ? 'insert' : columns.length > 0 ? 'update' : 'none';
      add(key, { kind, columns, cascades: {} });
    }
  }
  for (const [table, entries] of byTable(decision.deletions.values())) {
    const ids = entries.map(({ key }) => key.entityId);
    const existing = await findRows(db, { table, ids });
    const children = await countChildren(db, { table, ids });
    for (const { key } of entries) {
      const kind = existing.has(key.entityId) ? 'delete' : 'none';
      add(key, { kind, columns: [], cascades: children.get(key.entityId) ?? {} });
    }
  }
  const mentions = [...decision.mentions.values()].map((key) => ({ key }));
  for (const [table, entries] of byTable(mentions)) {
    const existing = await findRows(db, { table, ids: entries.map(({ key }) => key.entityId) });
    for (const { key } of entries) {
      if (decision.rows.has(nameOf(key)) || existing.has(key.entityId)) continue;
      add(key, { kind: 'placeholder', columns: [], cascades: {} });
    }
  }
  return changes;
}

/** A row that several events write is the last one's; a placeholder that several need is each one's. */
function listChanges(facts: readonly Fact[], decision: Decision, changes: Changes): Change[] {
  const find = (keys: readonly Key[]) =>
    [...new Set(keys.map(nameOf))].flatMap((name) => changes.get(name) ?? []);
  const own = facts.filter((fact) => isLast(fact, decision)).map(({ key }) => key);
  const mentioned = facts.flatMap((fact) => {
    if (fact.kind === 'mention') return [fact.key];
    return fact.kind === 'state' ? fact.parents : [];
  });
  return [...find(own), ...find(mentioned).filter(({ kind }) => kind === 'placeholder')];
}

function isLast(fact: Fact, { rows, deletions }: Decision): boolean {
  const name = nameOf(fact.key);
  if (fact.kind === 'deletion') return deletions.get(name)?.version === fact.version;
  return fact.kind !== 'mention' && rows.get(name)?.row === fact.row;
}
