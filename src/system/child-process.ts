/** One process of ours as a child: started, relayed to the terminal, stopped within a deadline. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SyncError } from '../errors.js';
import { type Environment } from '../environment.js';
import { NODE_FLAGS } from '../node-flags.js';
import { type Part } from './supervisor.js';
import { type Terminal } from './terminal.js';

const SOURCES = path.join(import.meta.dirname, '..');
const TYPESCRIPT = new URL('../../scripts/typescript.mjs', import.meta.url).href;
/** The child's own deadline comes first: it knows what hung, and says so. */
const KILL_MARGIN_MS = 2_000;

export interface ChildOptions {
  name: string;
  /** Relative to src. */
  file: string;
  environment: Environment;
  graceSeconds: number;
  terminal: Terminal;
}

export function startChild(options: ChildOptions): Part & { ended: Promise<string> } {
  const { name, file, environment, graceSeconds, terminal } = options;
  const flags = NODE_FLAGS[name] ?? [];
  const program = path.join(SOURCES, file);
  const child = spawn(process.execPath, [...flags, '--import', TYPESCRIPT, program], {
    env: environment,
    // A process group of its own: the terminal's Ctrl-C reaches us alone, and we stop the children in order.
    detached: true,
    windowsHide: true,
    // Nothing is sent on the channel. It closes when we die, however that comes, and then the child closes, too.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  // The options above say that both are pipes.
  terminal.relay(name, { stdout: child.stdout!, stderr: child.stderr! }); // eslint-disable-line @typescript-eslint/no-non-null-assertion -- as above
  let isOver = false;
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`could not be started: ${error.message}`));
    child.once('close', (code, signal) =>
      resolve(signal ? `was killed by ${signal}` : `ended with exit code ${code}`),
    );
  }).finally(() => (isOver = true));
  const kill = () => {
    if (!isOver) child.kill('SIGKILL');
  };
  return {
    name,
    ended,
    kill,
    async stop() {
      if (isOver) return;
      child.kill('SIGTERM');
      const deadlineMs = graceSeconds * 1000 + KILL_MARGIN_MS;
      const late = sleep(deadlineMs, 'late' as const, { ref: false });
      if ((await Promise.race([ended, late])) === 'late') {
        kill();
        await ended;
        throw new SyncError(
          'work.failed',
          `${name} did not stop within ${deadlineMs / 1000} s and was killed. SHUTDOWN_GRACE sets how long it may take.`,
        );
      }
      if (child.exitCode)
        throw new SyncError(
          'work.failed',
          `${name} ended with exit code ${child.exitCode} when it was stopped; its last lines say why.`,
        );
    },
  };
}
