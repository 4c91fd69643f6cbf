import { buildWithHandlers, type Build } from '../../tests/support/build.js';
import { openBenchQueue } from '../bench-queue.js';
import { VoidFigure, type Sample, type Scenario } from '../contract.js';
import { checkMirror, resetTables } from '../correctness.js';
import { createEvents } from '../events.js';
import { measureLag } from '../measure-lag.js';
import { startWorker } from '../processes.js';
import { type BenchDatabase } from '../servers.js';
import { WORKERS, type WorkerKind } from '../worker-kinds.js';

const SIZES = {
  full: { perSecond: 250, warmUpSeconds: 2, seconds: 6 },
  short: { perSecond: 100, warmUpSeconds: 0.4, seconds: 1 },
} as const;

/** Handlers that hang have half of it to end, in vain. */
const SHUTDOWN_GRACE = '2s';

/** What `bench/handlers/index.ts` is told. */
type HandlersName = 'none' | 'misbehaving';
/** How many an event has there. */
const HANDLERS_EACH = { none: 0, misbehaving: 5 } as const;

export const handlersLag: Scenario = {
  name: 'handlers-lag',
  title: 'Lag of the mirror beside handlers that misbehave',
  unit: 'ms (p99)',
  description:
    'Events of 2,000 users come at 250 a second, the first 500 of which do not count, to one worker that applies them and runs handlers. Each event is for five ' +
    'handlers: one that is well, one that hangs and heeds no signal, one that takes 30 s, one whose first attempt fails, one that fails for ever. Beside it the ' +
    'same worker with no handlers. Measured is the mirror alone: from when an event was due on the queue until its worker told Redis that it was applied.',
  comparisons: [
    { contender: 'misbehaving handlers', against: 'no handlers', goal: { kind: 'no-worse' } },
  ],
  open: async (bench) => {
    const { perSecond, warmUpSeconds, seconds } = SIZES[bench.form];
    const [build, database] = await Promise.all([
      buildWithHandlers('bench/handlers/index.ts'),
      bench.createDatabase('handlers-lag'),
    ]);
    const queue = openBenchQueue(bench.redisUrl, 'handlers-lag');
    const run = (name: HandlersName) => async (): Promise<Sample> => {
      await resetTables(database);
      const count = perSecond * (warmUpSeconds + seconds);
      const events = [...createEvents({ seed: 'handlers-lag', count })];
      const warmUp = perSecond * warmUpSeconds;
      const worker = workerWith(name, build);
      const sample = await measureLag({ queue, database, worker, events, warmUp, perSecond });
      const details = { 'runs done': await countDone(database, name) };
      return { ...sample, details: { ...sample.details, ...details } };
    };
    return {
      contenders: { 'no handlers': run('none'), 'misbehaving handlers': run('misbehaving') },
      close: async () => {
        await queue.clear();
        await queue.close();
        await database.drop();
        build.remove();
      },
    };
  },
};

function workerWith(BENCH_HANDLERS: HandlersName, build: Build): WorkerKind {
  const each = HANDLERS_EACH[BENCH_HANDLERS];
  const handlers = { 'user.created': each, 'user.updated': each };
  return {
    ...WORKERS['clerk-sync, handlers too'],
    start: ({ settings }, { url }) =>
      startWorker({ ...settings, DATABASE_URL: url, BENCH_HANDLERS, SHUTDOWN_GRACE }, build),
    check: (database) => checkMirror(database, { handlers }),
  };
}

/** @throws VoidFigure when handlers were to run and none did: then nothing was measured. */
async function countDone({ query }: BenchDatabase, name: HandlersName): Promise<number> {
  const [found] = await query<{ done: number }>(
    `SELECT count(*)::int AS done FROM clerk.handler_runs WHERE outcome = 'done'`,
  );
  const done = found?.done ?? 0;
  if (name === 'misbehaving' && done === 0) throw new VoidFigure('No handler was done.');
  return done;
}
