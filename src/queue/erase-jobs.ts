/** Takes a person out of the queue, in whatever state their jobs are. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Job, type Queue } from 'bullmq';
import { messageOf, SyncError } from '../errors.js';
import { isRecord } from '../record.js';
import { type OpenQueue } from './contract.js';
import { type JobData } from './job.js';
import { readStoredBody, type StoredJob } from './scan-jobs.js';

/** How a job's body concerns the person, and what may stay of it. */
export interface Verdict {
  /** About nobody else. */
  isOwn: boolean;
  /** The same when it is scrubbed again. */
  scrubbed: unknown;
}

export interface JobErasure {
  /** Null: the body does not name the person. A body that is no JSON is a text. */
  judge: (body: unknown) => Verdict | null;
  /** How long a worker may take over what it has in its hands. */
  patienceMs: number;
  /** Nothing is changed, only counted. */
  isRehearsal: boolean;
}

export interface ErasedJobs {
  /** By state. */
  removed: Record<string, number>;
  scrubbed: Record<string, number>;
  /** Still in the hands of a worker. */
  active: number;
}

const POLL_MS = 100;

/**
 * What is done goes. What is not keeps its place, and of its body what is others'; of the person's own events the ids, from which
 * the worker finds the tombstone. Failed events of others can still be tried again.
 * @throws SyncError `queue.unavailable`.
 */
export async function eraseJobs(open: OpenQueue, erasure: JobErasure): Promise<ErasedJobs> {
  const erased: ErasedJobs = { removed: {}, scrubbed: {}, active: 0 };
  const deadline = Date.now() + erasure.patienceMs;
  try {
    let held = await treatAll(open, erasure, erased);
    while (held.length > 0 && Date.now() < deadline) {
      await sleep(POLL_MS);
      held = await treat(open.queue, held, { erasure, erased });
    }
    return { ...erased, active: held.length };
  } catch (error) {
    throw new SyncError('queue.unavailable', `The queue does not answer: ${messageOf(error)}.`, {
      cause: error,
    });
  }
}

async function treatAll(
  open: OpenQueue,
  erasure: JobErasure,
  erased: ErasedJobs,
): Promise<StoredJob[]> {
  const held: StoredJob[] = [];
  for await (const page of open.scanJobs()) {
    held.push(...(await treat(open.queue, page, { erasure, erased })));
  }
  return held;
}

interface Treatment {
  erasure: JobErasure;
  erased: ErasedJobs;
}

/** @returns what a worker holds. */
async function treat(
  queue: Queue<JobData>,
  jobs: readonly StoredJob[],
  { erasure, erased }: Treatment,
): Promise<StoredJob[]> {
  const held: StoredJob[] = [];
  for (const stored of jobs) {
    const verdict = erasure.judge(readStoredBody(stored));
    const job = verdict ? await Job.fromId<JobData>(queue, stored.id) : undefined;
    if (!verdict || !job) continue;
    const state = await queue.getJobState(stored.id);
    const goes = state === 'completed' || (state === 'failed' && verdict.isOwn);
    if (state === 'active') held.push(stored);
    else if (goes) {
      // A worker, or a replay, may have taken it since: then it is held, and asked for again.
      if (erasure.isRehearsal || (await isRemoved(job))) count(erased.removed, state);
      else held.push(stored);
    } else if (state !== 'unknown' && isUnclean(job, verdict)) {
      if (!erasure.isRehearsal) await scrubJob(job, verdict);
      count(erased.scrubbed, state);
    }
  }
  return held;
}

async function isRemoved(job: Job<JobData>): Promise<boolean> {
  try {
    await job.remove();
    return true;
  } catch (error) {
    if (await job.isActive()) return false;
    throw error;
  }
}

function isUnclean(job: Job<JobData>, { scrubbed }: Verdict): boolean {
  const body = readStoredBody({ id: job.id ?? '', data: job.data });
  return JSON.stringify(body) !== JSON.stringify(scrubbed);
}

async function scrubJob(job: Job<JobData>, { scrubbed }: Verdict): Promise<void> {
  const isOurs = typeof (job.data as Partial<JobData>).body === 'string'; // anybody can put a job there
  // What cannot be read fails without its body as it would have failed with it.
  const body = isRecord(scrubbed) ? JSON.stringify(scrubbed) : '';
  await job.updateData(isOurs ? { ...job.data, body } : (scrubbed as JobData)); // theirs, as before
  await job.clearLogs();
}

function count(counts: Record<string, number>, state: string): void {
  counts[state] = (counts[state] ?? 0) + 1;
}
