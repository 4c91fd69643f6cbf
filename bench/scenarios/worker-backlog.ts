import { startRedis } from '../../tests/support/redis-server.js';
import { openBenchQueue, type BenchQueue } from '../bench-queue.js';
import { type Sample, type Scenario } from '../contract.js';
import { beginRecord, checkMirror, forgetApplied, recordAccepted } from '../correctness.js';
import { drainQueue } from '../drain-queue.js';
import { createEvents, type BenchEvent } from '../events.js';
import { fillQueue, makeOurJob } from '../fill-queue.js';
import { settle } from '../measure-backlog.js';
import { type BenchDatabase } from '../servers.js';
import { take } from '../take.js';
import { WORKERS } from '../worker-kinds.js';

const SIZES = {
  full: { large: 1_000_000, measured: 20_000, warmUp: 5_000 },
  short: { large: 10_000, measured: 500, warmUp: 200 },
} as const;
/** More than all rounds take off a queue. */
const STREAM_LENGTH = 10_000_000;

export const workerBacklog: Scenario = {
  name: 'worker-backlog',
  title: 'With a million events in the queue',
  unit: 'events/s',
  description:
    'One worker process takes 20,000 events of 1 kB off a queue that holds a million more, and off one that holds 20,000, 10,000 on average. Each queue has a ' +
    'Redis of its own, and is filled up again between the rounds. 5,000 more events go before, to warm up.',
  comparisons: [
    {
      contender: 'a million waiting',
      against: '10,000 waiting',
      goal: { kind: 'at-least', reach: 0.9, stretch: 1 },
    },
  ],
  open: async (bench) => {
    const { large, measured, warmUp } = SIZES[bench.form];
    const redis = await startRedis();
    if (!redis) throw new Error('The other Redis ran, and this one does not start.');
    const largeSide: Side = {
      queue: openBenchQueue(redis.url, 'worker-backlog'),
      database: await bench.createDatabase('worker-backlog-large'),
      stream: createEvents({ seed: 'large', count: STREAM_LENGTH, sizes: { '1 kB': 1 } }),
    };
    const smallSide: Side = {
      queue: openBenchQueue(bench.redisUrl, 'worker-backlog'),
      database: await bench.createDatabase('worker-backlog-small'),
      stream: createEvents({ seed: 'small', count: STREAM_LENGTH, sizes: { '1 kB': 1 } }),
    };
    for (const { database } of [largeSide, smallSide]) await beginRecord(database);
    await fillUp(largeSide, large);
    const run = (side: Side, waiting: number) => () =>
      measure(side, { waiting: waiting + measured, measured, warmUp });
    return {
      contenders: {
        'a million waiting': run(largeSide, large),
        '10,000 waiting': run(smallSide, 0),
      },
      close: async () => {
        for (const { queue, database } of [largeSide, smallSide]) {
          await queue.close();
          await database.drop();
        }
        await redis.stop();
      },
    };
  },
};

interface Side {
  queue: BenchQueue;
  database: BenchDatabase;
  stream: Generator<BenchEvent, void, undefined>;
}

/** @param waiting when the clock starts. */
async function measure(
  side: Side,
  { waiting, measured, warmUp }: { waiting: number; measured: number; warmUp: number },
): Promise<Sample> {
  const { queue, database } = side;
  const worker = WORKERS['clerk-sync'];
  await forgetApplied(database);
  await fillUp(side, waiting + warmUp);
  await settle(queue, database);
  const start = async () => [await worker.start(queue, database)];
  const { rate, details } = await drainQueue({ queue, start, events: warmUp + measured, warmUp });
  await checkMirror(database, { pending: await queue.countPending() });
  return { value: rate, details };
}

async function fillUp({ queue, database, stream }: Side, upTo: number): Promise<void> {
  const missing = upTo - (await queue.countPending());
  await fillQueue(queue, take(stream, missing), {
    makeJob: makeOurJob,
    onEvents: (events) => recordAccepted(database, events),
  });
}
