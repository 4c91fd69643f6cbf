/** What is told of each run: one line in the log. Ids, names, outcomes and durations; reasons are masked before they come here. */
import { type RunKey, type RunOutcome } from '../db/handler-runs.js';
import { type Logger } from '../logger.js';

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

/** A metric is another observer of the same. */
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

export function createRunReport(logger: Logger): RunReport {
  return {
    finished({ eventId, handler, round, outcome, reason, attempt, seconds, sinceCommitSeconds }) {
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
    },
    retried({ eventId, handler, attempt, reason, seconds }) {
      const durationMs = Math.round(seconds * 1000);
      logger.warn(
        { id: eventId, handler, attempt, reason, durationMs },
        'handler failed; it will be tried again',
      );
    },
    sentAway: () => undefined,
    relayed: () => undefined,
    stalled: () => undefined,
  };
}
