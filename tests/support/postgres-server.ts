/** A private Postgres with migrated tables, for both the mirror and the queue, that a test may stop, crash and start again. */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { migrate } from '../../src/db/migrate.js';
import { migrateQueue } from '../../src/queue/migrate.js';
import { startEmbeddedPostgres } from '../../src/system/embedded-postgres.js';
import { findFreePort } from './ports.js';
import { waitFor } from './wait.js';

export interface PostgresServer {
  /** Superuser, in the migrated database. */
  url: string;
  query: <R extends pg.QueryResultRow>(text: string, values?: unknown[]) => Promise<R[]>;
  /** A connection of its own, for a test that holds locks. It ends with the server. */
  connect: () => Promise<pg.Client>;
  /** As an operator stops it: connections are cut, everything is written out. */
  stop: () => Promise<void>;
  /** As after a power cut: nothing is written out, and the next start recovers from the log. */
  crash: () => Promise<void>;
  /** Starts it again on the same port with the same files. */
  start: () => Promise<void>;
  /** All that the server has logged since it was made. */
  log: () => string;
  /** Stops it for good and removes its files. */
  close: () => Promise<void>;
}

/** The collector writes one file whatever the server's own start and stop do to its standard error. */
const SETTINGS = {
  fsync: 'off', // no test cuts the machine's power, and everything else survives in the page cache
  max_connections: '100',
  logging_collector: 'on',
  log_directory: 'log',
  log_filename: 'server.log',
};

/** @param settings of the server, `-c` style, beside and before those that the tests have. */
export async function startPostgres(
  settings: Readonly<Record<string, string>> = {},
): Promise<PostgresServer> {
  const directory = mkdtempSync(path.join(tmpdir(), 'clerk-sync-postgres-'));
  chmodSync(directory, 0o755); // as root, Postgres runs as another user, who must get in
  const options = { directory, port: await findFreePort(), settings: { ...SETTINGS, ...settings } };
  let server = await startEmbeddedPostgres(options);
  const { url } = server;
  await migrate({ url, schema: 'clerk' });
  await migrateQueue({ databaseUrl: url });
  const pool = new pg.Pool({ connectionString: url, max: 4, application_name: 'test' });
  pool.on('error', () => undefined); // a test that stops the server breaks our connections as well
  pool.on('connect', (client) => client.on('error', () => undefined));
  const query: PostgresServer['query'] = async <R extends pg.QueryResultRow>(
    text: string,
    values: unknown[] = [],
  ) => (await pool.query<R>(text, values)).rows;
  const [{ data_directory: cluster } = { data_directory: '' }] = await query<{
    data_directory: string;
  }>('SHOW data_directory');
  const clients: pg.Client[] = [];
  const stop = async () => {
    await server.stop();
  };
  return {
    url,
    query,
    connect: async () => {
      const client = new pg.Client({ connectionString: url, application_name: 'test' });
      client.on('error', () => undefined); // as above
      await client.connect();
      clients.push(client);
      return client;
    },
    stop,
    crash: async () => {
      const pidFile = path.join(cluster, 'postmaster.pid');
      process.kill(Number(readFileSync(pidFile, 'utf8').split('\n')[0]), 'SIGQUIT');
      await waitFor('Postgres to be gone', () => !existsSync(pidFile));
      await stop();
    },
    start: async () => {
      server = await startEmbeddedPostgres(options);
    },
    log: () => readFileSync(path.join(cluster, 'log/server.log'), 'utf8'),
    close: async () => {
      await Promise.allSettled([...clients, pool].map((open) => open.end()));
      await stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
