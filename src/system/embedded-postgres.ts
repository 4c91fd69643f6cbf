/**
 * A Postgres of our own for machines that have none: the binaries come in an npm package, pg_ctl starts and stops them.
 * pg_ctl puts the server in a session of its own, so a Ctrl-C on the terminal reaches us first and Postgres last.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { locateCluster } from './cluster-location.js';
import { initialiseCluster } from './initialise-cluster.js';
import { findBinaries } from './postgres-binaries.js';
import { createPostgresControl } from './postgres-control.js';
import { guardPostgres } from './postgres-guard.js';
import { choosePostgresPort } from './postgres-port.js';
import { readOrCreatePrivateFile } from './private-file.js';
import { findServerAccount } from './server-account.js';
import { type Part } from './supervisor.js';

const PASSWORD_BYTES = 18;
const STOP_TIMEOUT_SECONDS = 60;

export interface EmbeddedPostgres extends Part {
  /** Superuser connection to the database `postgres`. */
  url: string;
}

export interface EmbeddedPostgresOptions {
  /** Holds the cluster (`postgres/`, or a link to it), its password and its port. Made when missing. */
  directory: string;
  /** Left out: the one of the last time when it is free, else any. */
  port?: number;
  /** Further server settings, `-c` style. */
  settings?: Readonly<Record<string, string>>;
  /** After which connections that are still busy are cut off. */
  stopTimeoutSeconds?: number;
}

/**
 * Starts the cluster in `directory`, making it first when it is not there. A server that an earlier crash left running is stopped first.
 * @throws SyncError `work.failed` with Postgres's own words, `config.invalid` where it cannot run; both with the cure.
 */
export async function startEmbeddedPostgres(
  options: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  const { directory, settings = {}, stopTimeoutSeconds = STOP_TIMEOUT_SECONDS } = options;
  mkdirSync(directory, { recursive: true });
  const account = await findServerAccount(path.join(directory, 'postgres'));
  const binaries = await findBinaries(account);
  const cluster = await locateCluster(directory, account);
  const password = readOrCreatePrivateFile(path.join(directory, 'postgres-password'), () =>
    randomBytes(PASSWORD_BYTES).toString('hex'),
  );
  const control = createPostgresControl({ binaries, account, cluster, stopTimeoutSeconds });
  if (existsSync(cluster)) await control.stop();
  else await initialiseCluster({ binaries, account, cluster, password });
  const port = options.port ?? (await choosePostgresPort(directory));
  const dismissGuard = guardPostgres(control.stopCommand, { account, cwd: path.dirname(cluster) });
  try {
    await control.start({ listen_addresses: '127.0.0.1', port: `${port}`, ...settings });
  } catch (error) {
    await control.stop();
    dismissGuard();
    throw error;
  }
  return {
    name: 'Postgres',
    url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
    ended: control.watch(),
    stop: async () => {
      await control.stop();
      dismissGuard();
    },
    // The guard stops it once we are gone.
    kill: () => undefined,
  };
}
