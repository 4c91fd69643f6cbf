/** Makes a new Postgres cluster. */
import { chownSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { SyncError, messageOf } from '../errors.js';
import { type PostgresBinaries } from './postgres-binaries.js';
import { runDetached } from './run-detached.js';
import { type ServerAccount } from './server-account.js';

export interface Initialisation {
  binaries: PostgresBinaries;
  account: ServerAccount;
  cluster: string;
  password: string;
}

const LOCALE = ['--encoding=UTF8', '--locale-provider=builtin', '--locale=C.UTF-8'];

/** The folder appears under its name only when it is whole: an interrupted start leaves nothing that looks like a cluster. */
export async function initialiseCluster(options: Initialisation): Promise<void> {
  const { binaries, account, cluster, password } = options;
  const unfinished = `${cluster}.new`;
  const passwordFile = `${cluster}.password`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { mode: 0o700 });
  writeFileSync(passwordFile, password, { mode: 0o600 });
  for (const file of [unfinished, passwordFile]) giveTo(account, file);
  try {
    const access = ['-U', 'postgres', '-A', 'scram-sha-256', `--pwfile=${passwordFile}`];
    await runDetached(binaries.initdb, ['-D', unfinished, ...access, ...LOCALE], {
      account,
      cwd: path.dirname(cluster),
    });
    renameSync(unfinished, cluster);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    throw new SyncError(
      'work.failed',
      `initdb could not make the embedded Postgres. ${messageOf(error)}`,
    );
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

function giveTo({ uid, gid }: ServerAccount, file: string): void {
  if (uid !== undefined && gid !== undefined) chownSync(file, uid, gid);
}
