/** Starting, stopping and watching one cluster's server. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { SyncError, messageOf } from '../errors.js';
import { type PostgresBinaries } from './postgres-binaries.js';
import { identifyProcess, type ProcessIdentity } from './process-identity.js';
import { runDetached } from './run-detached.js';
import { type ServerAccount } from './server-account.js';

const START_TIMEOUT_SECONDS = 60;
const WATCH_INTERVAL_MS = 1_000;
const LOG_TAIL_LINES = 8;

export interface PostgresControlOptions {
  binaries: PostgresBinaries;
  account: ServerAccount;
  cluster: string;
  stopTimeoutSeconds: number;
}

export interface PostgresControl {
  /** Does nothing when no server runs. */
  stop: () => Promise<void>;
  /** What a program that outlives us runs to stop it. */
  stopCommand: readonly string[];
  start: (settings: Readonly<Record<string, string>>) => Promise<void>;
  /** Resolves when the server is gone, however that came. */
  watch: () => Promise<string>;
}

export function createPostgresControl(options: PostgresControlOptions): PostgresControl {
  const { binaries, account, cluster, stopTimeoutSeconds } = options;
  const log = path.join(cluster, 'server.log');
  const pidFile = path.join(cluster, 'postmaster.pid');
  const pgCtl = (...args: string[]) =>
    runDetached(binaries.pgCtl, ['-D', cluster, ...args], { account, cwd: path.dirname(cluster) });
  const stopArguments = (mode: 'fast' | 'immediate') =>
    ['stop', '-m', mode, '-w', '-t', `${stopTimeoutSeconds}`] as const;

  return {
    stopCommand: [binaries.pgCtl, '-D', cluster, ...stopArguments('fast')],
    async stop() {
      for (const mode of ['fast', 'immediate'] as const) {
        if (!findServer(pidFile)) {
          // What a crash left; Postgres itself would take whoever has that pid today for its server.
          rmSync(pidFile, { force: true });
          return;
        }
        await pgCtl(...stopArguments(mode)).catch(() => undefined); // it may have stopped in between; the next look tells
      }
      if (!findServer(pidFile)) return;
      throw new SyncError(
        'work.failed',
        `The Postgres in ${cluster} does not stop. End its process (the first line of ${pidFile}).`,
      );
    },
    async start(settings) {
      const flags = { unix_socket_directories: '', ...settings };
      const line = Object.entries(flags).map(([name, value]) => `-c ${name}='${value}'`);
      try {
        await pgCtl(
          'start',
          '-w',
          '-t',
          `${START_TIMEOUT_SECONDS}`,
          '-l',
          log,
          '-o',
          line.join(' '),
        );
      } catch (error) {
        const words = readTail(log) || messageOf(error);
        throw new SyncError('work.failed', `The embedded Postgres did not start:\n${words}`);
      }
    },
    watch() {
      return new Promise((resolve) => {
        const timer = setInterval(() => {
          if (findServer(pidFile)) return;
          clearInterval(timer);
          resolve(`ended; its last words are in ${log}`);
        }, WATCH_INTERVAL_MS).unref();
      });
    },
  };
}

/** `pg_ctl status` and `stop` trust the pid in the file: after a reboot it can be anyone's, even ours. */
function findServer(pidFile: string): ProcessIdentity | undefined {
  if (!existsSync(pidFile)) return undefined;
  const server = identifyProcess(Number(readFileSync(pidFile, 'utf8').split('\n')[0]));
  return server?.program === 'postgres' || server?.program === '' ? server : undefined;
}

function readTail(file: string): string {
  if (!existsSync(file)) return '';
  return readFileSync(file, 'utf8').trim().split('\n').slice(-LOG_TAIL_LINES).join('\n');
}
