/** How full the queue is, and how old what is in it. */
import { type JobType, type Queue } from 'bullmq';
import { type QueueMeasure } from './contract.js';

/** BullMQ's names of states, and ours: prioritized jobs wait like any other. */
const STATES = {
  wait: 'waiting',
  prioritized: 'waiting',
  active: 'active',
  delayed: 'delayed',
  failed: 'failed',
  completed: 'completed',
  // In Postgres they are counted apart while the queue is paused.
  paused: 'waiting',
} as const;

/** Whatever has not been applied; a delayed job has been tried, and says so by its state. */
const NOT_APPLIED = ['wait', 'active', 'paused'] as JobType[]; // the types leave `paused` out

export async function measureQueue(
  queue: Queue,
  now = Date.now(),
): Promise<Omit<QueueMeasure, 'isPersistent'>> {
  const names = Object.keys(STATES) as (keyof typeof STATES)[]; // the table holds no other keys
  const [counted, isPaused, ...oldest] = await Promise.all([
    queue.getJobCounts(...(names as JobType[])),
    queue.isPaused(),
    ...NOT_APPLIED.map((state) => queue.getJobs([state], 0, 0, true)),
  ]);
  const counts: Record<string, number> = {};
  for (const name of names)
    counts[STATES[name]] = (counts[STATES[name]] ?? 0) + (counted[name] ?? 0);
  // A job may be removed between the two questions that BullMQ asks for it: then its place holds nothing.
  const times = oldest
    .flat()
    .flatMap((job?: { timestamp: number }) => (job ? [job.timestamp] : []));
  return {
    counts,
    isPaused,
    oldestWaitingMs: times.length > 0 ? Math.max(0, now - Math.min(...times)) : null,
  };
}
