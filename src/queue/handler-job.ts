/** The job of one handler of one event: ids alone, for what it is about stands in the ledger. Versioned. Pure. */
import { UnrecoverableError, type JobsOptions } from 'bullmq';
import { type Config } from '../config.js';
import { SyncError } from '../errors.js';
import { isRecord } from '../record.js';
import { BACKOFF_TYPE, toJobId, type Retention } from './job.js';

export const HANDLER_QUEUE_NAME = 'clerk-handlers';

const VERSION = 1;

export interface HandlerRun {
  eventId: string;
  handler: string;
  /** From 1; each replay that asks for the handler begins another. */
  round: number;
}

export interface HandlerJobData extends HandlerRun {
  version: typeof VERSION;
}

export function toHandlerRetention(config: Config): Retention {
  return {
    attempts: config.HANDLER_ATTEMPTS,
    completedAgeSeconds: config.COMPLETED_JOB_AGE,
    completedCount: config.COMPLETED_JOB_COUNT,
    failedAgeSeconds: config.FAILED_JOB_AGE,
  };
}

export function toHandlerJobId({ eventId, handler, round }: HandlerRun): string {
  return toJobId(`${eventId}.${handler}.${round}`);
}

export function toHandlerJob({ eventId, handler, round }: HandlerRun, retention: Retention) {
  const data: HandlerJobData = { version: VERSION, eventId, handler, round };
  const opts: JobsOptions = {
    jobId: toHandlerJobId(data),
    attempts: retention.attempts,
    backoff: { type: BACKOFF_TYPE },
    removeOnComplete: { age: retention.completedAgeSeconds, count: retention.completedCount },
    removeOnFail: { age: retention.failedAgeSeconds },
  };
  return { name: handler, data, opts };
}

/** @throws UnrecoverableError when somebody else put the job there; SyncError `job.newer` when a newer version of this program did. */
export function fromHandlerJob(data: unknown): HandlerRun {
  const { version, eventId, handler, round } = isRecord(data) ? data : {};
  if (typeof version === 'number' && version > VERSION) {
    throw new SyncError(
      'job.newer',
      `Job data of version ${version} is for a newer worker than this one.`,
    );
  }
  if (
    version !== VERSION ||
    typeof eventId !== 'string' ||
    typeof handler !== 'string' ||
    typeof round !== 'number'
  ) {
    throw new UnrecoverableError('The job data is incomplete: it was not put here by the relay.');
  }
  return { eventId, handler, round };
}
