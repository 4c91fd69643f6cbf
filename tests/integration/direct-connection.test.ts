/** Whether a connection is direct, asked of a real Postgres, straight and through a transaction pooler. */
import { inspectSession } from '../../src/db/inspect.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { startPooler, type Order } from '../support/transaction-pooler.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(async () => {
  await database.drop();
});

test('a direct connection keeps its session, and two databases of one server are told apart', async () => {
  const other = await createDatabase();
  const [session, elsewhere] = [
    await inspectSession(database.url),
    await inspectSession(other.url),
  ];
  expect([session.isShared, elsewhere.isShared]).toEqual([false, false]);
  expect(session.identity).not.toBe(elsewhere.identity);
  await other.drop();
});

test.each<Order>(['last in, first out', 'round robin'])(
  'a transaction pooler that lends %s is found out, and leads to the same database',
  async (order) => {
    const pooler = await startPooler(database.url, order);
    const { identity } = await inspectSession(database.url);
    expect(await inspectSession(pooler.url)).toEqual({ identity, isShared: true });
    await pooler.close();
  },
);
