/** A database of its own for each test file, copied from a migrated template. */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { waitFor } from './wait.js';

export const TEMPLATE_DATABASE = 'clerk_sync_template';

export interface TestDatabase {
  url: string;
  name: string;
  query: <R extends pg.QueryResultRow>(text: string, values?: unknown[]) => Promise<R[]>;
  /** A connection of its own, for a test that holds locks. Ended by `drop`. */
  connect: () => Promise<pg.Client>;
  /** Drops the database. Fails when something of ours is still connected to it. */
  drop: () => Promise<void>;
}

/** @param migrated false: an empty database. */
export async function createDatabase({ migrated = true } = {}): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  return createDatabaseOn(readServerUrl(), { name, migrated });
}

/** @param serverUrl of a server that has the template, where the database is to be migrated. */
export async function createDatabaseOn(
  serverUrl: string,
  { name, migrated }: { name: string; migrated: boolean },
): Promise<TestDatabase> {
  await runOnServer(
    serverUrl,
    `CREATE DATABASE ${name} TEMPLATE ${migrated ? TEMPLATE_DATABASE : 'template0'}`,
  );
  const url = withDatabase(serverUrl, name);
  const clients: pg.Client[] = [];
  const pool = new pg.Pool({ connectionString: url, max: 4, application_name: 'test' });
  pool.on('error', () => undefined); // a test that stops connections breaks ours as well
  return {
    url,
    name,
    query: async <R extends pg.QueryResultRow>(text: string, values: unknown[] = []) =>
      (await pool.query<R>(text, values)).rows,
    connect: async () => {
      const client = new pg.Client({ connectionString: url, application_name: 'test' });
      client.on('error', () => undefined); // as above
      await client.connect();
      clients.push(client);
      return client;
    },
    drop: async () => {
      await Promise.all(clients.map((client) => client.end()));
      await pool.end();
      await withServer(serverUrl, async (server) => {
        // The server needs a moment to notice that a killed process is gone; what stays longer is a leak.
        await waitFor(`all connections to ${name} to be closed`, async () => {
          const left = await server.query('SELECT 1 FROM pg_stat_activity WHERE datname = $1', [
            name,
          ]);
          return left.rowCount === 0;
        });
        await server.query(`DROP DATABASE ${name}`);
      });
    },
  };
}

/** @returns the template's URL; to be migrated by the caller. */
export async function createTemplate(serverUrl: string): Promise<string> {
  await runOnServer(serverUrl, `CREATE DATABASE ${TEMPLATE_DATABASE} TEMPLATE template0`);
  return withDatabase(serverUrl, TEMPLATE_DATABASE);
}

export function readServerUrl(): string {
  const url = process.env['TEST_DATABASE_URL'];
  if (!url)
    throw new Error(
      'TEST_DATABASE_URL is not set: run the tests with `npm test`, which starts Postgres.',
    );
  return url;
}

function withDatabase(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

function runOnServer(serverUrl: string, sql: string): Promise<unknown> {
  return withServer(serverUrl, (server) => server.query(sql));
}

async function withServer<T>(
  serverUrl: string,
  work: (server: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client(serverUrl);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
