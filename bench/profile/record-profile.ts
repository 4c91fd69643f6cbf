/** Runs one contender of a scenario while node's own profiler watches our process. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Scenario } from '../contract.js';
import { type ProfiledProcess } from '../flags.js';
import { killAll, setNodeFlags } from '../processes.js';
import { startServers } from '../servers.js';

/** As V8 writes it, in microseconds. */
export interface CpuProfile {
  nodes: readonly ProfileNode[];
  /** Ids of nodes. */
  samples: readonly number[];
  /** Before each sample. */
  timeDeltas: readonly number[];
}

export interface ProfileNode {
  id: number;
  callFrame: { functionName: string; url: string };
  children?: readonly number[];
}

export interface RecordOptions {
  process: ProfiledProcess;
  scenario: Scenario;
  contender: string;
  log: (line: string) => void;
}

const SAMPLING_MICROS = 500;

/** @throws Error when the process wrote no profile, which it does when it ends in order. */
export async function recordProfile(options: RecordOptions): Promise<CpuProfile> {
  const directory = mkdtempSync(path.join(tmpdir(), 'clerk-sync-profile-'));
  setNodeFlags(options.process, [
    '--cpu-prof',
    `--cpu-prof-dir=${directory}`,
    `--cpu-prof-interval=${SAMPLING_MICROS}`,
  ]);
  try {
    await runOnce(options);
    return readLargest(directory);
  } finally {
    setNodeFlags(options.process, []);
    rmSync(directory, { recursive: true, force: true });
  }
}

async function runOnce({ scenario, contender, log }: RecordOptions): Promise<void> {
  const servers = await startServers();
  try {
    const { redisUrl, createDatabase } = servers;
    const opened = await scenario.open({ form: 'full', redisUrl, createDatabase, log });
    try {
      const run = opened.contenders[contender];
      if (!run) throw new Error(`${scenario.name} has no contender ${contender}.`);
      await run();
    } finally {
      await opened.close();
    }
  } finally {
    killAll();
    await servers.close();
  }
}

/** Of several processes of one kind, the one that did most. */
function readLargest(directory: string): CpuProfile {
  const files = readdirSync(directory).map((name) =>
    readFileSync(path.join(directory, name), 'utf8'),
  );
  const [largest] = files.sort((a, b) => b.length - a.length);
  if (largest === undefined) throw new Error('The process left no profile behind.');
  return JSON.parse(largest) as CpuProfile; // written by node
}
