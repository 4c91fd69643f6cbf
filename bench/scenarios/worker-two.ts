import { openBenchQueue } from '../bench-queue.js';
import { type Scenario } from '../contract.js';
import { resetTables } from '../correctness.js';
import { createEvents } from '../events.js';
import { measureBacklog } from '../measure-backlog.js';
import { WORKERS } from '../worker-kinds.js';

const SIZES = {
  full: { count: 35_000, warmUp: 15_000 },
  short: { count: 700, warmUp: 200 },
} as const;

export const workerTwo: Scenario = {
  name: 'worker-two',
  title: 'Two worker processes',
  unit: 'events/s',
  description:
    'The same backlog is drained by one worker process, and by two that share its queue and its database. On a machine with two cores the two ' +
    'share them with Redis and Postgres.',
  comparisons: [
    { contender: 'two processes', against: 'one process', goal: { kind: 'at-least', reach: 1.2 } },
  ],
  open: async (bench) => {
    const { count, warmUp } = SIZES[bench.form];
    const database = await bench.createDatabase('worker-two');
    const queue = openBenchQueue(bench.redisUrl, 'worker-two');
    const run = (processes: number) => async () => {
      await resetTables(database);
      const events = createEvents({ seed: 'worker-two', count });
      const worker = WORKERS['clerk-sync'];
      return measureBacklog({ queue, database, worker, events, warmUp, processes });
    };
    return {
      contenders: { 'one process': run(1), 'two processes': run(2) },
      close: async () => {
        await queue.clear();
        await queue.close();
        await database.drop();
      },
    };
  },
};
