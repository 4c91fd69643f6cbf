/** Every metric there is: its name, what it counts, and which process has it. The dashboard, the alerts and the documents are checked against this table. Pure. */

export type ProcessName = 'ingest' | 'worker' | 'board';

export interface Metric {
  kind: 'counter' | 'gauge' | 'histogram';
  labels: readonly string[];
  /** What a label can say. Where that is known of all of them a counter begins at 0: Prometheus sees no increase in one that begins at 1. */
  values?: Readonly<Record<string, readonly string[]>>;
  buckets?: readonly number[];
  processes: readonly ProcessName[];
  help: string;
}

const EVERYWHERE = ['ingest', 'worker', 'board'] as const;
const WORKER = ['worker'] as const;
const INGEST = ['ingest'] as const;
const WORKER_AND_BOARD = ['worker', 'board'] as const;

/** In seconds: a request answers in milliseconds, a batch in tens of them. */
const REQUEST_BUCKETS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const BATCH_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** A handler waits for somebody else's service, at most for HANDLER_TIMEOUT. */
const ATTEMPT_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
/** Clerk's retries reach over a day, so lag does, too. */
const LAG_BUCKETS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 7_200, 36_000, 108_000];
const SIZE_BUCKETS = [1, 2, 5, 10, 20, 50, 100, 200, 500];

export const METRICS = {
  webhook_requests_total: {
    kind: 'counter',
    labels: ['outcome'],
    values: {
      outcome: [
        'queued',
        'duplicate',
        'requeued',
        'rejected',
        'too_large',
        'unavailable',
        'aborted',
      ],
    },
    processes: INGEST,
    help: 'Requests to the webhook paths by outcome: queued, duplicate, requeued (a redelivery revived a failed event), rejected, too_large, unavailable (answered 503), aborted (the sender left).',
  },
  webhook_duration_seconds: {
    kind: 'histogram',
    labels: [],
    buckets: REQUEST_BUCKETS,
    processes: INGEST,
    help: 'From the first byte of a webhook request to its answer.',
  },
  last_verified_event_timestamp_seconds: {
    kind: 'gauge',
    labels: [],
    processes: INGEST,
    help: 'When an event with a valid signature last came. Absent until one has come to this process.',
  },
  events_total: {
    kind: 'counter',
    labels: ['type', 'outcome'],
    values: { outcome: ['applied', 'stale', 'tombstoned', 'ignored', 'failed', 'repeated'] },
    processes: WORKER,
    help: 'Events by type and outcome: applied, stale, tombstoned, ignored, failed, repeated (the ledger had it). Types that Clerk does not document count as other.',
  },
  event_lag_seconds: {
    kind: 'histogram',
    labels: [],
    buckets: LAG_BUCKETS,
    processes: WORKER,
    help: "From Clerk's time of the event to the commit that applied it.",
  },
  batch_events: {
    kind: 'histogram',
    labels: [],
    buckets: SIZE_BUCKETS,
    processes: WORKER,
    help: 'Events in one committed transaction.',
  },
  batch_duration_seconds: {
    kind: 'histogram',
    labels: [],
    buckets: BATCH_BUCKETS,
    processes: WORKER,
    help: 'How long a committed transaction took.',
  },
  database_faults_total: {
    kind: 'counter',
    labels: ['fault'],
    values: { fault: ['outage', 'contention', 'structure'] },
    processes: WORKER,
    help: 'Transactions that were lost and tried again: outage, contention, structure (a table or a right is missing).',
  },
  dead_letters_total: {
    kind: 'counter',
    labels: ['type'],
    processes: WORKER,
    help: 'Events that failed for good, and wait in the queue to be looked at.',
  },
  job_retries_total: {
    kind: 'counter',
    labels: ['type'],
    processes: WORKER,
    help: 'Attempts that failed and will be made again after a pause.',
  },
  jobs_stalled_total: {
    kind: 'counter',
    labels: [],
    processes: WORKER,
    help: 'Jobs taken back from a worker that died or froze.',
  },
  handler_runs_total: {
    kind: 'counter',
    labels: ['handler', 'outcome'],
    values: { outcome: ['done', 'failed', 'skipped'] },
    processes: WORKER,
    help: 'Runs of handlers that are over, by handler and outcome: done, failed (its attempts ran out), skipped (its event or the handler is there no more). Handlers that are not in the table count as other.',
  },
  handler_duration_seconds: {
    kind: 'histogram',
    labels: ['handler'],
    buckets: ATTEMPT_BUCKETS,
    processes: WORKER,
    help: 'How long an attempt took, whether or not it failed.',
  },
  handler_lag_seconds: {
    kind: 'histogram',
    labels: ['handler'],
    buckets: LAG_BUCKETS,
    processes: WORKER,
    help: 'From the commit that wrote a run until it was done.',
  },
  handler_retries_total: {
    kind: 'counter',
    labels: ['handler'],
    processes: WORKER,
    help: 'Attempts of handlers that failed and will be made again after a pause.',
  },
  handler_sent_away_total: {
    kind: 'counter',
    labels: ['handler'],
    processes: WORKER,
    help: 'Turns of runs that found every place of their handler taken, and come again.',
  },
  handler_runs_relayed_total: {
    kind: 'counter',
    labels: [],
    processes: WORKER,
    help: 'Runs that were put on the queue of handlers, some of them more than once.',
  },
  handler_jobs_stalled_total: {
    kind: 'counter',
    labels: [],
    processes: WORKER,
    help: 'Runs taken back from a worker that died or froze.',
  },
  handler_runs_unfinished: {
    kind: 'gauge',
    labels: ['handler'],
    processes: WORKER,
    help: 'Runs that are not over, by handler: not on the queue yet, waiting, at work, or between two attempts.',
  },
  handler_oldest_unfinished_seconds: {
    kind: 'gauge',
    labels: ['handler'],
    processes: WORKER,
    help: 'Age of the oldest run that is not over, by handler. 0: there is none.',
  },
  handler_runs_failed: {
    kind: 'gauge',
    labels: ['handler'],
    processes: WORKER,
    help: 'Runs that failed for good and were not asked for again since, by handler.',
  },
  handler_runs_unrelayed: {
    kind: 'gauge',
    labels: [],
    processes: WORKER,
    help: 'Runs that were written and are not on the queue of handlers yet.',
  },
  handler_oldest_unrelayed_seconds: {
    kind: 'gauge',
    labels: [],
    processes: WORKER,
    help: 'Age of the oldest run that is not on the queue of handlers yet. 0: there is none.',
  },
  database_up: {
    kind: 'gauge',
    labels: [],
    processes: WORKER,
    help: '1 when the database answers, is migrated and can be written.',
  },
  database_pool_connections: {
    kind: 'gauge',
    labels: ['state'],
    values: { state: ['open', 'idle', 'waiting'] },
    processes: WORKER,
    help: "The worker's connections to the database: open, idle; and waiting, requests for one that have none.",
  },
  queue_up: {
    kind: 'gauge',
    labels: [],
    processes: EVERYWHERE,
    help: '1 when the queue answers and does not evict.',
  },
  queue_jobs: {
    kind: 'gauge',
    labels: ['state'],
    values: { state: ['waiting', 'active', 'delayed', 'failed', 'completed'] },
    processes: EVERYWHERE,
    help: 'Jobs in the queue by state: waiting, active, delayed, failed, completed.',
  },
  queue_paused: {
    kind: 'gauge',
    labels: [],
    processes: EVERYWHERE,
    help: '1 when somebody has paused the queue: events are taken, and none is applied.',
  },
  queue_oldest_waiting_seconds: {
    kind: 'gauge',
    labels: [],
    processes: EVERYWHERE,
    help: 'Age of the oldest event that is not applied yet: waiting, or in the hands of a worker. 0: there is none.',
  },
  handler_queue_jobs: {
    kind: 'gauge',
    labels: ['state'],
    values: { state: ['waiting', 'active', 'delayed', 'failed', 'completed'] },
    processes: WORKER_AND_BOARD,
    help: 'Jobs in the queue of handlers by state: waiting, active, delayed, failed, completed.',
  },
  handler_queue_paused: {
    kind: 'gauge',
    labels: [],
    processes: WORKER_AND_BOARD,
    help: '1 when somebody has paused the queue of handlers: events are applied, and no handler runs.',
  },
  redis_persistence: {
    kind: 'gauge',
    labels: [],
    processes: EVERYWHERE,
    help: '1 when Redis keeps an append-only file, 0 when a crash loses events. Absent when the queue is in Postgres.',
  },
  drift: {
    kind: 'gauge',
    labels: ['entity', 'kind'],
    processes: WORKER,
    help: 'What the last reconcile found, by table: missing, stale, extra (deleted in Clerk), tombstoned (deleted here only). Repaired or not.',
  },
  last_reconcile_timestamp_seconds: {
    kind: 'gauge',
    labels: [],
    processes: WORKER,
    help: 'When the last reconcile was finished. Absent: none ever was.',
  },
  ready: {
    kind: 'gauge',
    labels: [],
    processes: EVERYWHERE,
    help: '1 when /readyz says ready.',
  },
} as const satisfies Record<string, Metric>;

export type MetricName = keyof typeof METRICS;

export const METRIC_PREFIX = 'clerk_sync_';

/** What Prometheus calls it. */
export function fullNameOf(name: MetricName): string {
  return METRIC_PREFIX + name;
}
