/** The server as a child process, where its work is not to count. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { type ClerkApiOptions, COUNTS_PATH, type Counts } from './start-clerk-api.js';

const ROOT = path.resolve(import.meta.dirname, '../../..');

export interface ClerkApiProcess {
  pid: number;
  url: string;
  secretKey: string;
  instanceId: string;
  readCounts: () => Promise<Counts>;
  stop: () => Promise<void>;
}

export async function spawnClerkApi(
  options: Omit<ClerkApiOptions, 'onEvent'> = {},
): Promise<ClerkApiProcess> {
  const main = 'tests/support/clerk-api/main.ts';
  const child = spawn(
    process.execPath,
    ['--import', './scripts/typescript.mjs', main, JSON.stringify(options)],
    { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'], env: { PATH: process.env['PATH'] } },
  );
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const place = JSON.parse(line) as Pick<ClerkApiProcess, 'url' | 'secretKey' | 'instanceId'>; // main.ts's
  return {
    ...place,
    pid: child.pid ?? 0,
    readCounts: async () => (await (await fetch(place.url + COUNTS_PATH)).json()) as Counts, // our own
    stop: async () => {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}
