/** Stops Postgres when we are gone: it lives in a session of its own, so nothing else would after a SIGKILL. */
import { spawn } from 'node:child_process';
import { type RunOptions } from './run-detached.js';

/** @returns what calls the guard off; to be called once Postgres has stopped, or it would stop the next one. */
export function guardPostgres(
  pgCtlStop: readonly string[],
  { account, cwd }: RunOptions,
): () => void {
  if (process.platform === 'win32') return () => undefined;
  // The shell reads a pipe that nobody writes to; the kernel ends it with us, however we end.
  const guard = spawn('/bin/sh', ['-c', 'read -r _; exec "$@"', 'sh', ...pgCtlStop], {
    ...account,
    cwd,
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guard.on('error', () => undefined); // without a shell the next start stops what is left
  return () => {
    guard.kill('SIGKILL');
  };
}
