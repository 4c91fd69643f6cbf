/** Brings the metrics of the queue of handlers up to date at each reading. With the queue away they are absent. */
import { type Metrics } from '../metrics.js';
import { type OpenQueue } from '../queue/contract.js';
import { type HANDLER_QUEUE_NAME } from '../queue/handler-job.js';

/** Whether the queue answers at all is told by that of the events, which lives in the same place. */
export function reportHandlerQueue(
  queue: Pick<OpenQueue<typeof HANDLER_QUEUE_NAME>, 'measure'>,
  metrics: Metrics,
): void {
  metrics.onRead(async () => {
    try {
      const { counts, isPaused } = await queue.measure();
      for (const [state, count] of Object.entries(counts)) {
        metrics.record('handler_queue_jobs', count, { state });
      }
      metrics.record('handler_queue_paused', isPaused ? 1 : 0, {});
    } catch {
      metrics.forget('handler_queue_jobs');
      metrics.forget('handler_queue_paused');
    }
  });
}
