/** The real ingest, worker and board as child processes. */
import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { argumentsFor, type Build } from './build.js';
import { SECRET } from './clerk.js';
import { findFreePort } from './ports.js';
import { waitFor } from './wait.js';

const ROOT = path.resolve(import.meta.dirname, '../..');
/** Several tests may start their processes at once, on two cores. */
const START_MS = 60_000;

export interface RunningProcess {
  child: ChildProcess;
  opsUrl: string;
  /** All it has printed so far. */
  output: () => string;
  signal: (signal: NodeJS.Signals) => void;
  /** Resolves with the exit code, null after a signal nobody handled. */
  exited: Promise<number | null>;
}

export interface RunningIngest extends RunningProcess {
  url: string;
}

type Settings = Record<string, string | undefined>;

const running = new Set<RunningProcess>();

export async function startIngest(settings: Settings): Promise<RunningIngest> {
  const PORT = settings['PORT'] ?? String(await findFreePort());
  const started = await startProcess('ingest', { HOST: '127.0.0.1', ...settings, PORT });
  await waitFor('ingest to listen', () => answers(`http://127.0.0.1:${PORT}/healthz`), START_MS);
  return { ...started, url: `http://127.0.0.1:${PORT}/api/webhooks` };
}

/** @param build other than that of `npm test`: one with handlers of its own. */
export async function startWorker(settings: Settings, build?: Build): Promise<RunningProcess> {
  const started = await startProcess('worker', settings, build);
  await waitFor('worker to be ready', () => answers(`${started.opsUrl}/readyz`), START_MS);
  return started;
}

export async function startBoard(settings: Settings): Promise<RunningProcess> {
  const started = await launchBoard(settings);
  await waitFor('board to be ready', () => answers(`${started.opsUrl}/readyz`), START_MS);
  return started;
}

/** For a board that is not going to be ready. */
export function launchBoard(settings: Settings): Promise<RunningProcess> {
  return startProcess('board', settings);
}

/** For afterEach: nothing may outlive its test. */
export async function killAll(): Promise<void> {
  for (const { signal } of running) signal('SIGKILL');
  await Promise.all([...running].map(({ exited }) => exited));
}

async function startProcess(
  name: 'ingest' | 'worker' | 'board',
  settings: Settings,
  build?: Build,
): Promise<RunningProcess> {
  const port = String(await findFreePort());
  const child = spawn(process.execPath, argumentsFor(`${name}.ts`, build?.directory), {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      CLERK_WEBHOOK_SIGNING_SECRET: SECRET,
      DATA_DIR: '/nonexistent',
      INGEST_OPS_PORT: port,
      WORKER_OPS_PORT: port,
      BOARD_PORT: port,
      ...settings,
    },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  }
  const exited = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => {
      running.delete(started);
      resolve(code);
    });
  });
  const started: RunningProcess = {
    child,
    opsUrl: `http://127.0.0.1:${port}`,
    output: () => output,
    signal: (signal) => child.kill(signal),
    exited,
  };
  running.add(started);
  return started;
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}
