/** Many versions of many entities, shuffled and doubled, through the real endpoint and two real workers at once. */
import { randomInt } from 'node:crypto';
import { type Backend } from '../../src/queue/contract.js';
import { openBackend, waitForQueue, type QueueSettings } from './backends.js';
import { deliver, newMessageId } from './clerk.js';
import { makeHistory, readTables, shuffle, type HistorySize } from './crowd-history.js';
import { type TestDatabase } from './database.js';
import { expectTables } from './model.js';
import { startIngest, startWorker } from './processes.js';
import { waitFor } from './wait.js';

export interface Race {
  database: TestDatabase;
  queue: QueueSettings;
  size: HistorySize;
}

/** Fails unless the tables end as the model says, with no failure, no deadlock, and both workers at work. */
export async function expectRaceToConverge({ database, queue, size }: Race): Promise<void> {
  const settings = {
    DATABASE_URL: database.url,
    LOG_LEVEL: 'warn',
    WORKER_BATCH_SIZE: '20',
    ...queue,
  };
  const workers = await Promise.all([startWorker(settings), startWorker(settings)]);
  const ingest = await startIngest(settings);
  const events = makeHistory(size);
  const deliveries = shuffle(events.flatMap((event) => repeat({ event, id: newMessageId() })));
  await inParallel(32, deliveries, async ({ event, id }) => {
    expect((await deliver(ingest.url, event, id)).status).toBe(200);
  });
  await waitFor(
    'every event to be settled',
    async () => {
      const [row] = await database.query<{ n: string }>(
        'SELECT count(*) AS n FROM clerk.webhook_events',
      );
      return Number(row?.n) === events.length;
    },
    120_000,
  );

  expect(await readTables(database)).toEqual(expectTables(events));
  const [outcomes] = await database.query<{ failed: string; deadlocks: string }>(
    `SELECT (SELECT count(*) FROM clerk.webhook_events WHERE outcome NOT IN ('applied', 'stale', 'tombstoned')) AS failed,
         (SELECT deadlocks FROM pg_stat_database WHERE datname = $1) AS deadlocks`,
    [database.name],
  );
  expect(outcomes).toEqual({ failed: '0', deadlocks: '0' });
  const shares = await countShares(openBackend(queue, database));
  expect(shares.size).toBe(2);
  for (const share of shares.values()) expect(share).toBeGreaterThanOrEqual(events.length / 5);

  for (const worker of workers) worker.signal('SIGTERM');
  ingest.signal('SIGTERM');
  expect(await Promise.all([...workers, ingest].map(({ exited }) => exited))).toEqual([0, 0, 0]);
}

/** A third of all deliveries come twice. */
function repeat<T>(delivery: T): T[] {
  return randomInt(3) === 0 ? [delivery, delivery] : [delivery];
}

async function inParallel<T>(
  width: number,
  items: readonly T[],
  work: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  const drain = async () => {
    for (let item = items[next++]; item !== undefined; item = items[next++]) await work(item);
  };
  await Promise.all(Array.from({ length: width }, drain));
}

/** How many jobs each worker completed. */
async function countShares(backend: Backend): Promise<Map<string, number>> {
  const open = backend.openQueue();
  await waitForQueue(open);
  const shares = new Map<string, number>();
  for (const job of await open.queue.getJobs(['completed'])) {
    const worker = job.processedBy ?? 'nobody';
    shares.set(worker, (shares.get(worker) ?? 0) + 1);
  }
  await open.close();
  return shares;
}
