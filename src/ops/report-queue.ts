/** Brings the metrics of the queue up to date at each reading. With the queue away they are absent, but for the one that says so. */
import { type Metrics } from '../metrics.js';
import { type OpenQueue } from '../queue/contract.js';

export function reportQueue(queue: OpenQueue, metrics: Metrics): void {
  metrics.onRead(async () => {
    try {
      const [{ blocking }, measured] = await Promise.all([queue.findTrouble(), queue.measure()]);
      const { counts, isPaused, oldestWaitingMs, isPersistent } = measured;
      metrics.record('queue_up', blocking === null ? 1 : 0, {});
      for (const [state, count] of Object.entries(counts)) {
        metrics.record('queue_jobs', count, { state });
      }
      metrics.record('queue_paused', isPaused ? 1 : 0, {});
      metrics.record('queue_oldest_waiting_seconds', (oldestWaitingMs ?? 0) / 1000, {});
      if (isPersistent !== null) metrics.record('redis_persistence', isPersistent ? 1 : 0, {});
    } catch {
      metrics.record('queue_up', 0, {});
      for (const name of MEASURED) metrics.forget(name);
    }
  });
}

const MEASURED = [
  'queue_jobs',
  'queue_paused',
  'queue_oldest_waiting_seconds',
  'redis_persistence',
] as const;
