/** Processes under measurement: plain JavaScript, built once, as in production; what they log goes nowhere. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, openSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import path from 'node:path';
import { buildSources, toJavaScript, type Build } from '../tests/support/build.js';
import { SECRET } from '../tests/support/clerk.js';
import { findFreePort } from '../tests/support/ports.js';
import { waitFor } from '../tests/support/wait.js';
import { NODE_FLAGS } from '../src/node-flags.js';

export interface BenchProcess {
  pid: number;
  /** The first line of JSON that it printed; rejects with what it said when it ends before. */
  ready: Promise<Record<string, unknown>>;
  signal: (signal: NodeJS.Signals) => void;
  /** Asks it to end, waits, and ends it the hard way when it takes too long. */
  stop: () => Promise<void>;
  /** Resolves with the exit code, null after a signal that it did not handle. */
  exited: Promise<number | null>;
  /** What it holds in memory; 0 where the system does not tell, and once it is gone. */
  residentBytes: () => number;
  /** CPU time that it has used, all threads together; 0 as above. */
  cpuSeconds: () => number;
}

export interface BenchService extends BenchProcess {
  /** Health, readiness and metrics. */
  opsUrl: string;
}

export interface BenchIngest extends BenchService {
  /** Where Clerk posts to. */
  url: string;
}

export type Settings = Readonly<Record<string, string | undefined>>;

const STOP_PATIENCE_MS = 30_000;
/** Linux counts CPU time in these, whatever its own timer does. */
const TICKS_PER_SECOND = 100;
/** What a process said last is what explains its end. */
const KEPT_CHARACTERS = 4_000;

const running = new Set<ChildProcess>();
const nodeFlags = new Map<string, readonly string[]>();
let build: Promise<Build> | undefined;

/**
 * Runs a TypeScript file of this project, such as `bench/baselines/plain-queue.ts`, as plain JavaScript.
 * @param settings its whole environment, beside PATH and NODE_ENV=production.
 */
export async function startNode(entry: string, settings: Settings): Promise<BenchProcess> {
  return launch(entry, settings, { output: 'pipe' });
}

/** Our own ingest, listening and connected to its queue. */
export async function startIngest(settings: Settings): Promise<BenchIngest> {
  const PORT = settings['PORT'] ?? String(await findFreePort());
  const service = await startService('ingest', { HOST: '127.0.0.1', ...settings, PORT });
  return { ...service, url: `http://127.0.0.1:${PORT}/api/webhooks` };
}

/** Our own worker, connected to queue and database. @param build other than the shipped one: with handlers of its own. */
export function startWorker(settings: Settings, build?: Build): Promise<BenchService> {
  return startService('worker', settings, build);
}

/** Further flags of node for every process that `src/{name}.ts` is started as from now on. */
export function setNodeFlags(name: 'ingest' | 'worker', flags: readonly string[]): void {
  nodeFlags.set(`src/${name}.ts`, flags);
}

/** Where the build is: what a stack or a profile has to be read against. */
export async function findBuild(): Promise<string> {
  build ??= buildSources(['src', 'bench', 'tests/support']).then((made) => {
    process.once('exit', () => {
      killAll();
      made.remove();
    });
    return made;
  });
  return (await build).directory;
}

/** At once. Also done when this process ends. */
export function killAll(): void {
  for (const child of running) child.kill('SIGKILL');
}

async function startService(
  name: 'ingest' | 'worker',
  settings: Settings,
  build?: Build,
): Promise<BenchService> {
  const port = String(await findFreePort());
  const started = await launch(
    `src/${name}.ts`,
    {
      CLERK_WEBHOOK_SIGNING_SECRET: SECRET,
      DATA_DIR: '/nonexistent',
      LOG_FORMAT: 'json',
      INGEST_OPS_PORT: port,
      WORKER_OPS_PORT: port,
      ...settings,
    },
    { output: 'ignore', ...(build ? { directory: build.directory } : {}) },
  );
  const opsUrl = `http://127.0.0.1:${port}`;
  let isOver = false;
  void started.exited.then(() => (isOver = true));
  const isReady = async () => isOver || (await answers(`${opsUrl}/readyz`));
  await Promise.race([waitFor(`${name} to be ready`, isReady, STOP_PATIENCE_MS), started.ready]);
  return { ...started, opsUrl };
}

async function launch(
  entry: string,
  settings: Settings,
  { output, directory: given }: { output: 'pipe' | 'ignore'; directory?: string },
): Promise<BenchProcess> {
  const directory = given ?? (await findBuild());
  const own = NODE_FLAGS[path.basename(entry, '.ts')] ?? [];
  const flags = [...own, ...(nodeFlags.get(entry) ?? [])];
  const child = spawn(process.execPath, [...flags, path.join(directory, toJavaScript(entry))], {
    cwd: directory, // where no .env of a developer lies
    stdio: ['ignore', output === 'pipe' ? 'pipe' : openLog(entry), 'pipe'],
    env: { PATH: process.env['PATH'], NODE_ENV: 'production', ...settings },
  });
  running.add(child);
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-KEPT_CHARACTERS);
  });
  const exited = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => {
      running.delete(child);
      resolve(code);
    });
  });
  const ended = exited.then((code): never => {
    throw new Error(`${entry} ended with ${code ?? 'a signal'} before it was ready. ${said}`);
  });
  const ready = child.stdout ? Promise.race([readFirstObject(child.stdout), ended]) : ended;
  ready.catch(() => undefined); // whoever waits for it is told; an end after that is no news
  return {
    pid: child.pid ?? 0,
    ready,
    exited,
    signal: (signal) => child.kill(signal),
    stop: () => stop(child, exited),
    residentBytes: () => readResidentBytes(child.pid),
    cpuSeconds: () => readCpuSeconds(child.pid),
  };
}

/** BENCH_LOGS names a folder for what our own processes log: to find out why one does not do what it should. */
function openLog(entry: string): number | 'ignore' {
  const folder = process.env['BENCH_LOGS'];
  if (!folder) return 'ignore';
  mkdirSync(folder, { recursive: true });
  return openSync(path.join(folder, `${path.basename(entry, '.ts')}.log`), 'a');
}

function readFirstObject(stream: NodeJS.ReadableStream): Promise<Record<string, unknown>> {
  return new Promise((resolve) => {
    const lines = createInterface({ input: stream });
    lines.on('line', (line) => {
      if (!line.startsWith('{')) return;
      lines.close();
      stream.resume(); // what comes later is read and dropped, so that nobody blocks on a full pipe
      resolve(JSON.parse(line) as Record<string, unknown>); // an object, as its first character says
    });
  });
}

async function stop(child: ChildProcess, exited: Promise<number | null>): Promise<void> {
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_PATIENCE_MS);
  child.kill('SIGTERM');
  await exited;
  clearTimeout(timer);
}

function readResidentBytes(pid: number | undefined): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readProc(pid, 'status'))?.[1] ?? 0;
  return Number(kilobytes) * 1024;
}

function readCpuSeconds(pid: number | undefined): number {
  // The name, in parentheses, may hold spaces; user and system time are the 14th and 15th field.
  const fields = readProc(pid, 'stat')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / TICKS_PER_SECOND;
}

function readProc(pid: number | undefined, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return ''; // it is gone, or this is not Linux
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}
