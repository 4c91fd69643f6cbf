/** Runs a program to its end in a session of its own: a terminal's Ctrl-C is ours to hand on, not for the program to die of. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type ServerAccount } from './server-account.js';

export interface RunOptions {
  account: ServerAccount;
  /** One that the account can enter: programs fail in a working directory that they cannot name. */
  cwd: string;
}

/** @throws Error with what the program printed, when it does not end with 0. */
export async function runDetached(
  file: string,
  args: readonly string[],
  { account, cwd }: RunOptions,
): Promise<void> {
  const child = spawn(file, args, {
    ...account,
    cwd,
    detached: true,
    windowsHide: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  }
  await once(child, 'close');
  if (child.exitCode !== 0) throw new Error(output.trim() || `it ended by ${child.signalCode}`);
}
