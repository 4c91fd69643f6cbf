/**
 * Convergence in a real Postgres: random histories, doubled, shuffled and cut into batches, through two appliers at once whose
 * connections die between statements. HISTORIES sets how many, SEED repeats a run.
 */
import fc from 'fast-check';
import type pg from 'pg';
import { type Database, type Statements } from '../../src/db/database.js';
import { type Applied } from '../../src/projections/apply.js';
import { createQuietApply, openMirror } from '../support/applying.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { EPOCH, histories, numbered, toDelivery, type Message } from '../support/histories.js';
import {
  expectEveryTable,
  findDeleted,
  type ModelObject,
  type EveryTable,
} from '../support/model.js';
import { waitFor } from '../support/wait.js';

const HISTORIES = Number(process.env['HISTORIES'] ?? 200);
const SEED = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
/** Histories under way at once: a crash costs a pause, which the others use. */
const LANES = 8;
/** A transaction that writes to every table has about as many. */
const MOST_STATEMENTS = 20;

/** The connection dies right before or after the n-th statement; or the answer to COMMIT is lost. */
interface Crash {
  when: 'before' | 'after' | 'committed';
  statement: number;
}

let database: TestDatabase;
let appliers: readonly Database[];
let killer: pg.Client;

beforeAll(async () => {
  database = await createDatabase();
  appliers = [open(), open()];
  killer = await database.connect();
});
afterAll(async () => {
  await Promise.all(appliers.map((db) => db.close()));
  await database.drop();
});

test(
  `${HISTORIES} random histories end in the newest version of each entity, whatever dies on the way (SEED=${SEED})`,
  async () => {
    let number = 0;
    const run = (seed: number) =>
      fc.assert(
        fc.asyncProperty(plans(), async (plan) => {
          number++;
          await expectConvergence(numbered(plan, number), number);
        }),
        { numRuns: Math.ceil(HISTORIES / LANES), seed, endOnFailure: true },
      );
    const lanes = Array.from({ length: LANES }, (_value, lane) => run(SEED + lane));
    for (const lane of await Promise.allSettled(lanes)) {
      if (lane.status === 'rejected') throw lane.reason;
    }
    expect(await countDeadlocks()).toBe(0);
  },
  60_000 + HISTORIES * 1_000,
);

test('a connection that dies before or after each statement in turn costs nothing but a second try', async () => {
  let number = HISTORIES + 1_000;
  let strikes = 0;
  const crashAt = async (crash: Crash) => {
    const messages = fullHistory(++number);
    const deliveries = [
      { messages, applier: 0, crash },
      { messages: [...messages].reverse(), applier: 0, crash: null },
    ];
    return expectConvergence({ messages, deliveries }, number);
  };
  for (let statement = 1; ; statement++) {
    // Both at once: a crash costs a pause.
    const [before, after] = await Promise.all([
      crashAt({ when: 'before', statement }),
      crashAt({ when: 'after', statement }),
    ]);
    if (before + after === 0) break;
    strikes += before + after;
  }
  expect(await crashAt({ when: 'committed', statement: 0 })).toBe(1);
  // Locks, reads, one statement for each table and kind of write, versions, ledger: none is left out.
  expect(strikes).toBeGreaterThanOrEqual(MOST_STATEMENTS);
}, 60_000);

test.each(['user.deleted', 'organization.deleted', 'user.updated', 'crossing deletions'])(
  'another worker that comes with %s after each statement in turn is waited for or seen, and nothing deadlocks',
  async (kind) => {
    let number = HISTORIES + (interleavings += 1_000);
    for (let statement = 1; ; statement++) {
      const { known, batch, other } = numbered(interleaved(kind), ++number);
      await createTestApply(appliers[1])(known.map(toDelivery));
      let transactions = 0;
      const between: Promise<unknown>[] = [];
      const comeBetween = async () => {
        const progress = { isDone: false };
        const db = watching(appliers[1], async ({ when, statement: n }) => {
          if (n === 1 && when === 'before') transactions++;
        });
        const applied = createTestApply(db)(other.map(toDelivery));
        between.push(applied.finally(() => (progress.isDone = true)));
        const isSettled = async () => progress.isDone || (await waitsForLock());
        await waitFor('the other to be done or to wait', isSettled);
      };
      const db = watching(appliers[0], async ({ when, statement: n }) => {
        if (n === 1 && when === 'before') transactions++;
        if (n === statement && when === 'after' && between.length === 0) await comeBetween();
      });
      await createTestApply(db)(batch.map(toDelivery));
      await Promise.all(between);
      if (between.length === 0) break;
      expect(await readTables(number)).toEqual(expectEveryTable([...known, ...batch, ...other]));
      expect(transactions).toBe(2); // whoever deadlocks needs another
    }
  },
  60_000,
);
let interleavings = 2_000;

/** What is known, a batch that adds to it or deletes, and what another worker does meanwhile. */
function interleaved(kind: string) {
  let count = 0;
  const make = (type: string, step: number, data: ModelObject): Message => ({
    id: `msg_#${++count}`,
    type,
    timestamp: EPOCH + step * 1_000,
    data: { updated_at: EPOCH + step * 1_000, ...data },
  });
  const join = (id: string, user_id: string, organization: string) =>
    make('organizationMembership.created', 2, {
      id,
      role: 'member',
      public_user_data: { user_id },
      organization: { id: organization, name: 'copied', updated_at: EPOCH },
    });
  const known = [
    make('user.created', 1, { id: 'user_#1', first_name: 'known' }),
    make('organization.created', 1, { id: 'org_#1', name: 'known' }),
  ];
  if (kind === 'crossing deletions') {
    // Each batch deletes an organization first, and then the user whose membership the other has deleted by then.
    const remove = (n: number) => [
      make('organization.deleted', 3, { id: `org_#${n}` }),
      make('user.deleted', 3, { id: `user_#${n}` }),
    ];
    const members = [
      join('orgmem_#1', 'user_#2', 'org_#1'),
      join('orgmem_#2', 'user_#1', 'org_#2'),
    ];
    return { known: [...known, ...members], batch: remove(1), other: remove(2) };
  }
  const id = kind.startsWith('user') ? 'user_#1' : 'org_#1';
  const first_name = kind === 'user.updated' ? { first_name: 'of the other' } : {};
  const domain = { id: 'orgdmn_#1', name: 'domain', organization_id: 'org_#1' };
  return {
    known,
    batch: [
      join('orgmem_#1', 'user_#1', 'org_#1'),
      make('session.created', 2, { id: 'sess_#1', status: 'active', user_id: 'user_#1' }),
      make('organizationDomain.created', 2, domain),
      ...(kind === 'user.updated' ? [make(kind, 2, { id, first_name: 'of the batch' })] : []),
    ],
    other: [make(kind, 3, { id, ...first_name })],
  };
}

async function waitsForLock(): Promise<boolean> {
  return (await countWaiting()) > 0;
}

async function countWaiting(): Promise<number> {
  const waiting = await database.query(
    `SELECT 1 FROM pg_stat_activity WHERE datname = $1 AND wait_event_type = 'Lock'`,
    [database.name],
  );
  return waiting.length;
}

test('batches that name the same entities in crossing order lock them in one order', async () => {
  const number = HISTORIES + 901;
  const version = (id: string, step: number): Message => ({
    id: `msg_${number}x${id}${step}`,
    type: 'user.updated',
    timestamp: EPOCH + step,
    data: { id: `user_${number}x${id}`, first_name: `${step}`, updated_at: EPOCH + step },
  });
  const known = [version('a', 1), version('b', 1)];
  await createTestApply(appliers[0])(known.map(toDelivery));
  const blocker = await database.connect();
  await blocker.query('BEGIN');
  await blocker.query('SELECT 1 FROM clerk.entity_versions WHERE entity_id = $1 FOR UPDATE', [
    known[0]?.data.id,
  ]);
  let transactions = 0;
  const counting = appliers.map((applier) =>
    watching(applier, async ({ when, statement }) => {
      if (statement === 1 && when === 'before') transactions++;
    }),
  );
  const batches = [
    [version('a', 2), version('b', 2)],
    [version('b', 3), version('a', 3)],
  ];
  const applied: Promise<unknown>[] = [];
  for (const [index, batch] of batches.entries()) {
    applied.push(createTestApply(counting[index])(batch.map(toDelivery)));
    await waitFor('the batch to wait', async () => (await countWaiting()) === index + 1);
  }
  await blocker.query('COMMIT');
  await Promise.all(applied);
  expect((await readTables(number)).users).toEqual(
    expectEveryTable([...known, ...batches.flat()]).users,
  );
  expect(transactions).toBe(2); // whoever deadlocks needs another
});

test('what the ledger has settled is not decided again, even where its version is forgotten', async () => {
  const number = HISTORIES + 900;
  const [first, second] = fullHistory(number);
  const user = first?.data.id;
  if (!first || !second) throw new Error('The history is empty.');
  for (const message of [first, second]) await createTestApply(appliers[0])([toDelivery(message)]);
  await database.query('DELETE FROM clerk.entity_versions WHERE entity_id = $1', [user]);
  const again = await createTestApply(appliers[1])([toDelivery(first)]);
  expect(again).toEqual([{ outcome: 'applied', repeated: true, reason: null }]);
  expect((await readTables(number)).users).toEqual(expectEveryTable([first, second]).users);
});

interface Plan {
  messages: Message[];
  deliveries: { messages: Message[]; applier: number; crash: Crash | null }[];
}

function plans(): fc.Arbitrary<Plan> {
  const crashes = fc.record({
    when: fc.constantFrom('before' as const, 'after' as const, 'committed' as const),
    statement: fc.integer({ min: 1, max: MOST_STATEMENTS }),
  });
  const ways = fc.record({ applier: fc.nat(1), crash: fc.option(crashes, { freq: 2 }) });
  return histories({ maxLength: 16 }).chain(({ messages, batches }) =>
    fc.array(ways, { minLength: batches.length, maxLength: batches.length }).map((drawn) => ({
      messages,
      deliveries: drawn.map((way, index) => ({ ...way, messages: batches[index] ?? [] })),
    })),
  );
}

/** Every family of the histories, with updates, copies and deletions that take children along. */
function fullHistory(number: number): Message[] {
  const at = (step: number) => EPOCH + step * 1_000;
  const make = (type: string, step: number, data: ModelObject) => ({
    type,
    timestamp: at(step),
    data: { updated_at: at(step), ...data },
  });
  const member = (id: string, user_id: string, organization: string) => ({
    id,
    role: id,
    public_user_data: { user_id },
    organization: { id: organization, name: 'copied', updated_at: at(1) },
  });
  return numbered(
    [
      make('user.created', 1, { id: 'user_#1', first_name: 'first' }),
      make('user.updated', 2, { id: 'user_#1', first_name: 'second' }),
      make('session.created', 1, { id: 'sess_#1', status: 'active', user_id: 'user_#1' }),
      make('session.created', 1, { id: 'sess_#2', status: 'active', user_id: 'user_#2' }),
      make('organizationMembership.created', 3, member('orgmem_#1', 'user_#1', 'org_#1')),
      make('organizationMembership.created', 3, member('orgmem_#2', 'user_#2', 'org_#1')),
      make('organizationMembership.created', 3, member('orgmem_#3', 'user_#1', 'org_#2')),
      make('organizationMembership.deleted', 4, member('orgmem_#4', 'user_#3', 'org_#1')),
      make('organizationInvitation.created', 2, {
        id: 'orginv_#1',
        status: 'pending',
        organization_id: 'org_#1',
      }),
      make('organizationDomain.created', 2, {
        id: 'orgdmn_#1',
        name: 'domain',
        organization_id: 'org_#2',
      }),
      make('subscription.created', 2, {
        id: 'csub_#1',
        status: 'active',
        items: [{ id: 'item_#1', status: 'active', updated_at: at(2) }],
      }),
      make('user.deleted', 2, { id: 'user_#2' }),
      make('organization.deleted', 5, { id: 'org_#2' }),
    ].map((message, index) => ({ id: `msg_#${index}`, ...message })),
    number,
  );
}

/** Delivers everything, each applier's batches one after another. @returns how many connections died. */
async function expectConvergence({ messages, deliveries }: Plan, number: number): Promise<number> {
  const effects = new Map<string, number>();
  let strikes = 0;
  const deliverAll = async (applier: number) => {
    for (const { messages: batch, crash } of deliveries.filter((d) => d.applier === applier)) {
      const { db, hasStruck } = crashing(appliers[applier], crash);
      const results = await createTestApply(db)(batch.map(toDelivery));
      if (hasStruck()) strikes++;
      countEffects(batch, results, effects);
    }
  };
  await Promise.all(appliers.map((_db, applier) => deliverAll(applier)));

  expect(await readTables(number)).toEqual(expectEveryTable(messages));
  const ledger = await database.query<{ id: string; outcome: string }>(
    `SELECT id, outcome FROM clerk.webhook_events WHERE id LIKE $1`,
    [pattern(number)],
  );
  expect(ledger.map(({ id }) => id).sort()).toEqual(messages.map(({ id }) => id).sort());
  for (const { outcome } of ledger) expect(['applied', 'stale', 'tombstoned']).toContain(outcome);
  const tombstones = await database.query<{ entity_id: string }>(
    'SELECT entity_id FROM clerk.entity_versions WHERE deleted_at IS NOT NULL AND entity_id LIKE $1',
    [pattern(number)],
  );
  expect(new Set(tombstones.map((row) => row.entity_id))).toEqual(findDeleted(messages));
  for (const [id, count] of effects) expect({ id, count }).toEqual({ id, count: 1 });
  return strikes;
}

/** How often each event was settled by something other than the ledger's memory of it. */
function countEffects(batch: Message[], results: Applied[], effects: Map<string, number>): void {
  const once = new Map(batch.map(({ id }, index) => [id, results[index]]));
  for (const [id, result] of once) {
    const isEffect =
      !result?.repeated && (result?.outcome === 'applied' || result?.outcome === 'stale');
    if (isEffect) effects.set(id, (effects.get(id) ?? 0) + 1);
  }
}

/** The same database, whose next transaction dies as planned. */
function crashing(
  db: Database | undefined,
  crash: Crash | null,
): { db: Database; hasStruck: () => boolean } {
  let hasStruck = false;
  const strike = async (tx: Statements) => {
    hasStruck = true;
    const [self] = await tx.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    await killer.query('SELECT pg_terminate_backend($1)', [self?.pid]);
  };
  const watched = watching(db, async (moment, tx) => {
    const isNow = moment.statement === crash?.statement && moment.when === crash.when;
    if (isNow && !hasStruck) await strike(tx);
  });
  const transact: Database['transact'] = async (work) => {
    const result = await watched.transact(work);
    if (crash?.when !== 'committed' || hasStruck) return result;
    hasStruck = true;
    throw Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
  };
  return { db: { ...watched, transact }, hasStruck: () => hasStruck };
}

/** The same database, which awaits `listener` before and after each statement of a batch. */
function watching(
  db: Database | undefined,
  listener: (moment: Crash, tx: Statements) => Promise<void>,
): Database {
  if (!db) throw new Error('There is no such applier.');
  const transact: Database['transact'] = (work) =>
    db.transact((tx) => {
      let count = 0;
      const around =
        <R>(execute: (sql: string, ...values: unknown[]) => Promise<R>) =>
        async (sql: string, ...values: unknown[]) => {
          const statement = ++count;
          await listener({ when: 'before', statement }, tx);
          const result = await execute(sql, ...values);
          await listener({ when: 'after', statement }, tx);
          return result;
        };
      return work({
        ...tx,
        query: <R>(sql: string, ...values: unknown[]) => around(tx.query<R>)(sql, ...values),
        execute: around(tx.execute),
      });
    });
  return { ...db, transact };
}

function createTestApply(db: Database | undefined) {
  if (!db) throw new Error('There is no such applier.');
  return createQuietApply(db);
}

function open(): Database {
  return openMirror(database.url, LANES);
}

/** The column that holds what tells one state from another. */
const TEXTS: Record<keyof EveryTable, [table: string, column: string]> = {
  users: ['users', 'first_name'],
  organizations: ['organizations', 'name'],
  memberships: ['organization_memberships', 'role'],
  invitations: ['organization_invitations', 'status'],
  domains: ['organization_domains', 'name'],
  sessions: ['sessions', 'status'],
  subscriptions: ['subscriptions', 'status'],
  items: ['subscription_items', 'status'],
};

async function readTables(number: number): Promise<EveryTable> {
  const selects = Object.entries(TEXTS).map(
    ([name, [table, column]]) =>
      `SELECT '${name}' AS name, id, CASE WHEN data IS NULL THEN NULL ELSE ${column} END AS text
       FROM clerk.${table} WHERE id LIKE $1`,
  );
  const rows = await database.query<{ name: keyof EveryTable; id: string; text: string | null }>(
    selects.join(' UNION ALL '),
    [pattern(number)],
  );
  const tables = expectEveryTable([]);
  for (const { name, id, text } of rows) tables[name].set(id, text);
  return tables;
}

function pattern(number: number): string {
  return `%\\_${number}x%`;
}

async function countDeadlocks(): Promise<number> {
  const [row] = await database.query<{ deadlocks: string }>(
    'SELECT deadlocks FROM pg_stat_database WHERE datname = $1',
    [database.name],
  );
  return Number(row?.deadlocks);
}
