/** The commands of `npm run …`, as child processes. */
import { spawn, type ChildProcess } from 'node:child_process';
import { type Command, type CommandContext } from '../../src/commands/command.js';
import { type Environment } from '../../src/environment.js';
import { isSyncError } from '../../src/errors.js';
import { readHandlers } from '../../src/outbox/read-handlers.js';
import { HANDLERS } from '../fixtures/handlers/index.js';
import { argumentsFor } from './build.js';

export interface CommandResult {
  /** -1 when a signal ended it. */
  code: number;
  stdout: string;
  stderr: string;
}

/**
 * Runs `npm run <args[0]> -- …` with nothing in its environment but `settings`. Started in a folder that has no .env and no .data of a
 * developer's; a DATA_DIR of its own in `settings` is what a running `npm start` wrote.
 */
export function runCommand(args: readonly string[], settings: object = {}): Promise<CommandResult> {
  return startCommand(args, settings).ended;
}

/** As above, for a test that stops it half-way. */
export function startCommand(
  args: readonly string[],
  settings: object = {},
): { child: ChildProcess; ended: Promise<CommandResult> } {
  const child = spawn(process.execPath, [...argumentsFor('cli.ts'), ...args], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], DATA_DIR: '/nonexistent', ...settings },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  const ended = new Promise<CommandResult>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? -1, stdout, stderr }));
  });
  return { child, ended };
}

/**
 * In this process, without the second that one of its own takes to start; for tests of a command's many answers. The handlers that it
 * knows are those of `tests/fixtures/handlers`. Rejects with what the command throws.
 */
export async function runInProcess(
  command: Command,
  args: string[],
  environment: Environment,
): Promise<CommandResult> {
  const printed = { stdout: '', stderr: '' };
  const code = await command.run(args, createContext(environment, printed));
  return { code, ...printed };
}

/** The same, with an error of ours as a process of its own would end with it: a line and an exit code. */
export async function runToExit(
  command: Command,
  args: string[],
  environment: Environment,
): Promise<CommandResult> {
  const printed = { stdout: '', stderr: '' };
  try {
    const code = await command.run(args, createContext(environment, printed));
    return { code, ...printed };
  } catch (error) {
    if (!isSyncError(error)) throw error;
    return { code: error.exitCode, ...printed, stderr: `${printed.stderr}${error.message}\n` };
  }
}

function createContext(
  environment: Environment,
  printed: Omit<CommandResult, 'code'>,
): CommandContext {
  return {
    environment,
    loadHandlers: async () => readHandlers(HANDLERS),
    print: (line) => (printed.stdout += `${line}\n`),
    writeProgress: (text) => (printed.stderr += text),
    isTerminal: false,
  };
}
