import { openBenchQueue } from '../bench-queue.js';
import { type Scenario } from '../contract.js';
import { resetTables } from '../correctness.js';
import { createEvents } from '../events.js';
import { measureBacklog } from '../measure-backlog.js';
import { WORKERS, type WorkerName } from '../worker-kinds.js';

const SIZES = {
  full: { count: 25_000, warmUp: 5_000 },
  short: { count: 700, warmUp: 200 },
} as const;

export const workerRate: Scenario = {
  name: 'worker-rate',
  title: 'Applied events a second, one worker process',
  unit: 'events/s',
  description:
    'One worker process drains a backlog of 20,000 events of mixed sizes, after 5,000 more to warm up; the rate is by the times that Redis ' +
    'notes for completed jobs. clerk-sync has its full semantics: ledger, versions, row, and the rows that start handlers, which a worker of their own would run; once ' +
    'more it runs them beside (one for each sign-up, which are half of the events). upsert-worker runs `prisma.user.upsert` for each job, ' +
    'with the same columns, and once more with the few that tutorials have; idle-worker does nothing with its jobs.',
  comparisons: [
    {
      contender: 'clerk-sync',
      against: 'upsert-worker',
      goal: { kind: 'at-least', reach: 4, stretch: 6 },
    },
    {
      contender: 'clerk-sync',
      against: 'upsert-worker, few columns',
      goal: { kind: 'at-least', reach: 4, stretch: 6 },
    },
    {
      contender: 'clerk-sync, handlers too',
      against: 'upsert-worker',
      goal: { kind: 'at-least', reach: 4 },
    },
    {
      contender: 'clerk-sync',
      against: 'idle-worker',
      goal: { kind: 'at-least', reach: 0.3, stretch: 0.45 },
    },
  ],
  open: async (bench) => {
    const { count, warmUp } = SIZES[bench.form];
    const database = await bench.createDatabase('worker-rate');
    const queue = openBenchQueue(bench.redisUrl, 'worker-rate');
    const run = (name: WorkerName) => async () => {
      await resetTables(database);
      const events = createEvents({ seed: 'worker-rate', count });
      return measureBacklog({ queue, database, worker: WORKERS[name], events, warmUp });
    };
    return {
      contenders: {
        'clerk-sync': run('clerk-sync'),
        'clerk-sync, handlers too': run('clerk-sync, handlers too'),
        'upsert-worker': run('upsert-worker'),
        'upsert-worker, few columns': run('upsert-worker, few columns'),
        'idle-worker': run('idle-worker'),
      },
      close: async () => {
        await queue.clear();
        await queue.close();
        await database.drop();
      },
    };
  },
};
