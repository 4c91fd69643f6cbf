import { labelOfType } from '../clerk/event-types.js';
import { type Metrics } from '../metrics.js';
import { type QueueObserver } from './consumer.js';

/** Counts what happens to jobs besides being done. */
export function observeJobs(metrics: Metrics): QueueObserver {
  return {
    deadLetter: (type) => metrics.record('dead_letters_total', 1, { type: labelOfType(type) }),
    retry: (type) => metrics.record('job_retries_total', 1, { type: labelOfType(type) }),
    stall: () => metrics.record('jobs_stalled_total', 1, {}),
  };
}
