/** What is told of each event and batch: one line in the log, and the metrics. Ids, types, outcomes and durations; nothing personal. */
import { labelOfType } from '../clerk/event-types.js';
import { type Outcome } from '../db/ledger.js';
import { type Logger } from '../logger.js';
import { type Metrics } from '../metrics.js';
import { type PreparedEvent } from './prepare.js';

export interface Settled {
  entry: PreparedEvent['entry'];
  outcome: Outcome;
  /** The ledger had it already. */
  repeated: boolean;
  reason: string | null;
}

/** Each is called after the commit. */
export interface Report {
  settled: (settled: Settled) => void;
  batch: (events: number, seconds: number) => void;
  fault: (fault: string) => void;
}

export function createReport(logger: Logger, metrics: Metrics): Report {
  return {
    settled({ entry, outcome, repeated, reason }) {
      const { id, type, entityType, entityId, occurredAt, receivedAt } = entry;
      const now = Date.now();
      const label = repeated ? 'repeated' : outcome;
      metrics.record('events_total', 1, { type: labelOfType(type), outcome: label });
      const lagMs = occurredAt === null ? null : Math.max(0, now - occurredAt);
      if (lagMs !== null && label === 'applied') {
        metrics.record('event_lag_seconds', lagMs / 1000, {});
      }
      logger[outcome === 'failed' ? 'error' : 'info'](
        {
          id,
          type,
          entityType,
          entityId,
          outcome,
          ...(repeated ? { repeated } : {}),
          ...(reason === null ? {} : { reason }),
          queuedMs: Math.max(0, now - receivedAt),
          lagMs,
        },
        label,
      );
    },
    batch(events, seconds) {
      metrics.record('batch_events', events, {});
      metrics.record('batch_duration_seconds', seconds, {});
    },
    fault: (fault) => metrics.record('database_faults_total', 1, { fault }),
  };
}
