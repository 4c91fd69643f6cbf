/** What the rest of the queue asks of the place where it lives. Types only. */
import { type Job, type Processor, type Queue, type Worker, type WorkerOptions } from 'bullmq';
import { type JobData } from './job.js';

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

export interface OpenQueue {
  queue: Queue<JobData>;
  /** Runs `add` and tells how the queue knew the id before, in one round trip where the store allows it. */
  addKnowing: (id: string, add: () => Promise<Job<JobData>>) => Promise<Presence>;
  /** Lets the job's workers die as often as if none had died yet. BullMQ's own retry resets attempts only. */
  forgetStalls: (id: string) => Promise<void>;
  /** Rejects when the queue does not answer. */
  findTrouble: () => Promise<QueueTrouble>;
  /** Rejects when the queue does not answer. */
  measure: () => Promise<QueueMeasure>;
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
  openWorker: (
    processor: Processor<JobData>,
    options: Omit<WorkerOptions, 'connection'>,
  ) => OpenWorker;
}
