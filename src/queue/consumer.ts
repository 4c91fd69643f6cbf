/** Takes jobs off the queue, many at once, and settles each by what the batch it travelled in made of it. */
import { DelayedError, UnrecoverableError, type Job, type Telemetry } from 'bullmq';
import { type Delivery } from '../clerk/event.js';
import { isDoneWithin } from '../deadline.js';
import { isSyncError } from '../errors.js';
import { type Logger } from '../logger.js';
import { type Backend } from './contract.js';
import { createCollector } from './collector.js';
import { fromJob, type JobData } from './job.js';
import { FAREWELL_MS, NEWER_JOB_DELAY_MS, toWorkerOptions } from './worker-options.js';

/** What became of one delivery: `failed` fails the job at once, with the reason; `retry` with the error, for another attempt. */
export interface Result {
  outcome: string;
  repeated: boolean;
  reason: string | null;
  /** What may stay of the body, where the event names somebody who was erased. */
  body?: string | undefined;
  error?: unknown;
}

export interface ConsumerOptions {
  backend: Backend;
  concurrency: number;
  batchSize: number;
  /** A job whose worker died this often fails. High enough for outages and restarts, yet finite: some events kill their workers. */
  stalledLimit: number;
  apply: (deliveries: readonly Delivery[]) => Promise<readonly Result[]>;
  /** Called when a job has failed for good without `apply` having said so. */
  onDeadLetter: (delivery: Delivery, reason: string) => Promise<void>;
  observe: QueueObserver;
  /** Undefined: jobs are not traced. */
  tracing?: JobTracing | undefined;
  logger: Logger;
}

export interface JobTracing {
  telemetry: Telemetry;
  /** Called where BullMQ's span of the job is the active one, before the delivery joins a batch. */
  carry: (delivery: Delivery, job: { type: string; attempt: number }) => void;
}

/** What happens to jobs besides being done; `type` is the event's. */
export interface QueueObserver {
  deadLetter: (type: string) => void;
  /** An attempt failed, and another follows. */
  retry: (type: string) => void;
  /** Taken back from a worker that died or froze. */
  stall: () => void;
}

export interface Consumer {
  /** Events that it has taken off the queue, since it began. */
  countTaken: () => number;
  /** Finishes the transactions that are under way. Does not wait for a queue that is away: what it was not told, it has run again. */
  close: () => Promise<void>;
}

const BATCHES_IN_FLIGHT = 2;
/**
 * One of the jobs that stalled together may be what killed the worker, and at each death all of them come closer to the limit.
 * From here on they go alone and in random order: each round half of the innocent get away before it is the killer's turn.
 */
const SUSPECT_AFTER_STALLS = 2;
/** Not at once: the worker that hands a job back and takes it again in the same breath forgets to renew its lock (BullMQ 6.7). */
const CONTENDED_JOB_DELAY_MS = 1_000;
const UNHEARD =
  'the queue does not answer; the jobs that it was not told about run again elsewhere';

export function openConsumer(options: ConsumerOptions): Consumer {
  const { backend, apply, batchSize, tracing } = options;
  const collect = createCollector({ apply, maxSize: batchSize, maxInFlight: BATCHES_IN_FLIGHT });
  const collectAlone = createCollector({ apply, maxSize: 1, maxInFlight: 1, order: 'random' });
  const underWay = new Set<Promise<Result>>();
  let taken = 0;
  const { worker, close } = backend.openWorker(
    async (job, token) => {
      taken++;
      const isSuspect = job.stalledCounter >= SUSPECT_AFTER_STALLS;
      return processJob(job, token, (delivery) => {
        tracing?.carry(delivery, { type: job.name, attempt: job.attemptsMade + 1 });
        const result = (isSuspect ? collectAlone : collect)(delivery);
        underWay.add(result);
        return result.finally(() => underWay.delete(result));
      });
    },
    {
      ...toWorkerOptions(options.concurrency, options.stalledLimit),
      ...(tracing && { telemetry: tracing.telemetry }),
    },
  );
  worker.on('stalled', options.observe.stall);
  const reports = new Set<Promise<void>>();
  worker.on('failed', (job, error) => {
    if (!job) return;
    if (!job.finishedOn) {
      options.observe.retry(job.name);
      return;
    }
    options.observe.deadLetter(job.name);
    if (error instanceof ReportedFailure) return;
    const report = reportDeadLetter(job, error, options).finally(() => reports.delete(report));
    reports.add(report);
  });
  return {
    countTaken: () => taken,
    async close() {
      const closed = worker.close();
      let isClosed: boolean;
      do {
        await Promise.allSettled(underWay);
        isClosed = await isDoneWithin(closed, FAREWELL_MS);
      } while (!isClosed && underWay.size > 0);
      if (!isClosed) options.logger.warn(UNHEARD);
      await Promise.all(reports);
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
): Promise<Pick<Result, 'outcome' | 'repeated'>> {
  try {
    const { outcome, repeated, reason, body, error } = await collect(fromJob(job.data));
    if (body !== undefined) await job.updateData({ ...job.data, body });
    if (outcome === 'retry') throw error;
    if (outcome === 'failed') throw new ReportedFailure(reason ?? 'The event cannot be applied.');
    return { outcome, repeated };
  } catch (error) {
    if (!isSyncError(error) || !error.retryable) throw error;
    // Time is all it needs, and no attempt is used up.
    const delayMs = error.code === 'job.newer' ? NEWER_JOB_DELAY_MS : CONTENDED_JOB_DELAY_MS;
    await job.moveToDelayed(Date.now() + delayMs, token);
    throw new DelayedError();
  }
}

async function reportDeadLetter(
  job: Job<JobData>,
  error: Error,
  { onDeadLetter, logger }: ConsumerOptions,
): Promise<void> {
  logger.error({ id: job.id, type: job.name, reason: error.message }, 'job failed for good');
  try {
    await onDeadLetter(fromJob(job.data), error.message);
  } catch (cause) {
    logger.error({ err: cause, id: job.id }, 'the failure could not be written to the ledger');
  }
}
