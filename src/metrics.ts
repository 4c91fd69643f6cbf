/** What a process counts and measures, as Prometheus reads it. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import {
  METRIC_PREFIX,
  METRICS,
  type Metric,
  type MetricName,
  type ProcessName,
} from './metric-table.js';

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
 * @param values what labels can say whose values are not in the table: `type`, `handler`.
 */
export function createMetrics(
  process: ProcessName,
  values: Readonly<Record<string, readonly string[]>> = {},
): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ process });
  collectDefaultMetrics({ register: registry, prefix: METRIC_PREFIX });
  const recorders = new Map<string, Recorder>();
  const gauges = new Map<string, Gauge>();
  for (const [name, metric] of Object.entries<Metric>(METRICS)) {
    if (!metric.processes.includes(process)) continue;
    const known = { ...metric, values: { ...values, ...metric.values } };
    const made = makeMetric(METRIC_PREFIX + name, known, registry);
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
  // Unknown until it is measured.
  for (const name of Object.keys(METRICS) as MetricName[]) metrics.forget(name); // the table holds no other keys
  return metrics;
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
