/** What every command is, and how its arguments are read. */
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { type Environment } from '../environment.js';
import { messageOf, SyncError } from '../errors.js';

export interface CommandContext {
  environment: Environment;
  print: (line: string) => void;
}

export interface Command {
  usage: string;
  /** @returns the exit code: 0 done, 1 the work failed or found something. */
  run: (args: string[], context: CommandContext) => Promise<number>;
}

/** @throws SyncError `usage.invalid` (exit code 2) that quotes the usage. */
export function readArguments<O extends NonNullable<ParseArgsConfig['options']>>(
  args: string[],
  options: O,
  usage: string,
) {
  try {
    return parseArgs({ args, options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new SyncError('usage.invalid', `${messageOf(error)}\n${usage}`);
  }
}

/** @throws SyncError `usage.invalid` unless `text` is a whole number from 1 to `max`. */
export function readCount(text: string, name: string, max: number): number {
  const count = /^\d+$/.test(text) ? Number(text) : NaN;
  if (count >= 1 && count <= max) return count;
  throw new SyncError(
    'usage.invalid',
    `${name} takes a whole number from 1 to ${max}, not "${text}".`,
  );
}
