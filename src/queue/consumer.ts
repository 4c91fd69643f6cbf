/** Takes jobs off the queue, many at once, and settles each by what the batch it travelled in made of it. */
import { UnrecoverableError, WaitingError, type Job } from 'bullmq';
import { type Delivery } from '../clerk/event.js';
import { isSyncError } from '../errors.js';
import { type Logger } from '../logger.js';
import { type Backend } from './contract.js';
import { createCollector } from './collector.js';
import { backoffMs, fromJob, type JobData } from './job.js';

/** What became of one delivery; `failed` fails the job at once, with the reason. */
export interface Result {
  outcome: string;
  repeated: boolean;
  reason: string | null;
}

export interface ConsumerOptions {
  backend: Backend;
  concurrency: number;
  batchSize: number;
  /** Rejects when the deliveries may be tried again: with `database.unavailable` without using up an attempt. */
  apply: (deliveries: readonly Delivery[]) => Promise<readonly Result[]>;
  /** Called when a job has failed for good without `apply` having said so. */
  onDeadLetter: (delivery: Delivery, reason: string) => Promise<void>;
  /** Aborts what waits for the database. */
  abort: () => void;
  logger: Logger;
}

export interface Consumer {
  isRunning: () => boolean;
  /** Finishes what is under way; what still waits for the database after the grace goes back on the queue. */
  close: () => Promise<void>;
}

/** A worker killed by SIGKILL has its jobs run elsewhere after at most lock + interval, instead of BullMQ's 60 s. */
const LOCK_DURATION_MS = 10_000;
const STALLED_INTERVAL_MS = 5_000;
/** High enough for outages and restarts, yet finite: an event that kills its workers ends as failed. */
const MAX_STALLED_COUNT = 50;
const BATCHES_IN_FLIGHT = 2;
/** Half of the shutdown grace goes to finishing; the rest to handing back. */
const HAND_BACK_AFTER_MS = 8_000;

export function openConsumer(options: ConsumerOptions): Consumer {
  const { backend, logger } = options;
  const collect = createCollector({
    apply: options.apply,
    maxSize: options.batchSize,
    maxInFlight: BATCHES_IN_FLIGHT,
  });
  const { worker, close } = backend.openWorker(
    async (job, token) => processJob(job, token, collect),
    {
      name: `worker-${process.pid}`,
      concurrency: options.concurrency,
      lockDuration: LOCK_DURATION_MS,
      stalledInterval: STALLED_INTERVAL_MS,
      maxStalledCount: MAX_STALLED_COUNT,
      settings: { backoffStrategy: (attemptsMade) => backoffMs(attemptsMade) },
    },
  );
  worker.on('failed', (job, error) => {
    if (!job?.finishedOn || error instanceof ReportedFailure) return;
    logger.error({ id: job.id, type: job.name, reason: error.message }, 'job failed for good');
    void reportDeadLetter(job, error, options);
  });
  return {
    isRunning: () => worker.isRunning(),
    async close() {
      const handBack = setTimeout(options.abort, HAND_BACK_AFTER_MS);
      await worker.close();
      clearTimeout(handBack);
      await close();
    },
  };
}

/** Fails the job for good; the ledger has the reason already. */
class ReportedFailure extends UnrecoverableError {}

async function processJob(
  job: Job<JobData>,
  token: string | undefined,
  collect: (delivery: Delivery) => Promise<Result>,
): Promise<Omit<Result, 'reason'>> {
  const delivery = fromJob(job.data);
  try {
    const { outcome, repeated, reason } = await collect(delivery);
    if (outcome === 'failed') throw new ReportedFailure(reason ?? 'The event cannot be applied.');
    return { outcome, repeated };
  } catch (error) {
    if (!isSyncError(error, 'database.unavailable')) throw error;
    await job.moveToWait(token);
    throw new WaitingError();
  }
}

async function reportDeadLetter(
  job: Job<JobData>,
  error: Error,
  { onDeadLetter, logger }: ConsumerOptions,
): Promise<void> {
  try {
    await onDeadLetter(fromJob(job.data), error.message);
  } catch (cause) {
    logger.error({ err: cause, id: job.id }, 'the failure could not be written to the ledger');
  }
}
