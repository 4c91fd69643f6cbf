/** Puts one event back on the queue, whatever the queue knows of it. At no moment is it nowhere. */
import { type Delivery } from '../clerk/event.js';
import { type OpenQueue } from './contract.js';
import { toJobId, type Retention } from './job.js';
import { askPatiently } from './patience.js';
import { createEnqueue, revive } from './producer.js';
import { type QueuedState } from './read-jobs.js';

/**
 * - `added`: the queue did not know it.
 * - `revived`: its job had failed for good, and has all its attempts again.
 * - `repeated`: its job was completed.
 * - `promoted`: its job waited for its next attempt, and need not any more.
 * - `pending`: its job waits or runs already.
 */
export type Requeued = 'added' | 'revived' | 'repeated' | 'promoted' | 'pending';

export interface RequeueRequest {
  delivery: Delivery;
  type: string;
  /** As the queue knew it a moment ago. */
  state: QueuedState | undefined;
}

/** @throws SyncError `queue.unavailable` when the queue does not take it. */
export type Requeue = (request: RequeueRequest) => Promise<Requeued>;

export function createRequeue(open: OpenQueue, retention: Retention): Requeue {
  const enqueue = createEnqueue(open, retention);
  return (request) =>
    askPatiently(async () => {
      const moved = await moveJob(open, request);
      // Else the queue does not know it, has forgotten it since, or somebody else moved its job.
      return moved ?? ENQUEUED[await enqueue(request.delivery, request.type)];
    });
}

const ENQUEUED = { queued: 'added', duplicate: 'pending', requeued: 'revived' } as const;

/** @returns undefined when there is no such job any more. */
async function moveJob(
  open: OpenQueue,
  { delivery, state }: RequeueRequest,
): Promise<Requeued | undefined> {
  if (state === undefined) return undefined;
  const id = toJobId(delivery.id);
  // Before it moves: a job that a worker may take at any moment says already that it is forced.
  if (delivery.force && !(await markForced(open, id))) return undefined;
  if (state === 'pending') return 'pending';
  if (state === 'delayed') return promote(open, id);
  const status = await revive(open, id, state);
  if (status !== 'requeued') return undefined;
  return state === 'failed' ? 'revived' : 'repeated';
}

/** @returns whether the job is there. */
async function markForced({ queue }: OpenQueue, id: string): Promise<boolean> {
  const job = await queue.getJob(id);
  if (!job) return false;
  if (job.data.force) return true;
  try {
    await job.updateData({ ...job.data, version: 2, force: true });
    return true;
  } catch (error) {
    if (await queue.getJob(id)) throw error;
    return false;
  }
}

async function promote({ queue }: OpenQueue, id: string): Promise<Requeued | undefined> {
  const job = await queue.getJob(id);
  try {
    await job?.promote();
    return job && 'promoted';
  } catch (error) {
    if (await job?.isDelayed()) throw error;
    return 'pending'; // its time had come by itself
  }
}
