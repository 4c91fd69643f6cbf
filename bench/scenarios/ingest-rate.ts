import { openBenchQueue } from '../bench-queue.js';
import { type Scenario } from '../contract.js';
import { INGESTS, type IngestName } from '../ingest-kinds.js';
import { measureEndpoint } from '../measure-endpoint.js';

const SIZES = {
  full: { count: 46_000, warmUp: 6_000 },
  short: { count: 1_500, warmUp: 300 },
} as const;
/** Enough that the endpoint always has something to do; more only wait longer. */
const CONNECTIONS = 64;

export const ingestRate: Scenario = {
  name: 'ingest-rate',
  title: 'Accepted events a second, one ingest process',
  unit: 'events/s',
  description:
    `${CONNECTIONS} connections send 40,000 signed events of mixed sizes, each its next as soon as it has its answer, after 6,000 more to warm up; ` +
    'afterwards the queue is compared with what was accepted. plain-queue is Express, svix and `queue.add` with nothing else. body-only is Express ' +
    'that reads the body and answers: the most that any of them could reach.',
  comparisons: [
    {
      contender: 'clerk-sync',
      against: 'plain-queue',
      goal: { kind: 'at-least', reach: 1.2, stretch: 1.5 },
    },
  ],
  open: async (bench) => {
    const { count, warmUp } = SIZES[bench.form];
    const queue = openBenchQueue(bench.redisUrl, 'ingest-rate');
    const run = (name: IngestName) => async () => {
      const { start, check } = INGESTS[name];
      await queue.clear();
      await queue.settle();
      const events = { seed: 'ingest-rate', count };
      const endpoint = await start(queue);
      try {
        const { acceptedPerSecond, details } = await measureEndpoint(endpoint, {
          events,
          warmUp,
          pace: { kind: 'saturation', connections: CONNECTIONS },
        });
        await check(queue, events);
        return { value: acceptedPerSecond, details };
      } finally {
        await endpoint.stop();
      }
    };
    return {
      contenders: {
        'clerk-sync': run('clerk-sync'),
        'plain-queue': run('plain-queue'),
        'body-only': run('body-only'),
      },
      close: async () => {
        await queue.clear();
        await queue.close();
      },
    };
  },
};
