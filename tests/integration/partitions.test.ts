/** The ledger in partitions, by the very lines of docs/scaling.md: what there was stays, and everything goes on working. */
import { readPartitioning } from '../../bench/report/read-partitioning.js';
import { whyCommand } from '../../src/commands/why.js';
import { type Database } from '../../src/db/database.js';
import { migrate } from '../../src/db/migrate.js';
import { probeDatabase } from '../../src/db/probe.js';
import { prunePayloads } from '../../src/db/retention.js';
import { BOUNDS, createQuietApply, openMirror } from '../support/applying.js';
import { runInProcess } from '../support/commands.js';
import { makeHistory, readTables, shuffle } from '../support/crowd-history.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { expectTables } from '../support/model.js';

const SIZE = { users: 30, organizations: 6, memberships: 20 };
const BATCH = 20;

let database: TestDatabase;
let db: Database;

beforeAll(async () => {
  database = await createDatabase();
  db = openMirror(database.url);
});
afterAll(async () => {
  await db.close();
  await database.drop();
});

test('one effect per event, retention, history and migrations are as before', async () => {
  const history = makeHistory(SIZE);
  const deliveries = shuffle(history).map((event, n) => ({
    id: `msg_${n}`,
    body: JSON.stringify(event),
    receivedAt: Date.now(),
  }));
  const half = deliveries.length / 2;
  await applyAll(deliveries.slice(0, half));
  const before = await readLedger();
  await database.query(readPartitioning());
  expect(await readLedger()).toEqual(before);

  // Those before the change come once more: the ledger must know them wherever they are now.
  const repeated = await applyAll(deliveries.slice(0, half));
  expect(repeated.filter(({ outcome }) => outcome !== 'tombstoned')).not.toEqual([]);
  for (const { outcome, repeated: isKnown } of repeated) {
    if (outcome !== 'tombstoned') expect(isKnown).toBe(true);
  }
  await applyAll(deliveries.slice(half));
  expect(await readTables(database)).toEqual(expectTables(history));
  expect(await readLedger()).toHaveLength(deliveries.length);

  const parts = await database.query(
    `SELECT 1 FROM pg_partition_tree('clerk.webhook_events') WHERE isleaf`,
  );
  expect(parts).toHaveLength(16);
  expect(await probeDatabase(db)).toBeNull();
  expect(await migrate({ url: database.url, schema: 'clerk' })).toEqual([]);
  const why = await runInProcess(whyCommand, ['user_1'], { DATABASE_URL: database.url });
  expect(why.code).toBe(0);
  const before9999 = { before: '9999-01-01', bounds: BOUNDS, onProgress: () => undefined };
  expect((await prunePayloads(db, before9999)).payloads).toBe(deliveries.length);
});

test('by time it cannot be: the key of an event would not be its id', async () => {
  const byTime = `CREATE TABLE clerk.by_time (LIKE clerk.webhook_events, PRIMARY KEY (id)) PARTITION BY RANGE (processed_at)`;
  await expect(database.query(byTime)).rejects.toThrow(/must include all partitioning columns/);
});

function readLedger() {
  return database.query('SELECT * FROM clerk.webhook_events ORDER BY id');
}

async function applyAll(deliveries: readonly { id: string; body: string; receivedAt: number }[]) {
  const apply = createQuietApply(db);
  const applied = [];
  for (let n = 0; n < deliveries.length; n += BATCH) {
    applied.push(...(await apply(deliveries.slice(n, n + BATCH))));
  }
  return applied;
}
