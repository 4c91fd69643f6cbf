import { openBenchQueue } from '../bench-queue.js';
import { type Scenario } from '../contract.js';
import { resetTables } from '../correctness.js';
import { createEvents } from '../events.js';
import { measureLag } from '../measure-lag.js';
import { WORKERS, type WorkerName } from '../worker-kinds.js';

const SIZES = {
  full: { perSecond: 2_000, warmUpSeconds: 2, seconds: 8 },
  short: { perSecond: 250, warmUpSeconds: 0.4, seconds: 1 },
} as const;

export const workerLag: Scenario = {
  name: 'worker-lag',
  title: 'Lag at 2,000 events a second',
  unit: 'ms (p99)',
  description:
    'Events of mixed sizes are put on the queue at 2,000 a second for 8 s, after 2 s at the same rate that do not count. The lag of an event is ' +
    'the time from when it was due on the queue until its worker told Redis that it was done, which is after its commit. A worker that does not ' +
    'keep up has until the queue is empty.',
  comparisons: [
    {
      contender: 'clerk-sync',
      against: 'upsert-worker',
      goal: { kind: 'at-most', reach: 0.1 },
    },
  ],
  axes: { x: 's', y: 'lag in ms, p99 of each half second' },
  open: async (bench) => {
    const { perSecond, warmUpSeconds, seconds } = SIZES[bench.form];
    const database = await bench.createDatabase('worker-lag');
    const queue = openBenchQueue(bench.redisUrl, 'worker-lag');
    const run = (name: WorkerName) => async () => {
      await resetTables(database);
      const count = perSecond * (warmUpSeconds + seconds);
      const events = [...createEvents({ seed: 'worker-lag', count })];
      const warmUp = perSecond * warmUpSeconds;
      return measureLag({ queue, database, worker: WORKERS[name], events, warmUp, perSecond });
    };
    return {
      contenders: { 'clerk-sync': run('clerk-sync'), 'upsert-worker': run('upsert-worker') },
      close: async () => {
        await queue.clear();
        await queue.close();
        await database.drop();
      },
    };
  },
};
