/** Tracing that is off: every seam stays as it is, and nothing is loaded. */
import { type Tracing } from './tracing.js';

/** @param problem why it is off although somebody asked for it, and the cure; null when nobody did. */
export function createUntraced(problem: string | null): Tracing {
  return {
    middleware: undefined,
    traceEnqueue: (enqueue) => enqueue,
    describeTrace: undefined,
    jobs: undefined,
    traceApply: (apply) => apply,
    traceReport: (report) => report,
    traceDatabase: (db) => db,
    describeLine: undefined,
    reportTo: (logger) => {
      if (problem !== null) logger.warn({ problem }, 'tracing is off');
    },
    close: async () => undefined,
  };
}
