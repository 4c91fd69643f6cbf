/** Where the cluster's files live: in DATA_DIR, unless the account that Postgres runs as cannot get there. */
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  symlinkSync,
} from 'node:fs';
import path from 'node:path';
import { SyncError } from '../errors.js';
import { canEnter, type ServerAccount } from './server-account.js';

/** For a root whose clone lies in a folder that is closed to others, such as /root. */
export const SHARED_DIRECTORY = '/var/lib/clerk-sync';

/**
 * @returns the cluster's folder, which need not exist. When it lies elsewhere, `directory/postgres` is a link to it, so that
 *   each DATA_DIR keeps its own cluster, also after it was moved.
 * @throws SyncError `config.invalid` when an existing cluster has become unreachable.
 */
export async function locateCluster(directory: string, account: ServerAccount): Promise<string> {
  const own = path.join(directory, 'postgres');
  const linked = readLink(own);
  if (linked !== undefined) return linked;
  if (await canEnter(directory, account)) return own;
  if (existsSync(own)) {
    throw new SyncError(
      'config.invalid',
      `Postgres does not run as root, and the account that owns ${own} can no longer get there. Open the folders above it to others, run as that account, or set DATABASE_URL.`,
    );
  }
  return linkElsewhere(own);
}

function readLink(file: string): string | undefined {
  const isLink = lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink();
  return isLink ? path.resolve(path.dirname(file), readlinkSync(file)) : undefined;
}

function linkElsewhere(own: string): string {
  mkdirSync(SHARED_DIRECTORY, { recursive: true, mode: 0o755 });
  const home = mkdtempSync(path.join(SHARED_DIRECTORY, 'data-'));
  chmodSync(home, 0o755);
  const cluster = path.join(home, 'postgres');
  symlinkSync(cluster, own);
  return cluster;
}
