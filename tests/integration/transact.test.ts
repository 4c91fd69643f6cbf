/** Transactions on a real Postgres: sent at once, run in order, all or nothing, and never a connection lost. */
import { openDatabase, type Database, type Statements } from '../../src/db/database.js';
import { classifyFault } from '../../src/db/faults.js';
import { createDatabase, type TestDatabase } from '../support/database.js';

let database: TestDatabase;
let db: Database;

beforeAll(async () => {
  database = await createDatabase();
  await database.query('CREATE TABLE clerk.numbers (n integer PRIMARY KEY)');
  db = openDatabase({
    url: database.url,
    schema: 'clerk',
    size: 2,
    lockTimeoutSeconds: 10,
    idleTimeoutSeconds: 10,
    onError: () => undefined,
  });
});
afterAll(async () => {
  await db.close();
  await database.drop();
});
beforeEach(async () => {
  await database.query('TRUNCATE clerk.numbers');
});

const insert = (tx: Statements, n: number) =>
  tx.execute(`INSERT INTO ${tx.table('numbers')} VALUES ($1::integer)`, n);
const list = async (statements: Statements = db) =>
  (await statements.query<{ n: number }>(`SELECT n FROM ${db.table('numbers')} ORDER BY n`)).map(
    ({ n }) => n,
  );

test('statements that are asked for together run in their order, and each sees those before it', async () => {
  const seen = await db.transact(async (tx) => {
    const [, first, , second] = await Promise.all([
      insert(tx, 1),
      list(tx),
      insert(tx, 2),
      list(tx),
    ]);
    return [first, second];
  });
  expect(seen).toEqual([[1], [1, 2]]);
  expect(await list()).toEqual([1, 2]);
});

test('one that fails among them fails with its own error, and nothing of the transaction stays', async () => {
  const failing = db.transact((tx) =>
    Promise.all([insert(tx, 1), insert(tx, 1), insert(tx, 2), list(tx)]),
  );
  await expect(failing).rejects.toMatchObject({ code: '23505' });
  expect(await list()).toEqual([]);
  expect(await db.transact((tx) => insert(tx, 3))).toBe(1);
  expect(await list()).toEqual([3]);
});

test('a failure that the work passes over does not pass for a commit', async () => {
  const careless = db.transact(async (tx) => {
    await insert(tx, 1);
    await insert(tx, 1).catch(() => undefined);
  });
  await expect(careless).rejects.toThrow(/passed over/);
  expect(await list()).toEqual([]);
});

test('work that throws rolls back, however often: the pool keeps its connections', async () => {
  for (let time = 0; time < 5; time++) {
    const throwing = db.transact(async (tx) => {
      await insert(tx, 1);
      throw new Error('on purpose');
    });
    await expect(throwing).rejects.toThrow('on purpose');
  }
  expect(await list()).toEqual([]);
  expect(db.countConnections().open).toBeLessThanOrEqual(2);
});

test('a connection that is cut in the middle is an outage, and is replaced', async () => {
  const cut = db.transact(async (tx) => {
    const [{ pid } = { pid: 0 }] = await tx.query<{ pid: number }>(
      'SELECT pg_backend_pid() AS pid',
    );
    await database.query('SELECT pg_terminate_backend($1)', [pid]);
    await Promise.all([insert(tx, 1), insert(tx, 2)]);
  });
  expect(classifyFault(await cut.catch((error: unknown) => error))).toBe('outage');
  expect(await db.transact((tx) => insert(tx, 3))).toBe(1);
  expect(await list()).toEqual([3]);
});
