/** DATA_DIR: made when missing, and held by one system at a time. */
import { accessSync, constants, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { SyncError, messageOf } from '../errors.js';
import { identifyProcess, isRunning, type ProcessIdentity } from './process-identity.js';

export interface HeldDataDir {
  directory: string;
  /** The system before this one did not stop by itself: its processes may still be closing. */
  isLeftOver: boolean;
  stop: () => void;
  kill: () => void;
}

/** @throws SyncError `usage.invalid` when another system holds it, `config.invalid` when it cannot be written to. */
export function holdDataDir(directory: string): HeldDataDir {
  makeWritable(directory);
  const lock = path.join(directory, 'system.lock');
  const isLeftOver = clearStaleLock(lock, directory);
  try {
    writeFileSync(lock, JSON.stringify(identifyProcess(process.pid)), { flag: 'wx' });
  } catch {
    throw heldByAnother(directory, readLock(lock));
  }
  const release = () => rmSync(lock, { force: true });
  return { directory, isLeftOver, stop: release, kill: release };
}

function makeWritable(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true });
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new SyncError(
      'config.invalid',
      `DATA_DIR: ${directory} cannot be used (${messageOf(error)}). Set DATA_DIR to a folder that this account may write to, or run as the account that it belongs to.`,
    );
  }
}

/** @returns whether there was one. */
function clearStaleLock(lock: string, directory: string): boolean {
  const holder = readLock(lock);
  if (holder === undefined) return false;
  if (holder !== null && holder.pid !== process.pid && isRunning(holder)) {
    throw heldByAnother(directory, holder);
  }
  rmSync(lock, { force: true });
  return true;
}

/** Undefined when there is no lock, null when it is not to be understood: its writer was stopped between opening and writing. */
function readLock(lock: string): ProcessIdentity | null | undefined {
  try {
    return JSON.parse(readFileSync(lock, 'utf8')) as ProcessIdentity; // nobody but this file writes it
  } catch (error) {
    return error instanceof SyntaxError ? null : undefined;
  }
}

function heldByAnother(directory: string, holder: ProcessIdentity | null | undefined): SyncError {
  return new SyncError(
    'usage.invalid',
    `clerk-sync runs already on ${directory} (process ${holder?.pid ?? 'unknown'}). Use that one, stop it with Ctrl-C or \`kill ${holder?.pid ?? ''}\`, or set DATA_DIR (and other ports) for a second system.`,
  );
}
