/** How the workers of both queues, of events and of handlers, take their jobs and leave them. */
import { backoffMs } from './job.js';

/** A worker killed by SIGKILL has its jobs run elsewhere after at most lock + interval, instead of BullMQ's 60 s. */
const LOCK_DURATION_MS = 10_000;
const STALLED_INTERVAL_MS = 5_000;
/** What the queue's own outage interrupted is tried again this often, instead of every 15 s. */
const RETRY_INTERVAL_MS = 1_000;

/** How long a queue may take to hear what became of the last jobs. The database makes it harmless when it never does. */
export const FAREWELL_MS = 3_000;
/** An older worker leaves a newer one's jobs alone for this long, then looks again. */
export const NEWER_JOB_DELAY_MS = 30_000;

export function toWorkerOptions(concurrency: number, stalledLimit: number) {
  return {
    name: `worker-${process.pid}`,
    concurrency,
    lockDuration: LOCK_DURATION_MS,
    stalledInterval: STALLED_INTERVAL_MS,
    maxStalledCount: stalledLimit,
    runRetryDelay: RETRY_INTERVAL_MS,
    settings: { backoffStrategy: (attemptsMade: number) => backoffMs(attemptsMade) },
  };
}
