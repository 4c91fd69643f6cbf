/** The workers that are compared: how each is started, what its jobs are like, and what it owes when the queue is empty. */
import { type BenchQueue } from './bench-queue.js';
import { checkMirror, checkRows, type Strangers } from './correctness.js';
import { makeOurJob, makePlainJob, type MakeJob } from './fill-queue.js';
import { startNode, startWorker, type BenchProcess } from './processes.js';
import { type BenchDatabase } from './servers.js';

export interface WorkerKind {
  makeJob: MakeJob;
  start: (queue: BenchQueue, database: BenchDatabase) => Promise<BenchProcess>;
  /** Once the queue is empty. @throws VoidFigure. */
  check: (database: BenchDatabase, strangers?: Strangers) => Promise<void>;
}

export type WorkerName =
  | 'clerk-sync'
  | 'clerk-sync, handlers too'
  | 'upsert-worker'
  | 'upsert-worker, few columns'
  | 'idle-worker';

export const WORKERS: Readonly<Record<WorkerName, WorkerKind>> = {
  'clerk-sync': ourWorker('mirror'),
  'clerk-sync, handlers too': ourWorker('mirror,handlers'),
  'upsert-worker': upsertWorker('all'),
  'upsert-worker, few columns': upsertWorker('few'),
  'idle-worker': {
    makeJob: makePlainJob,
    start: ({ settings }) => startBaseline('idle-worker', settings),
    check: async () => undefined, // the queue is empty and nothing failed: that is all it owes
  },
};

/** Either writes the rows that start handlers; one runs them as well. */
function ourWorker(WORKER_TASKS: string): WorkerKind {
  return {
    makeJob: makeOurJob,
    start: ({ settings }, { url }) => startWorker({ ...settings, DATABASE_URL: url, WORKER_TASKS }),
    check: (database, strangers) => checkMirror(database, { strangers }),
  };
}

function upsertWorker(COLUMNS: 'all' | 'few'): WorkerKind {
  return {
    makeJob: makePlainJob,
    start: ({ settings }, { url }) =>
      startBaseline('upsert-worker', { ...settings, DATABASE_URL: url, COLUMNS }),
    check: (database) => checkRows(database),
  };
}

async function startBaseline(
  name: 'upsert-worker' | 'idle-worker',
  settings: Record<string, string>,
): Promise<BenchProcess> {
  const worker = await startNode(`bench/baselines/${name}.ts`, settings);
  await worker.ready;
  return worker;
}
