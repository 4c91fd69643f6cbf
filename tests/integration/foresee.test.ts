/** What a dry run foresees is what then happens: the same outcomes, rows and columns. */
import { type Delivery } from '../../src/clerk/event.js';
import { type Database } from '../../src/db/database.js';
import { createForesight, type Change, type Foreseen } from '../../src/projections/foresee.js';
import { prepareEvent } from '../../src/projections/prepare.js';
import { applyInTransaction } from '../../src/projections/transaction.js';
import { BOUNDS, openMirror, POLICY } from '../support/applying.js';
import { makeHistory, shuffle } from '../support/crowd-history.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { type ModelEvent } from '../support/model.js';

const TABLES = ['users', 'organizations', 'organization_memberships'] as const;
const PAGE_SIZE = 25;
const NOW = Date.UTC(2026, 0, 1);

let database: TestDatabase;
let db: Database;

beforeEach(async () => {
  database = await createDatabase();
  db = openMirror(database.url);
});
afterEach(async () => {
  await db.close();
  await database.drop();
});

test('of random histories, every outcome, row and column, also of pages whose forerunners are foreseen only', async () => {
  const history = shuffle(makeHistory({ users: 40, organizations: 8, memberships: 60 }));
  const deliveries = history.map(toDelivery);
  const pages = Array.from({ length: Math.ceil(deliveries.length / PAGE_SIZE) }, (_page, n) =>
    deliveries.slice(n * PAGE_SIZE, (n + 1) * PAGE_SIZE),
  );
  const before = await photograph();
  const foresee = createForesight(db, POLICY);
  const foreseen = new Map<string, string>();
  for (const page of pages)
    for (const [id, { outcome }] of await foresee(page)) foreseen.set(id, outcome);
  expect(await photograph()).toEqual(before);

  for (const page of pages) {
    const next = await createForesight(db, POLICY)(page);
    const old = await photograph();
    const happened = await apply(page);
    expect(outcomesOf(next)).toEqual(happened);
    const [expected, actual] = [summarise(next), compare(old, await photograph())];
    expect(expected.written).toEqual(actual.written);
    expect(expected.deleted).toMatchObject({
      users: actual.deleted['users'],
      organizations: actual.deleted['organizations'],
    });
    for (const [id, outcome] of happened) expect([id, foreseen.get(id)]).toEqual([id, outcome]);
  }
  expect(new Set(foreseen.values())).toEqual(new Set(['applied', 'stale', 'tombstoned']));
}, 60_000);

test('what a deletion takes along is counted', async () => {
  const member = (n: number, user: string) => ({
    type: 'organizationMembership.created',
    timestamp: NOW,
    data: { id: `orgmem_${n}`, organization: { id: 'org_1' }, public_user_data: { user_id: user } },
  });
  const session = {
    type: 'session.created',
    timestamp: NOW,
    data: { id: 'sess_1', user_id: 'user_1' },
  };
  const events = [member(1, 'user_1'), member(2, 'user_1'), member(3, 'user_2'), session];
  await apply(events.map(toDelivery));
  const foresee = createForesight(db, POLICY);
  const deletion = { id: 'msg_deletion', receivedAt: NOW };
  const body = JSON.stringify({ type: 'user.deleted', timestamp: NOW, data: { id: 'user_1' } });
  expect((await foresee([{ ...deletion, body }])).get('msg_deletion')?.changes).toEqual([
    {
      table: 'users',
      id: 'user_1',
      kind: 'delete',
      columns: [],
      cascades: { organization_memberships: 2, sessions: 1 },
    },
  ]);
});

test('a row that several events write, or delete, is told of once', async () => {
  const user = (n: number, id: string) => ({
    type: 'user.updated',
    timestamp: NOW,
    data: { id, updated_at: NOW + n, first_name: `v${n}` },
  });
  const deletion = { type: 'user.deleted', timestamp: NOW, data: { id: 'user_2' } };
  await apply([toDelivery(user(0, 'user_2'), 99)]);
  const events = [user(2, 'user_1'), user(1, 'user_1'), deletion, deletion];
  const foreseen = await createForesight(db, POLICY)(events.map(toDelivery));
  const told = [...foreseen].map(([id, { outcome, changes }]) => [
    id,
    outcome,
    changes.map(({ kind }) => kind),
  ]);
  expect(told).toEqual([
    ['msg_0', 'applied', ['insert']],
    ['msg_1', 'applied', []],
    ['msg_2', 'applied', ['delete']],
    ['msg_3', 'stale', []],
  ]);
});

test('a forced repetition writes what is stored, and changes no column', async () => {
  const first = toDelivery({
    type: 'user.updated',
    timestamp: NOW,
    data: { id: 'user_1', updated_at: NOW, first_name: 'Ada' },
  });
  await apply([first]);
  const foresee = createForesight(db, POLICY);
  const foreseen = await foresee([{ ...first, force: true }]);
  expect(foreseen.get(first.id)).toEqual({
    outcome: 'applied',
    reason: null,
    changes: [{ table: 'users', id: 'user_1', kind: 'none', columns: [], cascades: {} }],
  });
  await database.query(`UPDATE clerk.users SET first_name = 'Grace'`);
  const [change] = (await foresee([{ ...first, force: true }])).get(first.id)?.changes ?? [];
  expect(change).toMatchObject({ kind: 'update', columns: ['first_name'] });
});

test('what cannot be understood, or belongs to nobody, is foreseen with its reason', async () => {
  const foresee = createForesight(db, { ...POLICY, instanceId: 'ins_ours' });
  const other = { type: 'user.created', instance_id: 'ins_theirs', data: { id: 'user_1' } };
  const foreseen = await foresee([
    { id: 'msg_odd', body: '{"type":"user.created","data":{}}', receivedAt: NOW },
    { id: 'msg_other', body: JSON.stringify(other), receivedAt: NOW },
  ]);
  expect(foreseen.get('msg_odd')).toMatchObject({
    outcome: 'failed',
    reason: expect.stringMatching(/"data.id" is missing/),
    changes: [],
  });
  expect(foreseen.get('msg_other')).toMatchObject({
    outcome: 'ignored',
    reason: expect.stringMatching(/another Clerk instance/),
  });
});

function toDelivery(event: ModelEvent, n: number | undefined = 0): Delivery {
  return { id: `msg_${n}`, body: JSON.stringify(event), receivedAt: NOW };
}

async function apply(page: readonly Delivery[]): Promise<Map<string, string>> {
  const prepared = page.map((delivery) => prepareEvent(delivery, POLICY));
  const settlements = await applyInTransaction(db, prepared, BOUNDS);
  return new Map([...settlements].map(([id, { outcome }]) => [id, outcome]));
}

function outcomesOf(foreseen: ReadonlyMap<string, Foreseen>): Map<string, string> {
  return new Map([...foreseen].map(([id, { outcome }]) => [id, outcome]));
}

type Tables = Record<string, Map<string, Record<string, unknown>>>;

async function photograph(): Promise<Tables> {
  const tables: Tables = {};
  for (const table of TABLES) {
    const rows = await database.query<{ id: string; row: Record<string, unknown> }>(
      `SELECT id, to_jsonb(t) - 'id' - 'synced_at' AS row FROM clerk.${table} t`,
    );
    tables[table] = new Map(rows.map(({ id, row }) => [id, row]));
  }
  return tables;
}

/** `users user_1: first_name, updated_at`, and by table how many rows were deleted. */
interface Summary {
  written: string[];
  deleted: Record<string, number>;
}

function summarise(foreseen: ReadonlyMap<string, Foreseen>): Summary {
  const changes = [...foreseen.values()].flatMap((each) => each.changes);
  const deleted = Object.fromEntries(TABLES.map((table) => [table, 0]));
  for (const { table, kind } of changes) {
    if (kind === 'delete') deleted[table] = (deleted[table] ?? 0) + 1;
  }
  const written = changes.flatMap(({ table, id, kind, columns }: Change) =>
    kind === 'delete' || kind === 'none' ? [] : [`${table} ${id}: ${[...columns].sort().join()}`],
  );
  return { written: [...new Set(written)].sort(), deleted };
}

function compare(before: Tables, after: Tables): Summary {
  const written: string[] = [];
  const deleted: Record<string, number> = {};
  for (const table of TABLES) {
    const [old, now] = [before[table] ?? new Map(), after[table] ?? new Map()];
    for (const [id, row] of now) {
      const was = old.get(id);
      const columns = Object.keys(row).filter(
        (name) => JSON.stringify(row[name]) !== JSON.stringify(was?.[name] ?? null),
      );
      if (!was || columns.length > 0) written.push(`${table} ${id}: ${columns.sort().join()}`);
    }
    deleted[table] = [...old.keys()].filter((id) => !now.has(id)).length;
  }
  return { written: written.sort(), deleted };
}
