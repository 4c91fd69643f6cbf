import { openBenchQueue } from '../bench-queue.js';
import { type Scenario } from '../contract.js';
import { checkMirror, checkRows, resetTables } from '../correctness.js';
import { INGESTS, startBaseline } from '../ingest-kinds.js';
import { measureEndpoint, toLatencySample } from '../measure-endpoint.js';
import { startWorker } from '../processes.js';
import { recordEvents } from '../record-events.js';
import { waitUntilApplied } from '../wait-until-applied.js';

const PER_SECOND = 1_000;
const SIZES = {
  full: { count: 11_000, warmUp: 3_000 },
  short: { count: 1_500, warmUp: 500 },
} as const;

export const ingestLatency: Scenario = {
  name: 'ingest-latency',
  title: 'Time to the answer at 1,000 events a second',
  unit: 'ms (p99)',
  description:
    `${PER_SECOND} events a second of mixed sizes, at times that chance sets, for 8 s after 3 s to warm up; the time counts from when an event ` +
    'should have been sent, so a slow answer cannot hide those that wait behind it. Beside our ingest our worker applies the events meanwhile. ' +
    'upsert-in-request verifies and runs `prisma.user.upsert` before it answers, with the columns of ours, or with the seven that tutorials have.',
  axes: { x: 's since the start', y: 'p99 of each half second, ms' },
  comparisons: [
    {
      contender: 'clerk-sync',
      against: 'upsert-in-request',
      goal: { kind: 'at-most', reach: 0.25, stretch: 0.1 },
    },
  ],
  open: async (bench) => {
    const { count, warmUp } = SIZES[bench.form];
    const database = await bench.createDatabase('ingest-latency');
    const queue = openBenchQueue(bench.redisUrl, 'ingest-latency');
    const events = { seed: 'ingest-latency', count };
    const load = { events, warmUp, pace: { kind: 'paced', perSecond: PER_SECOND } } as const;
    const prepare = async () => {
      await queue.clear();
      await resetTables(database);
      await recordEvents(database, events);
      await queue.settle();
    };
    const runOurs = async () => {
      await prepare();
      const worker = await startWorker({ ...queue.settings, DATABASE_URL: database.url });
      const ingest = await INGESTS['clerk-sync'].start(queue);
      try {
        const measured = await measureEndpoint(ingest, load);
        await waitUntilApplied(queue);
        await checkMirror(database);
        const { details, ...sample } = toLatencySample(measured);
        return {
          ...sample,
          details: { ...details, 'worker RSS MB': worker.residentBytes() / 1e6 },
        };
      } finally {
        await Promise.all([ingest.stop(), worker.stop()]);
      }
    };
    const runBaseline = (columns: 'all' | 'few') => async () => {
      await prepare();
      const settings = { DATABASE_URL: database.url, COLUMNS: columns };
      const baseline = await startBaseline('upsert-in-request', settings);
      try {
        const measured = await measureEndpoint(baseline, load);
        await checkRows(database);
        return toLatencySample(measured);
      } finally {
        await baseline.stop();
      }
    };
    return {
      contenders: {
        'clerk-sync': runOurs,
        'upsert-in-request': runBaseline('all'),
        'upsert-in-request, few columns': runBaseline('few'),
      },
      close: async () => {
        await queue.clear();
        await queue.close();
        await database.drop();
      },
    };
  },
};
