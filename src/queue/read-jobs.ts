/** Reads what the queue holds, done or not, page by page: bodies are never all in memory at once. Changes nothing. */
import { type Job } from 'bullmq';
import { type Delivery } from '../clerk/event.js';
import { type OpenQueue } from './contract.js';
import { fromJob } from './job.js';
import { askPatiently } from './patience.js';

/** `pending`: waiting, or in the hands of a worker. */
export type QueuedState = 'pending' | 'delayed' | 'completed' | 'failed';

export interface QueuedEvent {
  state: QueuedState;
  delivery: Delivery;
  /** The job's name: the event type. */
  type: string;
}

/** BullMQ's states, in the order in which a job passes them, so that one that moves on meanwhile is seen later. */
const STATES = [
  'wait',
  'prioritized',
  'waiting-children',
  'delayed',
  'active',
  'completed',
  'failed',
] as const;

/**
 * Ids of the jobs in these states, each state's as one moment has it.
 * @throws SyncError `queue.unavailable`.
 */
export async function listJobIds(
  { queue }: OpenQueue,
  states: readonly (typeof STATES)[number][] = STATES,
): Promise<string[]> {
  const ids = new Set<string>();
  for (const state of states) {
    const found = await askPatiently(() => queue.getRanges([state], 0, -1, true));
    for (const id of found) ids.add(id);
  }
  return [...ids];
}

/**
 * By job id. A job that is gone is missing, and so is one that ingest or a replay did not put there.
 * @throws SyncError `queue.unavailable`.
 */
export async function readJobs(
  open: OpenQueue,
  ids: readonly string[],
): Promise<Map<string, QueuedEvent>> {
  const events = new Map<string, QueuedEvent>();
  for (let start = 0; start < ids.length; start += AT_ONCE) {
    const group = ids.slice(start, start + AT_ONCE);
    const found = await askPatiently(() => Promise.all(group.map((id) => readJob(open, id))));
    for (const [index, id] of group.entries()) {
      const event = found[index];
      if (event) events.set(id, event);
    }
  }
  return events;
}

/** A queue in Postgres has few connections, and whoever waits for one for long is refused. */
const AT_ONCE = 20;

async function readJob({ queue }: OpenQueue, id: string): Promise<QueuedEvent | undefined> {
  const job = await queue.getJob(id);
  const delivery = job && readDelivery(job.data);
  return delivery && { state: await readState(job), delivery, type: job.name };
}

/** Not by BullMQ's `getState`: it looks a waiting job up in the whole list, for which Redis keeps everybody else waiting. */
export async function readState(job: Job): Promise<QueuedState> {
  if (job.finishedOn) return (await job.isFailed()) ? 'failed' : 'completed';
  return (await job.isDelayed()) ? 'delayed' : 'pending';
}

/** What cannot be read is no event of Clerk's, or a newer program's: neither is for this one to repeat. */
function readDelivery(data: unknown): Delivery | undefined {
  try {
    return fromJob(data);
  } catch {
    return undefined;
  }
}
