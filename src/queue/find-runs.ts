/** Looks the jobs of runs up. Changes nothing. */
import { type OpenQueue } from './contract.js';
import { toHandlerJobId, type HANDLER_QUEUE_NAME, type HandlerRun } from './handler-job.js';
import { askPatiently } from './patience.js';
import { readState, type QueuedState } from './read-jobs.js';

export interface RunJob {
  state: QueuedState;
  /** When a delayed one is due; about, for the queue keeps how long the pause is, not when it began. Milliseconds since 1970. */
  dueAt: number | null;
}

/** A queue in Postgres has few connections. */
const AT_ONCE = 20;

/**
 * In the order of `runs`; null where the queue has no job of it, or not any more.
 * @throws SyncError `queue.unavailable`.
 */
export async function findRunJobs(
  open: OpenQueue<typeof HANDLER_QUEUE_NAME>,
  runs: readonly HandlerRun[],
): Promise<(RunJob | null)[]> {
  const found: (RunJob | null)[] = [];
  for (let start = 0; start < runs.length; start += AT_ONCE) {
    const group = runs.slice(start, start + AT_ONCE);
    found.push(
      ...(await askPatiently(() => Promise.all(group.map((run) => findRunJob(open, run))))),
    );
  }
  return found;
}

async function findRunJob(
  { queue }: OpenQueue<typeof HANDLER_QUEUE_NAME>,
  run: HandlerRun,
): Promise<RunJob | null> {
  const job = await queue.getJob(toHandlerJobId(run));
  if (!job) return null;
  const state = await readState(job);
  const pausedAt = job.processedOn ?? job.timestamp;
  return { state, dueAt: state === 'delayed' ? pausedAt + job.delay : null };
}
