/** What is told of each run: one line in the log, and the metrics. Ids, names, outcomes and durations; reasons are masked before they come here. */
import { type RunKey, type RunOutcome } from '../db/handler-runs.js';
import { type Logger } from '../logger.js';
import { type Metrics } from '../metrics.js';
import { type Handlers } from './read-handlers.js';

export interface FinishedRun extends RunKey {
  outcome: RunOutcome;
  /** Why, unless it is done. */
  reason: string | null;
  /** Which attempt it was that ended it; 0: none was made. */
  attempt: number;
  /** Of that attempt. */
  seconds: number;
  /** Since the commit that wrote the run. */
  sinceCommitSeconds: number;
}

export interface RunReport {
  /** The row says so by now. */
  finished: (run: FinishedRun) => void;
  /** An attempt failed, and another follows. */
  retried: (run: RunKey & { attempt: number; reason: string; seconds: number }) => void;
  /** Every place of its lane was taken: it comes again. */
  sentAway: (run: RunKey) => void;
  /** So many runs were put on the queue. */
  relayed: (runs: number) => void;
  /** Taken back from a worker that died or froze. */
  stalled: () => void;
}

export interface RunReportOptions {
  logger: Logger;
  metrics: Metrics;
  handlers: Pick<Handlers, 'labelOf'>;
}

export function createRunReport({ logger, metrics, handlers }: RunReportOptions): RunReport {
  const labelsOf = ({ handler }: RunKey) => ({ handler: handlers.labelOf(handler) });
  return {
    finished(run) {
      const { outcome, attempt, seconds, sinceCommitSeconds } = run;
      const labels = labelsOf(run);
      metrics.record('handler_runs_total', 1, { ...labels, outcome });
      if (attempt > 0) metrics.record('handler_duration_seconds', seconds, labels);
      if (outcome === 'done') metrics.record('handler_lag_seconds', sinceCommitSeconds, labels);
      logFinished(logger, run);
    },
    retried(run) {
      const { eventId, handler, attempt, reason, seconds } = run;
      metrics.record('handler_retries_total', 1, labelsOf(run));
      metrics.record('handler_duration_seconds', seconds, labelsOf(run));
      const durationMs = Math.round(seconds * 1000);
      logger.warn(
        { id: eventId, handler, attempt, reason, durationMs },
        'handler failed; it will be tried again',
      );
    },
    sentAway: (run) => metrics.record('handler_sent_away_total', 1, labelsOf(run)),
    relayed: (runs) => metrics.record('handler_runs_relayed_total', runs, {}),
    stalled: () => metrics.record('handler_jobs_stalled_total', 1, {}),
  };
}

function logFinished(logger: Logger, run: FinishedRun): void {
  const { eventId, handler, round, outcome, reason, attempt, seconds, sinceCommitSeconds } = run;
  logger[outcome === 'failed' ? 'error' : 'info'](
    {
      id: eventId,
      handler,
      outcome,
      attempt,
      ...(round > 1 ? { round } : {}),
      ...(reason === null ? {} : { reason }),
      durationMs: Math.round(seconds * 1000),
      lagMs: Math.round(sinceCommitSeconds * 1000),
    },
    `handler ${outcome}`,
  );
}
