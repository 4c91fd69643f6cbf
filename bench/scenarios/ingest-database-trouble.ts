import { openBenchQueue } from '../bench-queue.js';
import { type Sample, type Scenario } from '../contract.js';
import { checkMirror, resetTables } from '../correctness.js';
import { INGESTS } from '../ingest-kinds.js';
import { measureEndpoint, toLatencySample } from '../measure-endpoint.js';
import { startWorker } from '../processes.js';
import { recordEvents } from '../record-events.js';
import { startBenchPostgres } from '../servers.js';
import { startSlowProxy } from '../slow-proxy.js';
import { waitUntilApplied } from '../wait-until-applied.js';

const PER_SECOND = 300;
const SIZES = {
  full: { count: 3_300, warmUp: 900 },
  short: { count: 400, warmUp: 100 },
} as const;
const SLOW_MS = 500;

export const ingestDatabaseTrouble: Scenario = {
  name: 'ingest-database-trouble',
  title: 'Time to the answer while the database is in trouble',
  unit: 'ms (p99)',
  description:
    `${PER_SECOND} events a second for 8 s after 3 s to warm up, at times that chance sets, counted from when each should have been sent. ` +
    `A worker runs beside our ingest. Postgres is healthy, or was stopped before, or each of its answers is held back for ${SLOW_MS} ms; in the end ` +
    'it is well again, and the tables are compared with what was accepted.',
  axes: { x: 's since the start', y: 'p99 of each half second, ms' },
  comparisons: [
    { contender: 'Postgres stopped', against: 'Postgres healthy', goal: { kind: 'no-worse' } },
    { contender: 'Postgres slow', against: 'Postgres healthy', goal: { kind: 'no-worse' } },
  ],
  open: async (bench) => {
    const { count, warmUp } = SIZES[bench.form];
    const postgres = await startBenchPostgres();
    const proxy = await startSlowProxy(postgres.url);
    const queue = openBenchQueue(bench.redisUrl, 'ingest-database-trouble');
    const database = { ...postgres, drop: postgres.close };
    const events = { seed: 'ingest-database-trouble', count };
    const load = { events, warmUp, pace: { kind: 'paced', perSecond: PER_SECOND } } as const;
    const run =
      ({ begin, end }: Trouble) =>
      async (): Promise<Sample> => {
        await queue.clear();
        await resetTables(database);
        await recordEvents(database, events);
        await queue.settle();
        const worker = await startWorker({ ...queue.settings, DATABASE_URL: proxy.url });
        const ingest = await INGESTS['clerk-sync'].start(queue);
        try {
          await begin();
          const measured = await measureEndpoint(ingest, load).finally(end);
          await waitUntilApplied(queue);
          await checkMirror(database);
          return toLatencySample(measured);
        } finally {
          await Promise.all([ingest.stop(), worker.stop()]);
        }
      };
    const nothing = async () => undefined;
    return {
      contenders: {
        'Postgres healthy': run({ begin: nothing, end: nothing }),
        'Postgres stopped': run({ begin: postgres.stop, end: postgres.start }),
        'Postgres slow': run({
          begin: async () => proxy.setDelay(SLOW_MS),
          end: async () => proxy.setDelay(0),
        }),
      },
      close: async () => {
        await queue.clear();
        await queue.close();
        await proxy.close();
        await postgres.close();
      },
    };
  },
};

interface Trouble {
  begin: () => Promise<void>;
  end: () => Promise<void>;
}
