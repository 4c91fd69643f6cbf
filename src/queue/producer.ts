/** Puts verified deliveries on the queue and tells, truthfully, what the queue made of each. */
import { Job } from 'bullmq';
import { type Delivery } from '../clerk/event.js';
import { messageOf, SyncError } from '../errors.js';
import { type OpenQueue } from './contract.js';
import { toJob, type Retention } from './job.js';

export type EnqueueStatus = 'queued' | 'duplicate' | 'requeued';

/**
 * Resolves once the queue has acknowledged the delivery.
 * @throws SyncError `queue.unavailable` when it has not within the deadline.
 */
export type Enqueue = (delivery: Delivery, type: string) => Promise<EnqueueStatus>;

/** Below the 5 s that the HTTP contract allows, so that the answer still gets out in time. */
const DEADLINE_MS = 4_500;

export function createEnqueue(open: OpenQueue, retention: Retention): Enqueue {
  return async (delivery, type) => {
    try {
      return await withinDeadline(enqueue(open, toJob(delivery, type, retention)));
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
  { name, data, options }: ReturnType<typeof toJob>,
): Promise<EnqueueStatus> {
  const id = options.jobId ?? data.id;
  // BullMQ takes a known id without a word and without effect, even when that job has failed: hence the presence.
  const presence = await open.addKnowing(id, () => open.queue.add(name, data, options));
  if (presence === 'absent') return 'queued';
  return presence === 'failed' ? revive(open, id) : 'duplicate';
}

/** Puts a finished job back, with all its attempts and as many deaths of its workers as the limit allows. */
export async function revive(
  { queue, forgetStalls }: OpenQueue,
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
