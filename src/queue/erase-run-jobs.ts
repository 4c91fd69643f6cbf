/** Takes away the jobs of runs, with what the last attempt said. What is not over comes again as a new job, and finds no payload. */
import { type OpenQueue } from './contract.js';
import { toHandlerJobId, type HANDLER_QUEUE_NAME, type HandlerRun } from './handler-job.js';
import { askPatiently } from './patience.js';

/** Of each run, the jobs of all its rounds. One that a worker holds stays. @throws SyncError `queue.unavailable`. */
export async function eraseRunJobs(
  { queue }: OpenQueue<typeof HANDLER_QUEUE_NAME>,
  runs: readonly HandlerRun[],
): Promise<void> {
  for (const run of runs) {
    for (let round = 1; round <= run.round; round++) {
      await askPatiently(() => queue.remove(toHandlerJobId({ ...run, round })));
    }
  }
}
