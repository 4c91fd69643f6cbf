/** Dashboard and alerts speak of metrics that there are, and tell what to do in words that hold. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { TYPE_LABELS } from '../../src/clerk/event-types.js';
import { VARIABLES } from '../../src/config.js';
import { fullNameOf, METRICS, type MetricName } from '../../src/metric-table.js';
import { createMetrics } from '../../src/metrics.js';
import { parseMetrics } from '../support/metrics.js';
import { hasPromtool } from '../support/prometheus-server.js';

const ROOT = path.resolve(import.meta.dirname, '../..');
const OPERATIONS = 'docs/operations.md';
const PROCESSES = ['ingest', 'worker', 'board'] as const;
/** What Prometheus adds to every sample, and our registry to every metric. */
const COMMON_LABELS = ['job', 'instance', 'process'];
/** Metrics that Prometheus makes by itself, and their labels. */
const PROMETHEUS_METRICS: Readonly<Record<string, readonly string[]>> = {
  up: ['job', 'instance'],
  ALERTS: ['alertname', 'alertstate'],
};
const NO_PROMTOOL = `
******************************************************************************
  No promtool was found, so NOBODY HAS PARSED THE ALERT RULES. To run these
  tests: apt-get install prometheus.
******************************************************************************
`;

interface Rule {
  alert: string;
  expr: string;
  for?: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

interface Panel {
  id: number;
  type: string;
  title: string;
  description?: string;
  datasource?: object;
  gridPos: { x: number; y: number; w: number; h: number };
  fieldConfig?: { defaults: { unit?: string; thresholds?: object } };
  targets?: { expr: string; legendFormat: string; datasource: object }[];
}

interface Dashboard {
  schemaVersion: number;
  panels: Panel[];
  annotations: { list: { name: string; expr?: string; datasource: { uid: string } }[] };
  templating: { list: { name: string; type: string; query?: string }[] };
}

/** What labels can say whose values the table leaves to the process. */
const LABEL_VALUES: Readonly<Record<string, readonly string[]>> = {
  type: TYPE_LABELS,
  handler: ['log-sign-ups', 'other'],
};

const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');
const rules = (
  parse(read('ops/prometheus/alerts.yml')) as { groups: { rules: Rule[] }[] }
).groups.flatMap((group) => group.rules);
const dashboard = JSON.parse(read('ops/grafana/clerk-sync.json')) as Dashboard;
const panels = dashboard.panels.filter(({ type }) => type !== 'row');
const scraped = parse(read('ops/prometheus/prometheus.yml')) as {
  scrape_configs: { job_name: string; static_configs: { targets: string[] }[] }[];
};
const scaling = parse(read('deploy/kubernetes/keda/worker-scaling.yaml')) as {
  spec: { triggers: { name: string; metadata: { query: string } }[] };
};
const queries = [
  ...scaling.spec.triggers.map(({ name, metadata }) => [name, metadata.query] as const),
  ...rules.map(({ alert, expr }) => [alert, expr] as const),
  ...panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr] as const)),
  ...dashboard.annotations.list.flatMap(({ name, expr }) =>
    expr === undefined ? [] : [[name, expr] as const],
  ),
];
const known = await readRegistries();

describe('every query of dashboard, alerts and KEDA', () => {
  test('asks for metrics, labels and values that there are', () => {
    for (const [name, query] of queries) {
      const used = readSelectors(query);
      expect([name, used.length > 0]).toEqual([name, true]);
      for (const { name: metric, labels } of used) {
        const found = known.get(metric);
        expect([name, metric, found !== undefined]).toEqual([name, metric, true]);
        for (const [label, values] of Object.entries(labels)) {
          expect([name, metric, found?.labels]).toEqual([
            name,
            metric,
            expect.arrayContaining([label]),
          ]);
          const possible = found?.values[label] ?? values;
          expect([name, possible]).toEqual([name, expect.arrayContaining(values)]);
        }
      }
      const groups = [...query.matchAll(/\b(?:by|on|without|ignoring) \(([^)]*)\)/g)];
      for (const label of groups.flatMap(([, list = '']) => list.split(', '))) {
        const isThere = used.some(({ name: metric }) => known.get(metric)?.labels.includes(label));
        expect([name, label, isThere]).toEqual([name, label, true]);
      }
    }
  });

  test('takes rates of counters, and of nothing else', () => {
    for (const [name, query] of queries) {
      for (const { name: metric, before } of readSelectors(query)) {
        // Of a young process the whole count is what came.
        const isYoung = query.includes(`${metric} unless ${metric} offset `);
        const isRate = /\b(?:rate|increase)\($/.test(before) || isYoung;
        expect([name, metric, isRate]).toEqual([
          name,
          metric,
          known.get(metric)?.isCounter ?? false,
        ]);
      }
    }
  });

  test('takes quantiles of buckets, kept apart by le', () => {
    for (const [name, query] of queries) {
      const buckets = readSelectors(query).filter(({ name: metric }) => metric.endsWith('_bucket'));
      for (const { before } of buckets) {
        expect([name, before]).toEqual([
          name,
          expect.stringMatching(
            /histogram_quantile\([\d.]+, sum by \((?:handler, )?le\) \(rate\($/,
          ),
        ]);
      }
    }
  });

  test('knows the jobs that are scraped', () => {
    const jobs = scraped.scrape_configs.map(({ job_name: job }) => job);
    for (const [name, query] of queries) {
      for (const [, sign, wanted = ''] of query.matchAll(/\bjob(=~?)"([^"]+)"/g)) {
        const pattern = sign === '=' ? wanted : `^${wanted}$`;
        const found = jobs.filter((job) =>
          sign === '=' ? job === wanted : RegExp(pattern).test(job),
        );
        expect([name, found.length > 0]).toEqual([name, true]);
      }
    }
  });

  test('counts once what every process says of the one queue, and of the rows', () => {
    for (const [name, query] of queries) {
      for (const { name: metric, before } of readSelectors(query)) {
        if (!/queue_(?:jobs|paused|oldest)|handler_(?:oldest|runs_(?:un|failed))/.test(metric))
          continue;
        // Behind `and` and `unless` a metric only chooses.
        const isOnce = /\b(?:max|min)(?: by \([^)]*\) )?\($|\bon \(job, instance\) $/;
        expect([name, before]).toEqual([name, expect.stringMatching(isOnce)]);
      }
    }
  });
});

describe('the dashboard', () => {
  test('shows every metric of ours', () => {
    const shown = new Set(
      panels
        .flatMap(({ targets = [] }) => targets.flatMap(({ expr }) => readSelectors(expr)))
        .map(({ name }) => name.replace(/_(?:bucket|sum|count)$/, '')),
    );
    const ours = (Object.keys(METRICS) as MetricName[]).map(fullNameOf); // the table holds no other keys
    expect(ours.filter((name) => !shown.has(name))).toEqual([]);
  });

  test('asks whatever data source is chosen', () => {
    const { list } = dashboard.templating;
    expect(list.find(({ name }) => name === 'datasource')).toMatchObject({
      type: 'datasource',
      query: 'prometheus',
    });
    const chosen = { type: 'prometheus', uid: '${datasource}' };
    for (const panel of panels) {
      expect(panel.datasource).toEqual(chosen);
      for (const { datasource } of panel.targets ?? []) expect(datasource).toEqual(chosen);
    }
    for (const { expr, datasource } of dashboard.annotations.list) {
      if (expr !== undefined) expect(datasource).toEqual(chosen);
    }
  });

  test('has its rows, and no panel above another', () => {
    const rows = dashboard.panels.filter(({ type }) => type === 'row');
    expect(rows.map(({ title }) => title)).toEqual([
      'Is it well?',
      'Intake',
      'Queue',
      'Worker',
      'Handlers',
      'Processes',
      'Agreement with Clerk',
    ]);
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    const taken = new Map<string, string>();
    for (const { title, gridPos } of dashboard.panels) {
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      for (const cell of listCells(gridPos)) {
        expect(`${title} over ${taken.get(cell) ?? 'nothing'}`).toBe(`${title} over nothing`);
        taken.set(cell, title);
      }
    }
  });

  test.each(panels.map((panel) => [panel.title, panel] as const))(
    '"%s" has a unit, thresholds, and says what to do',
    (_title, { description = '', fieldConfig, targets = [] }) => {
      expect(fieldConfig?.defaults.unit).toBeTruthy();
      expect(fieldConfig?.defaults.thresholds).toBeDefined();
      expect(description.length).toBeGreaterThan(60);
      expect(targets).not.toEqual([]);
      expectTruth(description);
      for (const { expr, legendFormat } of targets) {
        for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
          expect(/\bby \(([^)]*)\)/.exec(expr)?.[1]?.split(', ')).toContain(label);
        }
      }
    },
  );
});

describe('the alert', () => {
  test('names are unique', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
  });

  test.each(rules.map((rule) => [rule.alert, rule] as const))(
    '%s says how bad it is, what it means, and what to run first',
    (name, { labels, annotations }) => {
      expect(name).toMatch(/^ClerkSync[A-Z]\w+$/);
      expect(['critical', 'warning']).toContain(labels['severity']);
      expect(annotations['summary']).toMatch(/\.$/);
      const description = annotations['description'] ?? '';
      expect(description).toMatch(/`npm run [\w-]+/);
      expectTruth(description);
      expect(annotations['runbook_url']).toBe(`${OPERATIONS}#${name.toLowerCase()}`);
    },
  );

  test('table of docs/operations.md has a row with an anchor for each, and for no other', () => {
    const rows = [...read(OPERATIONS).matchAll(/^\| <a id="(\w+)"><\/a>`(\w+)` \|/gm)];
    expect(rows.map(([, , name]) => name).sort()).toEqual(rules.map(({ alert }) => alert).sort());
    for (const [, anchor, name = ''] of rows) expect(anchor).toBe(name.toLowerCase());
  });
});

describe('counters', () => {
  test('begin at zero, so that the first increase is seen', () => {
    const { samples } = parseMetrics(known.text);
    for (const [name, metric] of Object.entries(METRICS)) {
      if (metric.kind !== 'counter') continue;
      const own = samples.filter((sample) => sample.name === fullNameOf(name as MetricName)); // the table's key
      const combinations = metric.labels.map((label) => listValues(metric, label)?.length ?? 0);
      expect([name, own.length]).toEqual([name, combinations.reduce((a, b) => a * b, 1)]);
      expect(own.every(({ value }) => value === 0)).toBe(true);
    }
  });
});

if (!hasPromtool) process.stderr.write(NO_PROMTOOL);
(hasPromtool || process.env['CI'] === 'true' ? describe : describe.skip)(
  'promtool says yes to',
  () => {
    test('the rules', () => {
      expectPromtool('check', 'rules', 'alerts.yml');
    });

    test('the rules at their real thresholds, in simulated time', () => {
      expectPromtool('test', 'rules', 'alerts-test.yml');
    });

    test('the example of a configuration', () => {
      expectPromtool('check', 'config', 'prometheus.yml');
    });

    test('the part of the example that is for Kubernetes', () => {
      const [common = '', kubernetes = ''] = read('ops/prometheus/prometheus.yml').split(
        /scrape_configs:[^]*# On Kubernetes.*\n/,
      );
      const uncommented = kubernetes.replace(/^ {2}# /gm, '  ');
      // Debian's promtool is built without the discovery itself.
      const discovered = uncommented.replace(/kubernetes_sd_configs:\n.*/, 'static_configs: []');
      expect(discovered).not.toBe(uncommented);
      expectPromtoolAccepts('config', `${common}scrape_configs:\n${discovered}`);
    });

    test('every query that KEDA asks', () => {
      const recorded = scaling.spec.triggers.map(({ name, metadata }) => ({
        record: name,
        expr: metadata.query,
      }));
      expectPromtoolAccepts('rules', stringify({ groups: [{ name: 'keda', rules: recorded }] }));
    });

    test('every query of the dashboard', () => {
      const recorded = panels.flatMap(({ targets = [] }) =>
        targets.map(({ expr }, index) => ({
          record: `q${index}`,
          expr: expr.replaceAll('$__rate_interval', '1m').replaceAll('$__range', '6h'),
          labels: { query: expr },
        })),
      );
      expectPromtoolAccepts('rules', stringify({ groups: [{ name: 'panels', rules: recorded }] }));
    });
  },
);

interface Known {
  labels: readonly string[];
  values: Readonly<Record<string, readonly string[] | undefined>>;
  isCounter: boolean;
}

/** Every name that a sample can have, from registries as the processes make them. */
async function readRegistries(): Promise<Map<string, Known> & { text: string }> {
  const texts = await Promise.all(
    PROCESSES.map(async (name) => (await createMetrics(name, LABEL_VALUES).read()).text),
  );
  const text = texts.join('\n');
  const found = new Map<string, Known>();
  const add = (name: string, entry: Partial<Known>) =>
    found.set(name, { labels: COMMON_LABELS, values: {}, isCounter: false, ...entry });
  for (const [, name = '', kind = ''] of text.matchAll(/^# TYPE (\w+) (\w+)$/gm)) {
    const own = Object.entries(METRICS).find(
      ([key]) => fullNameOf(key as MetricName) === name,
    )?.[1];
    const labels = [...(own?.labels ?? []), ...COMMON_LABELS];
    const values: Known['values'] = {
      process: own?.processes ?? PROCESSES,
      ...Object.fromEntries(
        (own?.labels ?? []).map((label) => [label, own && listValues(own, label)]),
      ),
    };
    if (kind === 'histogram') {
      add(`${name}_bucket`, { labels: [...labels, 'le'], values, isCounter: true });
      for (const part of ['sum', 'count'])
        add(`${name}_${part}`, { labels, values, isCounter: true });
    } else {
      add(name, { labels, values, isCounter: kind === 'counter' });
    }
  }
  for (const [name, labels] of Object.entries(PROMETHEUS_METRICS)) add(name, { labels });
  return Object.assign(found, { text });
}

function listValues(metric: (typeof METRICS)[MetricName], label: string) {
  const values: Readonly<Record<string, readonly string[]>> =
    'values' in metric ? metric.values : {};
  return values[label] ?? LABEL_VALUES[label];
}

interface Selector {
  name: string;
  /** Label to what is asked of it; empty where that is a pattern. */
  labels: Record<string, string[]>;
  /** The query up to it. */
  before: string;
}

function readSelectors(query: string): Selector[] {
  return [...query.matchAll(/\b(clerk_sync_\w+|up|ALERTS)\b(?:\{([^}]*)\})?/g)].map((match) => {
    const [, name = '', matchers = ''] = match;
    const labels = [...matchers.matchAll(/(\w+)(=~|!=|!~|=)"([^"]*)"/g)].map(
      ([, label = '', sign, value = '']) =>
        [label, sign === '=' || sign === '!=' ? [value] : []] as const,
    );
    return { name, labels: Object.fromEntries(labels), before: query.slice(0, match.index) };
  });
}

/** What a text names exists: commands, variables, alerts, files. */
function expectTruth(text: string): void {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  for (const [, name] of text.matchAll(/npm run ([\w-]+)/g))
    expect(Object.keys(scripts)).toContain(name);
  for (const [name] of text.matchAll(/\b[A-Z]+(?:_[A-Z]+)+\b/g))
    expect(Object.keys(VARIABLES)).toContain(name);
  for (const [name] of text.matchAll(/\bClerkSync[A-Z]\w+/g)) {
    expect(rules.map(({ alert }) => alert)).toContain(name);
  }
  for (const [file] of text.matchAll(/\b(?:docs|ops)\/[\w./-]+\w/g)) {
    expect([file, existsSync(path.join(ROOT, file))]).toEqual([file, true]);
  }
}

function* listCells({ x, y, w, h }: Panel['gridPos']): Generator<string> {
  for (let column = x; column < x + w; column++) {
    for (let row = y; row < y + h; row++) yield `${column},${row}`;
  }
}

function expectPromtool(...args: string[]): void {
  const cwd = path.join(ROOT, 'ops/prometheus');
  const { status, stdout, stderr, error } = spawnSync('promtool', args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(error ? NO_PROMTOOL : stdout + stderr);
}

function expectPromtoolAccepts(what: 'rules' | 'config', text: string): void {
  const directory = mkdtempSync(path.join(tmpdir(), 'clerk-sync-promtool-'));
  try {
    writeFileSync(path.join(directory, 'alerts.yml'), read('ops/prometheus/alerts.yml'));
    const file = path.join(directory, 'file.yml');
    writeFileSync(file, text);
    expectPromtool('check', what, file);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
