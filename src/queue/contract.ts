/** What the rest of the queue asks of the place where it lives. Types only. */
import { type Processor, type Queue, type Worker, type WorkerOptions } from 'bullmq';
import { type ClockReading } from '../clock.js';
import { type HANDLER_QUEUE_NAME, type HandlerJobData } from './handler-job.js';
import { type JobData, type NewJob, type QUEUE_NAME } from './job.js';
import { type Schedule, type ScheduleOptions } from './schedule.js';
import { type StoredJob } from './scan-jobs.js';

/** Each queue, and what its jobs hold. */
export interface QueueJobs {
  [QUEUE_NAME]: JobData;
  [HANDLER_QUEUE_NAME]: HandlerJobData;
}
export type QueueName = keyof QueueJobs;
type Events = typeof QUEUE_NAME;

/** How the queue knew a job id just before it was added: not at all, in any live or completed state, or failed for good. */
export type Presence = 'absent' | 'present' | 'failed';

export interface QueueTrouble {
  /** Not ready while set. */
  blocking: string | null;
  warning: string | null;
}

export interface QueueMeasure {
  /** Jobs by state: waiting, active, delayed, failed, completed. */
  counts: Record<string, number>;
  /** Somebody paused it, at the board for instance: nothing is taken off it. */
  isPaused: boolean;
  /** Milliseconds since the oldest event came that is not applied yet, waiting or in the hands of a worker. Null: none is. */
  oldestWaitingMs: number | null;
  /** Whether an append-only file is kept. Null: the queue is in Postgres, which always does its like. */
  isPersistent: boolean | null;
}

/** What the queue lives in, as found; whoever asks judges it. */
export type QueueStore = RedisStore | PostgresStore;

export interface RedisStore {
  kind: 'redis';
  clock: ClockReading;
  product: 'Redis' | 'Valkey' | 'Dragonfly';
  version: string;
  /** Below which BullMQ refuses, or warns. Null: it does not ask that of this product. */
  minimumVersion: string | null;
  recommendedVersion: string | null;
  evictionPolicy: string;
  /** An append-only file is kept. */
  isPersistent: boolean;
  /** The last writing to disk went wrong; Redis then takes no more writes. */
  hasWriteFailed: boolean;
  usedBytes: number;
  /** Null: as much as the machine has. */
  maxBytes: number | null;
  isReplica: boolean;
}

export interface PostgresStore {
  kind: 'postgres';
  clock: ClockReading;
  /** Of BullMQ's tables, against what the BullMQ of this program brings. */
  schema: 'missing' | 'behind' | 'current';
}

export interface OpenQueue<N extends QueueName = Events> {
  queue: Queue<QueueJobs[N]>;
  /** Adds jobs, each id once, and tells of each how the queue knew it before; in one round trip where the store allows it. */
  addKnowing: (jobs: readonly NewJob<QueueJobs[N]>[]) => Promise<Presence[]>;
  /** Lets the job's workers die as often as if none had died yet. BullMQ's own retry resets attempts only. */
  forgetStalls: (id: string) => Promise<void>;
  /** Rejects when the queue does not answer. */
  findTrouble: () => Promise<QueueTrouble>;
  /** Rejects when the queue does not answer. */
  measure: () => Promise<QueueMeasure>;
  /** Waits until the store is connected, unlike the rest. Rejects with the cause when it cannot be. */
  describe: () => Promise<QueueStore>;
  /** Every job, in whatever state. Rejects when the queue does not answer. */
  scanJobs: () => AsyncGenerator<StoredJob[]>;
  close: () => Promise<void>;
}

/** Whichever queue it is. */
export type AnyOpenQueue = { [N in QueueName]: OpenQueue<N> }[QueueName];

export interface OpenWorker<N extends QueueName = Events> {
  worker: Worker<QueueJobs[N]>;
  /** Closes what the worker leaves open; call it after the worker itself is closed. */
  close: () => Promise<void> | void;
}

export interface Backend {
  openSchedule: (options: ScheduleOptions) => Schedule;
  kind: 'redis' | 'postgres';
  openQueue: <N extends QueueName = Events>(name?: N) => OpenQueue<N>;
  openWorker: <N extends QueueName = Events>(
    processor: Processor<QueueJobs[N]>,
    options: OpenWorkerOptions<N>,
  ) => OpenWorker<N>;
}

export interface OpenWorkerOptions<N extends QueueName> extends Omit<WorkerOptions, 'connection'> {
  /** Default: the events'. */
  queueName?: N;
}
