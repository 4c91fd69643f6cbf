/** Puts verified deliveries on the queue and tells, truthfully, what the queue made of each. */
import { Job } from 'bullmq';
import { type Delivery } from '../clerk/event.js';
import { messageOf, SyncError } from '../errors.js';
import { createCollector } from './collector.js';
import { type AnyOpenQueue, type OpenQueue, type Presence } from './contract.js';
import { toJob, type NewJob, type Retention } from './job.js';

export type EnqueueStatus = 'queued' | 'duplicate' | 'requeued';

/**
 * Resolves once the queue has acknowledged the delivery.
 * @throws SyncError `queue.unavailable` when it has not within the deadline.
 */
export type Enqueue = (delivery: Delivery, type: string) => Promise<EnqueueStatus>;

/** Below the 5 s that the HTTP contract allows, so that the answer still gets out in time. */
const DEADLINE_MS = 4_500;

/** Together they may be large: a request's body is bounded, and so is their number. */
const MOST_JOINED = 50;

/** @param describeTrace what the delivery's job carries, for its worker to go on in the same trace; undefined: nothing. */
export function createEnqueue(
  open: OpenQueue,
  retention: Retention,
  describeTrace?: (delivery: Delivery) => string | undefined,
): Enqueue {
  const add = createCollector({
    apply: (jobs: readonly NewJob[]) => addTogether(open, jobs),
    maxSize: MOST_JOINED,
    maxInFlight: Infinity,
  });
  return async (delivery, type) => {
    try {
      const job = toJob(delivery, type, retention);
      // Here and not where BullMQ would: jobs of several requests are added together, and each has a trace of its own.
      const metadata = describeTrace?.(delivery);
      if (metadata !== undefined) job.opts.telemetry = { metadata };
      return await withinDeadline(enqueue(open, add, job));
    } catch (error) {
      throw new SyncError(
        'queue.unavailable',
        `The queue did not take the event: ${messageOf(error)}`,
        { cause: error },
      );
    }
  };
}

async function enqueue(
  open: OpenQueue,
  add: (job: NewJob) => Promise<Presence>,
  job: NewJob,
): Promise<EnqueueStatus> {
  // BullMQ takes a known id without a word and without effect, even when that job has failed: hence the presence.
  const presence = await add(job);
  if (presence === 'absent') return 'queued';
  return presence === 'failed' ? revive(open, job.opts.jobId) : 'duplicate';
}

/** What several requests bring in one turn of the event loop; the second of one id is a duplicate of the first. */
async function addTogether(open: OpenQueue, jobs: readonly NewJob[]): Promise<Presence[]> {
  const first = new Map<string, NewJob>();
  for (const job of jobs) if (!first.has(job.opts.jobId)) first.set(job.opts.jobId, job);
  const presences = await open.addKnowing([...first.values()]);
  const found = new Map([...first.keys()].map((id, index) => [id, presences[index]]));
  return jobs.map((job) => {
    const presence = found.get(job.opts.jobId) ?? 'present';
    return presence === 'absent' && first.get(job.opts.jobId) !== job ? 'present' : presence;
  });
}

/** Puts a finished job back, with all its attempts and as many deaths of its workers as the limit allows. */
export async function revive(
  { queue, forgetStalls }: AnyOpenQueue,
  id: string,
  state: 'failed' | 'completed' = 'failed',
): Promise<EnqueueStatus> {
  const job = await Job.fromId(queue, id);
  if (!job) return 'duplicate';
  try {
    await forgetStalls(id);
    await job.retry(state, { resetAttemptsMade: true, resetAttemptsStarted: true });
    return 'requeued';
  } catch (error) {
    // Another redelivery, or somebody at the board, was faster; anything else is trouble.
    if (await (state === 'failed' ? job.isFailed() : job.isCompleted())) throw error;
    return 'duplicate';
  }
}

async function withinDeadline<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`no acknowledgement within ${DEADLINE_MS} ms`));
    }, DEADLINE_MS);
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
