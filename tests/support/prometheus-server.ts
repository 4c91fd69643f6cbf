/** A private Prometheus that scrapes real processes as ops/prometheus/prometheus.yml says, only more often. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { hasProgram } from '../../src/system/find-program.js';
import { findFreePort } from './ports.js';
import { waitFor } from './wait.js';

/** A process that shares two cores with a whole test suite answers within this; half of it would raise false alarms. */
const SCRAPE_SECONDS = 2;
export const EVALUATION_MS = 1_000;

const CONFIG = path.resolve(import.meta.dirname, '../../ops/prometheus/prometheus.yml');

export const hasPrometheus = hasProgram('prometheus', process.env['PATH']);
export const hasPromtool = hasProgram('promtool', process.env['PATH']);

/** Job to the URLs of its processes. */
export type Targets = Readonly<Record<string, readonly string[]>>;

export interface PrometheusServer {
  /** Replaces all targets. Prometheus looks at most every five seconds. */
  setTargets: (targets: Targets) => void;
  /** The names of the alerts that fire now. */
  firing: () => Promise<string[]>;
  /** When all rules were last evaluated, in milliseconds since 1970. */
  lastEvaluation: () => Promise<number>;
  /** How many series it gives. @throws with Prometheus's words when it is no query. */
  count: (query: string) => Promise<number>;
  stop: () => Promise<void>;
}

/** @param rules the text of a rules file. Resolves once every target has answered. */
export async function startPrometheus(rules: string, targets: Targets): Promise<PrometheusServer> {
  const directory = mkdtempSync(path.join(tmpdir(), 'clerk-sync-prometheus-'));
  const inside = (name: string) => path.join(directory, name);
  const setTargets = (wanted: Targets) => {
    for (const job of readJobs()) {
      const addresses = (wanted[job] ?? []).map((url) => new URL(url).host);
      // Renamed into place: Prometheus must not read half a file.
      writeFileSync(inside('new'), JSON.stringify([{ targets: addresses }]));
      renameSync(inside('new'), inside(`${job}.json`));
    }
  };
  setTargets(targets);
  writeFileSync(inside('rules.yml'), rules);
  writeFileSync(inside('prometheus.yml'), quicken(directory));
  const port = await findFreePort();
  const child = spawn(
    'prometheus',
    [
      `--config.file=${inside('prometheus.yml')}`,
      `--storage.tsdb.path=${inside('data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=error',
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const stop = async () => {
    child.kill('SIGKILL');
    await exited;
    rmSync(directory, { recursive: true, force: true });
  };
  const url = `http://127.0.0.1:${port}`;
  const answers = createAnswers(url);
  const expected = Object.values(targets).flat().length;
  try {
    await waitFor('Prometheus to be ready', async () => {
      if (child.exitCode !== null) throw new Error('Prometheus ended; its words are above.');
      const response = await fetch(`${url}/-/ready`).catch(() => undefined); // not yet
      return response?.ok;
    });
    await waitFor('every target to answer', async () => {
      return (await answers.count('up == 1')) === expected;
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return { setTargets, ...answers, stop };
}

function createAnswers(url: string): Omit<PrometheusServer, 'setTargets' | 'stop'> {
  return {
    async firing() {
      const { alerts } = await ask<{ alerts: Alert[] }>(`${url}/api/v1/alerts`);
      const firing = alerts.filter(({ state }) => state === 'firing');
      return [...new Set(firing.map(({ labels }) => labels.alertname))];
    },
    async lastEvaluation() {
      const { groups } = await ask<{ groups: { lastEvaluation: string }[] }>(`${url}/api/v1/rules`);
      return Math.min(...groups.map(({ lastEvaluation }) => Date.parse(lastEvaluation)));
    },
    async count(query) {
      const { result } = await ask<{ result: unknown[] }>(
        `${url}/api/v1/query?query=${encodeURIComponent(query)}`,
      );
      return result.length;
    },
  };
}

interface Alert {
  state: string;
  labels: { alertname: string };
}

interface Config {
  global: Record<string, string>;
  rule_files: string[];
  scrape_configs: ScrapeConfig[];
}

interface ScrapeConfig {
  job_name: string;
  static_configs?: unknown;
  file_sd_configs?: { files: string[]; refresh_interval: string }[];
}

function readConfig(): Config {
  return parse(readFileSync(CONFIG, 'utf8')) as Config; // promtool checks it
}

function readJobs(): string[] {
  return readConfig().scrape_configs.map(({ job_name: job }) => job);
}

/** The example, with targets that may change. */
function quicken(directory: string): string {
  const config = readConfig();
  config.global = {
    scrape_interval: `${SCRAPE_SECONDS}s`,
    scrape_timeout: `${SCRAPE_SECONDS}s`,
    evaluation_interval: `${EVALUATION_MS}ms`,
  };
  config.rule_files = [path.join(directory, 'rules.yml')];
  for (const scraped of config.scrape_configs) {
    delete scraped.static_configs;
    const file = path.join(directory, `${scraped.job_name}.json`);
    scraped.file_sd_configs = [{ files: [file], refresh_interval: '1s' }];
  }
  return stringify(config);
}

async function ask<T>(url: string): Promise<T> {
  const answer = (await (await fetch(url)).json()) as { error?: string; data: T }; // Prometheus's own shape
  if (answer.error !== undefined) throw new Error(answer.error);
  return answer.data;
}
