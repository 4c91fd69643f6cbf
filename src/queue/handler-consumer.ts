/** Takes runs of handlers off their queue, and settles each by what came of it. */
import { DelayedError, UnrecoverableError, type Job } from 'bullmq';
import { isDoneWithin } from '../deadline.js';
import { isSyncError, messageOf } from '../errors.js';
import { type Logger } from '../logger.js';
import { type Backend } from './contract.js';
import {
  fromHandlerJob,
  HANDLER_QUEUE_NAME,
  type HandlerJobData,
  type HandlerRun,
} from './handler-job.js';
import { FAREWELL_MS, NEWER_JOB_DELAY_MS, toWorkerOptions } from './worker-options.js';

/**
 * - `settled`: done, or there was nothing to do.
 * - `again`: the attempt failed, and another follows; with the last, `failed`.
 * - `later`: nothing was done that counts as an attempt.
 */
export type RunResult =
  | { kind: 'settled'; outcome: string }
  | { kind: 'again' | 'failed'; error: Error }
  | { kind: 'later'; delayMs: number };

export interface HandlerTurn extends HandlerRun {
  /** Whether a failure now is one for good. */
  isLast: boolean;
  /** How long its job has been on the queue. */
  ageMs: number;
}

export interface HandlerConsumerOptions {
  backend: Backend;
  concurrency: number;
  stalledLimit: number;
  perform: (turn: HandlerTurn) => Promise<RunResult>;
  /** Called when a job has failed for good without `perform` having said so. */
  onDeadLetter: (run: HandlerRun, reason: string) => Promise<void>;
  onStall: () => void;
  /** Called when nothing new is taken any more: ends, or hands back, what is under way. */
  finish: () => Promise<void>;
  logger: Logger;
}

export function openHandlerConsumer(options: HandlerConsumerOptions): {
  close: () => Promise<void>;
} {
  const { backend, logger } = options;
  const { worker, close } = backend.openWorker<typeof HANDLER_QUEUE_NAME>(
    (job, token) => processJob(job, token, options.perform),
    {
      queueName: HANDLER_QUEUE_NAME,
      ...toWorkerOptions(options.concurrency, options.stalledLimit),
    },
  );
  worker.on('stalled', options.onStall);
  const reports = new Set<Promise<void>>();
  worker.on('failed', (job, error) => {
    if (!job?.finishedOn || error instanceof ReportedFailure) return;
    const report = reportDeadLetter(job, error, options).finally(() => reports.delete(report));
    reports.add(report);
  });
  return {
    async close() {
      const closed = worker.close();
      await options.finish();
      if (!(await isDoneWithin(closed, FAREWELL_MS))) {
        logger.warn(
          'the queue does not answer; the handlers that it was not told about run again elsewhere',
        );
      }
      await Promise.all(reports);
      await close();
    },
  };
}

/** Fails the job for good; the run's row has the reason already. */
class ReportedFailure extends UnrecoverableError {}

async function processJob(
  job: Job<HandlerJobData>,
  token: string | undefined,
  perform: HandlerConsumerOptions['perform'],
): Promise<{ outcome: string }> {
  const result = await takeTurn(job, perform);
  switch (result.kind) {
    case 'settled':
      return { outcome: result.outcome };
    case 'again':
      throw result.error;
    case 'failed': {
      const failure = new ReportedFailure(result.error.message);
      if (result.error.stack !== undefined) failure.stack = result.error.stack;
      throw failure;
    }
    case 'later':
      // Not at once: a worker that takes back what it has just handed back forgets to renew its lock (BullMQ 6.7).
      await job.moveToDelayed(Date.now() + result.delayMs, token);
      throw new DelayedError();
  }
}

async function takeTurn(
  job: Job<HandlerJobData>,
  perform: HandlerConsumerOptions['perform'],
): Promise<RunResult> {
  try {
    return await perform({
      ...fromHandlerJob(job.data),
      isLast: job.attemptsMade + 1 >= (job.opts.attempts ?? 1),
      ageMs: Date.now() - job.timestamp,
    });
  } catch (error) {
    if (isSyncError(error, 'job.newer')) return { kind: 'later', delayMs: NEWER_JOB_DELAY_MS };
    throw error;
  }
}

async function reportDeadLetter(
  job: Job<HandlerJobData>,
  error: Error,
  { onDeadLetter, logger }: HandlerConsumerOptions,
): Promise<void> {
  try {
    await onDeadLetter(fromHandlerJob(job.data), error.message);
  } catch (cause) {
    logger.error(
      { id: job.id, reason: messageOf(cause) },
      'a run failed for good, and it could not be written down',
    );
  }
}
