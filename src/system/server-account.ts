/** Postgres refuses to run as root: as root we run it as an account that can do nothing else. */
import { execFile } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { promisify } from 'node:util';
import { SyncError } from '../errors.js';

const run = promisify(execFile);
const CANDIDATES = ['postgres', 'nobody'];

/** Empty when we are not root. Fits child_process options. */
export interface ServerAccount {
  uid?: number;
  gid?: number;
}

/**
 * The account that owns `cluster`, or for a new cluster the first that this machine has.
 * @throws SyncError `config.invalid` when there is none.
 */
export async function findServerAccount(cluster: string): Promise<ServerAccount> {
  if (process.getuid?.() !== 0) return {};
  if (existsSync(cluster)) {
    const { uid, gid } = statSync(cluster);
    if (uid !== 0) return { uid, gid };
  }
  for (const name of CANDIDATES) {
    const account = await lookUp(name);
    if (account) return account;
  }
  throw new SyncError(
    'config.invalid',
    `Postgres does not run as root, and this machine has no account named ${CANDIDATES.join(' or ')}. Run as another user, or set DATABASE_URL.`,
  );
}

/** Whether the account gets into `directory`, through all that lie above it. */
export async function canEnter(directory: string, account: ServerAccount): Promise<boolean> {
  if (account.uid === undefined) return true;
  return run('ls', ['-d', `${directory}/.`], { ...account, cwd: '/' }).then(
    () => true,
    () => false,
  );
}

async function lookUp(name: string): Promise<ServerAccount | undefined> {
  try {
    const [uid, gid] = await Promise.all([readId('-u', name), readId('-g', name)]);
    return { uid, gid };
  } catch {
    return undefined; // `id` exits 1 for an unknown name
  }
}

async function readId(flag: '-u' | '-g', name: string): Promise<number> {
  const { stdout } = await run('id', [flag, name]);
  return Number(stdout);
}
