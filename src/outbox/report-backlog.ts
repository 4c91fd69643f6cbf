/** Brings the metrics of what handlers have to do up to date at each reading, from their rows. With the database away they are absent. */
import { type Database } from '../db/database.js';
import { measureRuns, type HandlerMeasure } from '../db/measure-runs.js';
import { type Metrics } from '../metrics.js';
import { listLabels, type Handlers } from './read-handlers.js';

export function reportBacklog(db: Database, handlers: Handlers, metrics: Metrics): void {
  metrics.onRead(async () => {
    const measured = await measureRuns(db).catch(() => null);
    for (const name of MEASURED) metrics.forget(name);
    if (!measured) return;
    for (const handler of listLabels(handlers)) {
      const own = measured.handlers.filter((found) => handlers.labelOf(found.handler) === handler);
      recordHandler(metrics, handler, own);
    }
    metrics.record('handler_runs_unrelayed', measured.unrelayed, {});
    metrics.record('handler_oldest_unrelayed_seconds', measured.oldestUnrelayedSeconds, {});
  });
}

const MEASURED = [
  'handler_runs_unfinished',
  'handler_oldest_unfinished_seconds',
  'handler_runs_failed',
  'handler_runs_unrelayed',
  'handler_oldest_unrelayed_seconds',
] as const;

/** @param own one at most, but for the label of all that are in the table no more. */
function recordHandler(metrics: Metrics, handler: string, own: readonly HandlerMeasure[]): void {
  const labels = { handler };
  const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0);
  const ages = own.map(({ oldestUnfinishedSeconds }) => oldestUnfinishedSeconds);
  const unfinished = sum(own.map((found) => found.unfinished));
  metrics.record('handler_runs_unfinished', unfinished, labels);
  metrics.record('handler_oldest_unfinished_seconds', Math.max(0, ...ages), labels);
  metrics.record('handler_runs_failed', sum(own.map(({ failed }) => failed)), labels);
}
