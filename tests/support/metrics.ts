/** /metrics of a process, as Prometheus reads it. */
import { fullNameOf, type MetricName } from '../../src/metric-table.js';

/** What only a reconcile tells. */
export const UNTIL_RECONCILED: readonly MetricName[] = [
  'drift',
  'last_reconcile_timestamp_seconds',
];

export interface Sample {
  /** As Prometheus has it: prefix, and `_bucket`, `_sum`, `_count` of histograms. */
  name: string;
  labels: Readonly<Record<string, string>>;
  value: number;
}

export interface Readings {
  text: string;
  samples: readonly Sample[];
  /** The sum of all samples with these labels among theirs. Undefined: there is none. */
  valueOf: (name: MetricName, labels?: Sample['labels'], suffix?: Suffix) => number | undefined;
  /** By what the label says, those above zero; other labels are summed up. */
  countsOf: (name: MetricName, label: string) => Record<string, number>;
}

type Suffix = '' | '_sum' | '_count';

export async function readMetrics({ opsUrl }: { opsUrl: string }): Promise<Readings> {
  const response = await fetch(`${opsUrl}/metrics`);
  if (!response.ok) throw new Error(`/metrics answered ${response.status}.`);
  return parseMetrics(await response.text());
}

export function parseMetrics(text: string): Readings {
  const samples = text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map(parseSample);
  const find = (name: string, wanted: Sample['labels']) =>
    samples.filter(
      (sample) =>
        sample.name === name &&
        Object.entries(wanted).every(([label, value]) => sample.labels[label] === value),
    );
  return {
    text,
    samples,
    valueOf(name, labels = {}, suffix = '') {
      const found = find(fullNameOf(name) + suffix, labels);
      return found.length > 0 ? found.reduce((sum, { value }) => sum + value, 0) : undefined;
    },
    countsOf(name, label) {
      const counts: Record<string, number> = {};
      for (const { labels, value } of find(fullNameOf(name), {})) {
        const key = labels[label] ?? '';
        if (value > 0) counts[key] = (counts[key] ?? 0) + value;
      }
      return counts;
    },
  };
}

function parseSample(line: string): Sample {
  const [, name, labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
  if (name === undefined) throw new Error(`Not a sample: ${line}`);
  return {
    name,
    labels: Object.fromEntries(
      [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, text]) => [key, text]),
    ),
    value: Number(value),
  };
}
