/** What every command is, and how its arguments are read. */
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { type Environment } from '../environment.js';
import { messageOf, SyncError } from '../errors.js';

/** The application's handlers. */
export interface KnownHandlers {
  names: readonly string[];
  /** Those that are for events of this type, by name. */
  namesFor: (type: string) => readonly string[];
}

export interface CommandContext {
  environment: Environment;
  /** Not before somebody asks for them: they are the owner's code. Rejects with SyncError `config.invalid` when their table is wrong. */
  loadHandlers: () => Promise<KnownHandlers>;
  /** A line of the result, on stdout. */
  print: (line: string) => void;
  /** How far it has come, on stderr; as it is, no line break added. */
  writeProgress: (text: string) => void;
  /** Whether a person watches stderr. */
  isTerminal: boolean;
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

/**
 * Milliseconds since 1970 of a moment as people write it: ISO 8601 (`2026-11-21T03:00:00Z`; a day alone begins at
 * midnight UTC, a time without a zone is this machine's), or how long ago (`90s`, `30m`, `2h`, `7d`).
 * @throws SyncError `usage.invalid` that names the option.
 */
export function readMoment(text: string, name: string, now = Date.now()): number {
  const [, count, unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const ms = count ? now - Number(count) * (UNITS_MS[unit] ?? NaN) : readDate(text);
  if (Number.isFinite(ms)) return ms;
  throw new SyncError(
    'usage.invalid',
    `${name} takes a moment such as 2026-11-21T03:00:00Z, or how long ago, such as 30m, 2h or 7d; not "${text}".`,
  );
}

const UNITS_MS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function readDate(text: string): number {
  const [day] = /^\d{4}-\d{2}-\d{2}/.exec(text) ?? [];
  // JavaScript takes 30 February for 2 March.
  const isReal = day !== undefined && new Date(Date.parse(day) || 0).toISOString().startsWith(day);
  return isReal ? Date.parse(text) : NaN;
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
