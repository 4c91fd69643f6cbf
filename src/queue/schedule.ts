/** Work that is due every so often: done once in all, however many workers there are, because the queue keeps the time. */
import { type Queue, type Worker } from 'bullmq';

export interface ScheduleOptions {
  /** Of the queue that keeps the time. */
  name: string;
  everyMs: number;
  /** A rejection is remembered with the job; the next time comes all the same. */
  work: () => Promise<void>;
}

export interface Schedule {
  close: () => Promise<void>;
}

/** One at a time, with a lock that outlives a slow step. */
export const SCHEDULE_WORKER = { concurrency: 1, lockDuration: 60_000, maxStalledCount: 1 };

const KEPT_JOBS = { count: 10 };
/** One schedule a queue: setting it again changes it. */
const SCHEDULER_ID = 'every';

export function startSchedule({
  queue,
  worker,
  everyMs,
  onError,
  disconnect,
}: {
  queue: Queue;
  worker: Worker;
  everyMs: number;
  onError: (error: Error) => void;
  disconnect: () => Promise<void> | void;
}): Schedule {
  queue.on('error', onError);
  worker.on('error', onError);
  const opts = { removeOnComplete: KEPT_JOBS, removeOnFail: KEPT_JOBS };
  queue.upsertJobScheduler(SCHEDULER_ID, { every: everyMs }, { opts }).catch(onError);
  return {
    async close() {
      await worker.close();
      await queue.close();
      await disconnect();
    },
  };
}
