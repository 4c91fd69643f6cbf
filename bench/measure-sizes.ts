/**
 * How large an event is in Redis and in Postgres, and what the ledger costs to write and to prune, whole and partitioned:
 * `node --import ./scripts/typescript.mjs bench/measure-sizes.ts`. Writes bench/results/sizes.json and the tables of docs/scaling.md.
 */
import path from 'node:path';
import { Redis } from 'ioredis';
import { prunePayloads } from '../src/db/retention.js';
import { chooseBackend } from '../src/queue/backend.js';
import { toJob } from '../src/queue/job.js';
import { BOUNDS, createQuietApply, openMirror } from '../tests/support/applying.js';
import { waitForQueue } from '../tests/support/backends.js';
import { startPostgres, type PostgresServer } from '../tests/support/postgres-server.js';
import { startRedis } from '../tests/support/redis-server.js';
import { type EventSize } from './event-templates.js';
import { createEvents, type BenchEvent } from './events.js';
import { readPartitioning } from './report/read-partitioning.js';
import { writeScaling } from './report/write-scaling.js';
import { readResults, writeStored } from './results.js';
import { SIZES_FILE, type LedgerCost, type SizeFigures } from './sizes.js';

const COUNTS: Record<EventSize, number> = { '1 kB': 20_000, '3 kB': 20_000, '20 kB': 4_000 };
const BATCH = 200;
const RETENTION = {
  attempts: 8,
  completedAgeSeconds: 28 * 3600,
  completedCount: 100_000,
  failedAgeSeconds: 90 * 86_400,
};

const postgres = await startPostgres({ autovacuum: 'off', max_wal_size: '8GB' });
try {
  const sizes: SizeFigures[] = [];
  for (const [size, count] of Object.entries(COUNTS) as [EventSize, number][]) {
    const events = [...createEvents({ seed: size, count, sizes: { [size]: 1 } })];
    const ledger = await measureLedger(postgres, events);
    sizes.push({ size, ...ledger.bytes, ...(await measureQueued(events)) });
  }
  const ledgers: LedgerCost[] = [];
  for (const kind of ['whole', 'partitioned', 'partitioned', 'whole'] as const) {
    if (kind === 'partitioned') await postgres.query(readPartitioning());
    const events = [...createEvents({ seed: '3 kB', count: 40_000, sizes: { '3 kB': 1 } })];
    ledgers.push({ kind, ...(await measureLedger(postgres, events)).cost });
    if (kind === 'partitioned') await makeWhole(postgres);
  }
  const results = { measuredAt: new Date().toISOString(), sizes, ledgers };
  writeStored(SIZES_FILE, results);
  process.stdout.write(`${path.relative('.', SIZES_FILE)}, ${writeScaling(readResults())}\n`);
} finally {
  await postgres.close();
}

/** Applies the events as a worker does, prunes them, and looks at the files. */
async function measureLedger({ url, query }: PostgresServer, events: readonly BenchEvent[]) {
  await query('TRUNCATE clerk.webhook_events, clerk.entity_versions, clerk.users CASCADE');
  const db = openMirror(url);
  const apply = createQuietApply(db);
  const start = performance.now();
  for (let n = 0; n < events.length; n += BATCH) {
    const batch = events.slice(n, n + BATCH);
    await apply(batch.map(({ id, body }) => ({ id, body, receivedAt: Date.now() })));
  }
  const applied = performance.now();
  const before = await readBytes(query, events.length);
  await prunePayloads(db, { before: 'infinity', bounds: BOUNDS, onProgress: () => undefined });
  const pruned = performance.now();
  await query('VACUUM FULL clerk.webhook_events');
  const after = await readBytes(query, events.length);
  await db.close();
  const bodies = events.reduce((sum, { body }) => sum + Buffer.byteLength(body), 0);
  const perEvent = (ms: number) => (ms * 1000) / events.length;
  return {
    bytes: {
      body: bodies / events.length,
      ledgerRow: before.ledger,
      ledgerIndexes: before.indexes,
      prunedRow: after.ledger,
      prunedIndexes: after.indexes,
      user: before.user,
      version: before.version,
    },
    cost: { applyUs: perEvent(applied - start), pruneUs: perEvent(pruned - applied) },
  };
}

interface TableBytes {
  ledger: number;
  indexes: number;
  user: number;
  version: number;
}

/** An event's share; of the ledger, rows and indexes apart, all partitions together. */
async function readBytes(query: PostgresServer['query'], count: number): Promise<TableBytes> {
  const [found] = await query<Record<keyof TableBytes, string>>(
    `SELECT sum(pg_table_size(relid)) FILTER (WHERE relname LIKE 'webhook\\_events%') AS ledger,
       sum(pg_indexes_size(relid)) FILTER (WHERE relname LIKE 'webhook\\_events%') AS indexes,
       pg_total_relation_size('clerk.users') AS user, pg_total_relation_size('clerk.entity_versions') AS version
     FROM pg_stat_user_tables WHERE schemaname = 'clerk'`,
  );
  if (!found) throw new Error('There are no tables.');
  const share = (bytes: string) => Number(bytes) / count;
  return {
    ledger: share(found.ledger),
    indexes: share(found.indexes),
    user: share(found.user),
    version: share(found.version),
  };
}

async function measureQueued(events: readonly BenchEvent[]): Promise<{ queued: number }> {
  const redis = await startRedis();
  if (!redis) throw new Error('There is no redis-server or valkey-server on this machine.');
  const client = new Redis(redis.url);
  const open = chooseBackend({
    redisUrl: redis.url,
    isCluster: false,
    databaseUrl: undefined,
    prefix: 'bull',
    onError: console.error,
  }).openQueue();
  await waitForQueue(open);
  const readUsed = async () => Number(/^used_memory:(\d+)/m.exec(await client.info('memory'))?.[1]);
  const before = await readUsed();
  for (let n = 0; n < events.length; n += BATCH) {
    const batch = events.slice(n, n + BATCH);
    await open.addKnowing(
      batch.map(({ id, body, type }) =>
        toJob({ id, body, receivedAt: Date.now() }, type, RETENTION),
      ),
    );
  }
  const queued = ((await readUsed()) - before) / events.length;
  await open.close();
  client.disconnect();
  await redis.stop();
  return { queued };
}

/** As the migrations have it. */
async function makeWhole({ query }: PostgresServer): Promise<void> {
  await query(
    `BEGIN; CREATE TABLE clerk.whole (LIKE clerk.webhook_events INCLUDING ALL) WITH (toast_tuple_target = 8160);
     DROP TABLE clerk.webhook_events; ALTER TABLE clerk.whole RENAME TO webhook_events;
     ALTER TABLE clerk.webhook_events RENAME CONSTRAINT whole_pkey TO webhook_events_pkey; COMMIT`,
  );
}
