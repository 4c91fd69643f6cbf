import { Redis } from 'ioredis';
import { waitFor } from '../../tests/support/wait.js';
import { openBenchQueue, type BenchQueue } from '../bench-queue.js';
import { type Sample, type Scenario } from '../contract.js';
import { createEvents } from '../events.js';
import { INGESTS, type IngestName } from '../ingest-kinds.js';
import { measureEndpoint } from '../measure-endpoint.js';

const COUNTS = { full: 20_000, short: 1_000 } as const;
const CONNECTIONS = 64;
const SAMPLE_SIZE = 200;

export const ingestMemory: Scenario = {
  name: 'ingest-memory',
  title: 'Redis memory of a queued event',
  unit: 'bytes an event',
  description:
    'Events of 3 kB are sent to the endpoint and stay on the queue: what Redis uses more than before (used_memory), for each of 20,000. body is ' +
    'what the bodies have by themselves. plain-queue is Express, svix and `queue.add` with nothing else.',
  comparisons: [
    { contender: 'clerk-sync', against: 'body', goal: { kind: 'at-most', reach: 2, stretch: 1.4 } },
  ],
  rounds: 3,
  open: async (bench) => {
    const queue = openBenchQueue(bench.redisUrl, 'ingest-memory');
    const redis = new Redis(bench.redisUrl, { maxRetriesPerRequest: null });
    const count = COUNTS[bench.form];
    const events = { seed: 'ingest-memory', count, sizes: { '3 kB': 1 } } as const;
    const run = (name: IngestName) => async (): Promise<Sample> => {
      await queue.clear();
      await queue.settle();
      const before = await readUsedBytes(redis);
      const { start, check } = INGESTS[name];
      const endpoint = await start(queue);
      const pace = { kind: 'saturation', connections: CONNECTIONS } as const;
      const { details } = await measureEndpoint(endpoint, { events, warmUp: 0, pace }).finally(
        endpoint.stop,
      );
      const after = await readUsedBytes(redis);
      await check(queue, events);
      return {
        value: (after - before) / count,
        details: { 'of it the job itself': await sampleJobs(redis, queue), ...details },
      };
    };
    return {
      contenders: {
        'clerk-sync': run('clerk-sync'),
        'plain-queue': run('plain-queue'),
        body: async () => {
          let bytes = 0;
          for (const { body } of createEvents(events)) bytes += Buffer.byteLength(body);
          return { value: bytes / count };
        },
      },
      close: async () => {
        await queue.clear();
        await queue.close();
        redis.disconnect();
      },
    };
  },
};

/** What has been deleted is given back in the background. */
async function readUsedBytes(redis: Redis): Promise<number> {
  await waitFor('Redis to free what was deleted', async () =>
    /^lazyfree_pending_objects:0\r/m.test(await redis.info('memory')),
  );
  return Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1]);
}

/** In bytes, without its places in Redis's table of keys and in the list of those that wait. */
async function sampleJobs(redis: Redis, { queue }: BenchQueue): Promise<number> {
  const ids = await queue.getRanges(['wait'], 0, SAMPLE_SIZE - 1);
  const sizes = await Promise.all(
    ids.map((id) => redis.memory('USAGE', queue.toKey(id), 'SAMPLES', 0)),
  );
  return sizes.reduce<number>((sum, size) => sum + Number(size), 0) / sizes.length;
}
