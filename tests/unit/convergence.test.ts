/**
 * Once all events are in, in any order and multiplicity, the tables equal "newest version of each entity", and what was
 * deleted never comes back. Deliveries go through the pure path (parse, project, decide); the tables are maps in here.
 */
import fc from 'fast-check';
import { type Outcome } from '../../src/db/ledger.js';
import { CASCADES, type Row } from '../../src/db/tables.js';
import { decide, nameOf, type Decision, type Known } from '../../src/projections/decide.js';
import { ENTITIES, type Key } from '../../src/projections/fact.js';
import { prepareEvent } from '../../src/projections/prepare.js';
import { POLICY } from '../support/applying.js';
import { histories, numbered, toDelivery, type Message } from '../support/histories.js';
import { expectEveryTable, findDeleted } from '../support/model.js';

const RUNS = Math.max(2_000, Number(process.env['HISTORIES'] ?? 0));

describe('whatever the order, the batches and the repetitions', () => {
  test('the tables equal the newest version of each entity', () => {
    fc.assert(
      fc.property(deliveries(), fc.boolean(), ({ messages, batches }, remembers) => {
        const tables = openTables({ remembers });
        for (const batch of batches) tables.apply(batch);
        expect(tables.read()).toEqual(expected(messages));
      }),
      { numRuns: RUNS },
    );
  });

  test('another pass over all events changes nothing', () => {
    fc.assert(
      fc.property(deliveries(), ({ messages, batches }) => {
        const tables = openTables({ remembers: false });
        for (const batch of batches) tables.apply(batch);
        const before = tables.read();
        tables.apply(messages);
        for (const message of messages) tables.apply([message]);
        expect(tables.read()).toEqual(before);
      }),
      { numRuns: RUNS / 4 },
    );
  });
});

function deliveries() {
  return histories({ maxLength: 16 }).map((history) => numbered(history, 0));
}

function expected(messages: readonly Message[]) {
  const rows = Object.values(expectEveryTable(messages)).flatMap((table) => [...table]);
  return { rows: Object.fromEntries(rows), tombstones: [...findDeleted(messages)].sort() };
}

/** Does to maps what the transaction does to tables. */
function openTables({ remembers }: { remembers: boolean }) {
  const rows = new Map<string, { key: Key; row: Row | null }>();
  const versions = new Map<string, Known & { key: Key }>();
  const settled = new Set<string>();

  const cascade = (parent: Key) => {
    for (const { child, column } of CASCADES[ENTITIES[parent.entityType].table] ?? []) {
      for (const [name, { key, row }] of rows) {
        if (ENTITIES[key.entityType].table !== child || Object(row)[column] !== parent.entityId)
          continue;
        rows.delete(name);
        versions.delete(name);
      }
    }
  };
  const write = ({ deletions, mentions, rows: newRows }: Decision) => {
    for (const [name, { key }] of deletions) {
      cascade(key);
      rows.delete(name);
    }
    for (const [name, key] of mentions) if (!rows.has(name)) rows.set(name, { key, row: null });
    for (const [name, { key, version, row }] of newRows) {
      rows.set(name, { key, row });
      versions.set(name, { key, version, deleted: false, erased: false });
    }
    for (const [name, { key, version }] of deletions) {
      versions.set(name, { key, version, deleted: true, erased: false });
    }
  };
  const checkForeignKeys = () => {
    for (const [table, children] of Object.entries(CASCADES)) {
      for (const { child, column } of children) {
        for (const { key, row } of rows.values()) {
          if (ENTITIES[key.entityType].table !== child || !row) continue;
          const entityType = table === 'users' ? 'user' : 'organization';
          expect([...rows.keys()]).toContain(nameOf({ entityType, entityId: Object(row)[column] }));
        }
      }
    }
  };
  const remember = (outcomes: ReadonlyMap<string, Outcome>) => {
    for (const [id, outcome] of outcomes) {
      if (outcome === 'applied' || outcome === 'stale') settled.add(id);
    }
  };
  return {
    apply(batch: readonly Message[]) {
      const once = [...new Map(batch.map((message) => [message.id, message])).values()];
      const fresh = once.filter(({ id }) => !remembers || !settled.has(id));
      const decision = decide(
        fresh.map((message) => ({ ...toFacts(message), force: !remembers })),
        versions,
      );
      expect([...decision.outcomes.keys()].sort()).toEqual(fresh.map(({ id }) => id).sort());
      write(decision);
      checkForeignKeys();
      remember(decision.outcomes);
    },
    read: () => ({
      rows: Object.fromEntries(
        [...rows.values()].map(({ key, row }) => [key.entityId, textOf(row)]),
      ),
      tombstones: [...versions.values()]
        .filter(({ deleted }) => deleted)
        .map(({ key }) => key.entityId)
        .sort(),
    }),
  };
}

function toFacts(message: Message) {
  const { facts, entry } = prepareEvent(toDelivery(message), POLICY);
  if (!facts) throw new Error(`The event was not understood: ${entry.error ?? ''}`);
  return { id: message.id, facts };
}

/** What tells one state of an entity from another, from the column that the history put it in. Null for a placeholder. */
function textOf(row: Row | null): string | null {
  const { first_name: firstName, name, role, status, data } = Object(row);
  return data?.first_name === undefined
    ? (name ?? (data?.role && role) ?? status ?? null)
    : firstName;
}
