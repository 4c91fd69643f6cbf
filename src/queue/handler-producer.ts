/** Puts runs of handlers on their queue. One that it knows already stays as it is. */
import { type OpenQueue } from './contract.js';
import { toHandlerJob, type HANDLER_QUEUE_NAME, type HandlerRun } from './handler-job.js';
import { type Retention } from './job.js';

/** Resolves once the queue has them all; rejects when it does not answer, and may have some. */
export type AddRuns = (runs: readonly HandlerRun[]) => Promise<void>;

export function createAddRuns(
  { queue }: OpenQueue<typeof HANDLER_QUEUE_NAME>,
  retention: Retention,
): AddRuns {
  return async (runs) => {
    await queue.addBulk(runs.map((run) => toHandlerJob(run, retention)));
  };
}
