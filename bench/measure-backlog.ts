/** One run of most scenarios: fill a queue, drain it by one kind of worker, compare the tables with what was queued. */
import { type BenchQueue } from './bench-queue.js';
import { type Sample } from './contract.js';
import { beginRecord, countStrangers, recordAccepted } from './correctness.js';
import { drainQueue } from './drain-queue.js';
import { type BenchEvent } from './events.js';
import { fillQueue } from './fill-queue.js';
import { type BenchDatabase } from './servers.js';
import { type WorkerKind } from './worker-kinds.js';

export interface BacklogOptions {
  queue: BenchQueue;
  /** As the run is to find it. */
  database: BenchDatabase;
  worker: WorkerKind;
  /** Of these, the first `warmUp` are over before the clock starts. */
  events: Iterable<BenchEvent>;
  warmUp: number;
  /** How many such workers there are. Default 1. */
  processes?: number;
}

/** In events a second. @throws VoidFigure. */
export async function measureBacklog({
  queue,
  database,
  worker,
  events,
  warmUp,
  processes = 1,
}: BacklogOptions): Promise<Sample> {
  await queue.clear();
  await beginRecord(database);
  const count = await fillQueue(queue, events, {
    makeJob: worker.makeJob,
    onEvents: (some) => recordAccepted(database, some),
  });
  const strangers = await countStrangers(database);
  await settle(queue, database);
  const start = () =>
    Promise.all(Array.from({ length: processes }, () => worker.start(queue, database)));
  const { rate, details } = await drainQueue({ queue, start, events: count, warmUp });
  await worker.check(database, strangers);
  return { value: rate, details };
}

/** What earlier runs left for later is not to fall into this one. */
export async function settle(queue: BenchQueue, database: BenchDatabase): Promise<void> {
  await database.query('CHECKPOINT');
  await queue.settle();
}
