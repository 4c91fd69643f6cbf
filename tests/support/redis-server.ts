/** A private redis-server (or valkey-server) on a free port, that a test may kill, freeze and start again. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import { findOnPath } from './find-on-path.js';
import { findFreePort } from './ports.js';
import { waitFor } from './wait.js';

export interface RedisServer {
  url: string;
  /** SIGKILL: what is not in the append-only file is lost. */
  kill: () => Promise<void>;
  freeze: () => void;
  thaw: () => void;
  /** Starts it again on the same port with the same files. */
  start: () => Promise<void>;
  stop: () => Promise<void>;
}

/** Undefined when the machine has neither. */
export async function startRedis(flags: string[] = []): Promise<RedisServer | undefined> {
  const binary = ['redis-server', 'valkey-server'].map(findOnPath).find(Boolean);
  if (!binary) return undefined;
  const directory = mkdtempSync(path.join(tmpdir(), 'clerk-sync-redis-'));
  const port = await findFreePort();
  const url = `redis://127.0.0.1:${port}`;
  let child: ChildProcess | undefined;
  const settings = {
    port,
    bind: '127.0.0.1',
    dir: directory,
    appendonly: 'yes',
    save: '',
    'maxmemory-policy': 'noeviction',
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const start = async () => {
    child = spawn(binary, [...args, ...flags], { stdio: 'ignore' });
    await waitFor('redis to answer', () => answers(url));
  };
  const kill = async () => {
    const dying = child;
    if (!dying || dying.exitCode !== null || dying.signalCode !== null) return;
    await new Promise((resolve) => {
      dying.once('exit', resolve);
      dying.kill('SIGKILL');
    });
  };
  await start();
  return {
    url,
    start,
    kill,
    freeze: () => child?.kill('SIGSTOP'),
    thaw: () => child?.kill('SIGCONT'),
    stop: async () => {
      await kill();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function answers(url: string): Promise<boolean> {
  const client = new Redis(url, {
    lazyConnect: true,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
  });
  client.on('error', () => undefined); // a refused connection is the answer "not yet"
  try {
    await client.connect();
    await client.ping();
    return true;
  } catch {
    return false;
  } finally {
    client.disconnect();
  }
}
