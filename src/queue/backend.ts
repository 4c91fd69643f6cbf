/** Where the queue lives: in Redis when REDIS_URL is set, else in Postgres. The one place that decides. */
import { type Job, type Processor, type Queue, type Worker, type WorkerOptions } from 'bullmq';
import { SyncError } from '../errors.js';
import { type JobData } from './job.js';
import { createPostgresBackend } from './postgres.js';
import { createRedisBackend } from './redis.js';

/** How the queue knew a job id just before it was added: not at all, in any live or completed state, or failed for good. */
export type Presence = 'absent' | 'present' | 'failed';

export interface QueueTrouble {
  /** Not ready while set. */
  blocking: string | null;
  warning: string | null;
}

export interface OpenQueue {
  queue: Queue<JobData>;
  /** Runs `add` and tells how the queue knew the id before, in one round trip where the store allows it. */
  addKnowing: (id: string, add: () => Promise<Job<JobData>>) => Promise<Presence>;
  /** Rejects when the queue does not answer. */
  findTrouble: () => Promise<QueueTrouble>;
  close: () => Promise<void>;
}

export interface OpenWorker {
  worker: Worker<JobData>;
  /** Closes what the worker leaves open; call it after the worker itself is closed. */
  close: () => Promise<void> | void;
}

export interface Backend {
  kind: 'redis' | 'postgres';
  openQueue: () => OpenQueue;
  openWorker: (processor: Processor<JobData>, options: Omit<WorkerOptions, 'connection'>) => OpenWorker;
}

export interface BackendOptions {
  redisUrl: string | undefined;
  databaseUrl: string | undefined;
  prefix: string;
  onError: (error: Error) => void;
}

/** @throws SyncError `config.invalid` when neither URL is set. */
export function chooseBackend({ redisUrl, databaseUrl, prefix, onError }: BackendOptions): Backend {
  if (redisUrl) return createRedisBackend({ url: redisUrl, prefix, onError });
  if (databaseUrl) return createPostgresBackend({ url: databaseUrl, onError });
  throw new SyncError('config.invalid', 'Neither REDIS_URL nor DATABASE_URL is set: there is no place for the queue.');
}
