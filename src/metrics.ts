/** Every metric there is: its name, what it counts, and which process has it. The dashboard, the alerts and the documents are checked against this table. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

const PREFIX = 'clerk_sync_';

export type ProcessName = 'ingest' | 'worker' | 'board';

const EVERYWHERE = ['ingest', 'worker', 'board'] as const;
const WORKER = ['worker'] as const;
const INGEST = ['ingest'] as const;

/** In seconds: a request answers in milliseconds, a batch in tens of them. */
const REQUEST_BUCKETS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const BATCH_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
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

interface Metric {
  kind: 'counter' | 'gauge' | 'histogram';
  labels: readonly string[];
  /** What a label can say. Where that is known of all of them a counter begins at 0: Prometheus sees no increase in one that begins at 1. */
  values?: Readonly<Record<string, readonly string[]>>;
  buckets?: readonly number[];
  processes: readonly ProcessName[];
  help: string;
}

/** The names alone. */
const NAMES = Object.keys(METRICS) as MetricName[]; // the table above holds no other keys

type Labels<N extends MetricName> = Record<(typeof METRICS)[N]['labels'][number], string>;

export interface Metrics {
  /** Adds to a counter, sets a gauge, or gives a histogram one more value; durations in seconds. */
  record: <N extends MetricName>(name: N, value: number, labels: Labels<N>) => void;
  /** Forgets a gauge whose value cannot be told any more: better absent than wrong. */
  forget: (name: MetricName) => void;
  /** Called before each reading, to bring gauges up to date. */
  onRead: (refresh: () => Promise<void>) => void;
  /** The text that Prometheus reads, and its content type. */
  read: () => Promise<{ text: string; contentType: string }>;
}

/**
 * Node's own metrics (memory, event loop delay, garbage collection) come along under the same prefix.
 * @param types what the label `type` can say.
 */
export function createMetrics(process: ProcessName, types: readonly string[] = []): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ process });
  collectDefaultMetrics({ register: registry, prefix: PREFIX });
  const recorders = new Map<string, Recorder>();
  const gauges = new Map<string, Gauge>();
  for (const [name, metric] of Object.entries<Metric>(METRICS)) {
    if (!metric.processes.includes(process)) continue;
    const values = { type: types, ...metric.values };
    const made = makeMetric(PREFIX + name, { ...metric, values }, registry);
    recorders.set(name, made.record);
    if (made.gauge) gauges.set(name, made.gauge);
  }
  const refreshers: (() => Promise<void>)[] = [];
  const metrics: Metrics = {
    record(name, value, labels) {
      const record = recorders.get(name);
      if (!record) throw new Error(`The ${process} process has no metric ${name}.`);
      record(value, labels);
    },
    forget(name) {
      const gauge = gauges.get(name);
      // `reset` alone leaves a gauge without labels at 0, which says something.
      gauge?.reset();
      if (METRICS[name].labels.length === 0) gauge?.remove();
    },
    onRead: (refresh) => void refreshers.push(refresh),
    async read() {
      await Promise.all(refreshers.map((refresh) => refresh()));
      return { text: await registry.metrics(), contentType: registry.contentType };
    },
  };
  for (const name of NAMES) metrics.forget(name); // unknown until it is measured
  return metrics;
}

/** What Prometheus calls it. */
export function fullNameOf(name: MetricName): string {
  return PREFIX + name;
}

type Recorder = (value: number, labels: Record<string, string>) => void;

function makeMetric(
  name: string,
  { kind, help, labels, values = {}, buckets = [] }: Metric,
  registry: Registry,
): { record: Recorder; gauge?: Gauge } {
  const options = { name, help, labelNames: [...labels], registers: [registry] };
  if (kind === 'counter') {
    const counter = new Counter(options);
    for (const given of combine(labels, values)) counter.inc(given, 0);
    return { record: (value, given) => counter.inc(given, value) };
  }
  if (kind === 'histogram') {
    const histogram = new Histogram({ ...options, buckets: [...buckets] });
    return { record: (value, given) => histogram.observe(given, value) };
  }
  const gauge = new Gauge(options);
  return { record: (value, given) => gauge.set(given, value), gauge };
}

/** Each combination of what the labels can say; none when that of one is not known. */
function combine(
  labels: readonly string[],
  values: Readonly<Record<string, readonly string[]>>,
): Record<string, string>[] {
  return labels.reduce<Record<string, string>[]>(
    (found, label) =>
      found.flatMap((given) =>
        (values[label] ?? []).map((value) => ({ ...given, [label]: value })),
      ),
    [{}],
  );
}
