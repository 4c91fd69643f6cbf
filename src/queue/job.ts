/** The job: what the queue holds for one delivery. Versioned, so that old and new processes can run side by side. Pure. */
import { createHash } from 'node:crypto';
import { UnrecoverableError, type JobsOptions } from 'bullmq';
import { type Delivery } from '../clerk/event.js';
import { type Config } from '../config.js';
import { SyncError } from '../errors.js';
import { isRecord } from '../record.js';

export const QUEUE_NAME = 'clerk-webhooks';
export const BACKOFF_TYPE = 'capped-exponential';

const FIRST_BACKOFF_MS = 1_000;
const LONGEST_BACKOFF_MS = 300_000;
const MAX_NAME_LENGTH = 255;
const DIGEST_PREFIX = 'sha256-';

/** The second brought `force`, which an older worker must not overlook: what needs no such thing is still of the first. */
const JOB_VERSIONS = [1, 2] as const;
const NEWEST_VERSION = 2;

export interface JobData extends Delivery {
  version: (typeof JOB_VERSIONS)[number];
}

export interface Retention {
  attempts: number;
  completedAgeSeconds: number;
  completedCount: number;
  failedAgeSeconds: number;
}

export function toRetention(config: Config): Retention {
  return {
    attempts: config.JOB_ATTEMPTS,
    completedAgeSeconds: config.COMPLETED_JOB_AGE,
    completedCount: config.COMPLETED_JOB_COUNT,
    failedAgeSeconds: config.FAILED_JOB_AGE,
  };
}

/** As `Queue.addBulk` takes it. */
export interface NewJob<D = JobData> {
  name: string;
  data: D;
  opts: JobsOptions & { jobId: string };
}

export function toJob(delivery: Delivery, type: string, retention: Retention): NewJob {
  const data: JobData = { version: delivery.force ? 2 : 1, ...delivery };
  const opts = {
    jobId: toJobId(delivery.id),
    attempts: retention.attempts,
    backoff: { type: BACKOFF_TYPE },
    removeOnComplete: { age: retention.completedAgeSeconds, count: retention.completedCount },
    removeOnFail: { age: retention.failedAgeSeconds },
  };
  return { name: toJobName(type), data, opts };
}

/** @throws UnrecoverableError when somebody else put the job there; SyncError `job.newer` when a newer version of this program did. */
export function fromJob(data: unknown): Delivery {
  if (!isRecord(data))
    throw new UnrecoverableError('The job has no data: it was not put here by ingest.');
  const { version, id, body, receivedAt, force } = data;
  if (typeof version === 'number' && version > NEWEST_VERSION) {
    throw new SyncError(
      'job.newer',
      `Job data of version ${version} is for a newer worker than this one.`,
    );
  }
  if (!JOB_VERSIONS.some((known) => known === version)) {
    throw new UnrecoverableError('The job data has no version: it was not put here by ingest.');
  }
  if (typeof id !== 'string' || typeof body !== 'string' || typeof receivedAt !== 'number') {
    throw new UnrecoverableError('The job data is incomplete: it was not put here by ingest.');
  }
  return { id, body, receivedAt, ...(force === true ? { force } : {}) };
}

/**
 * The svix-id itself, or a digest of it where BullMQ cannot hold it: a colon or a number throws, and a word such as `wait` or
 * `events` would overwrite a key of the queue's own. Those keys are lower-case words, which no real svix-id is.
 */
export function toJobId(svixId: string): string {
  const isPlain = /^[\w.-]{1,200}$/.test(svixId);
  const isWord = /^[a-z-]+$/.test(svixId);
  const isNumber = /^(?:[-+.\d]+|NaN)$/.test(svixId);
  const isLikeDigest = svixId.startsWith(DIGEST_PREFIX);
  if (isPlain && !isWord && !isNumber && !isLikeDigest) return svixId;
  return `${DIGEST_PREFIX}${createHash('sha256').update(svixId).digest('hex')}`;
}

/** A queue in Postgres can hold neither NUL nor half a surrogate pair. */
function toJobName(type: string): string {
  return type.slice(0, MAX_NAME_LENGTH).toWellFormed().replaceAll('\0', '\uFFFD');
}

/** Milliseconds to the next attempt: doubling, capped, and spread over its upper half so that failures do not come back together. */
export function backoffMs(attemptsMade: number, random = Math.random): number {
  const longest = Math.min(
    LONGEST_BACKOFF_MS,
    FIRST_BACKOFF_MS * 2 ** Math.min(attemptsMade - 1, 30),
  );
  return Math.round(longest * (0.5 + random() / 2));
}
