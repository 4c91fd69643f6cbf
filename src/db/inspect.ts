/** What can be found out about the database, for `npm run doctor`, which judges it. Reads only. */
import { Client } from 'pg';
import { compareClock, type ClockReading } from '../clock.js';
import { type Database } from './database.js';

export interface DatabaseServer {
  /** As the server says it: `18.4`. */
  version: string;
  majorVersion: number;
  isEncrypted: boolean;
  /** Client connections to the whole server, and how many there may be. */
  connections: number;
  maxConnections: number;
  identity: string;
  clock: ClockReading;
}

export interface DatabaseSession {
  identity: string;
  /** A transaction pooler stands between: what belongs to a session (locks, LISTEN) is not ours. */
  isShared: boolean;
}

const CONNECT_TIMEOUT_MS = 4_000;
/** The same text: the same database of the same server. Every user may read it. */
const IDENTITY = `current_database() || ' ' || pg_postmaster_start_time()::text`;

export async function inspectServer(db: Database): Promise<DatabaseServer> {
  const clock = await compareClock(async () => {
    const [row] = await db.query<{ ms: number }>(
      'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS ms',
    );
    return row?.ms ?? NaN;
  });
  const [found] = await db.query<Omit<DatabaseServer, 'clock'>>(
    `SELECT split_part(current_setting('server_version'), ' ', 1) AS "version",
       current_setting('server_version_num')::int / 10000 AS "majorVersion",
       coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS "isEncrypted",
       (SELECT sum(numbackends)::int FROM pg_stat_database) AS "connections",
       current_setting('max_connections')::int AS "maxConnections",
       ${IDENTITY} AS "identity"`,
  );
  if (!found) throw new Error('The database answered with nothing.');
  return { ...found, clock };
}

/** @param url of a connection that is to be direct. Rejects when it cannot be reached. */
export async function inspectSession(url: string): Promise<DatabaseSession> {
  const clients = [0, 1].map(
    () =>
      new Client({
        connectionString: url,
        connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
        application_name: 'clerk-sync doctor',
      }),
  );
  const [ours, other] = clients;
  if (!ours || !other) throw new Error('unreachable'); // two were made
  for (const client of clients) client.on('error', () => undefined); // the statement reports it
  try {
    await Promise.all(clients.map((client) => client.connect()));
    const before = await readBackend(ours);
    // A pooler lends the other transaction the server's session that we have just used, or gives us another one afterwards.
    await other.query('BEGIN');
    const taken = await readBackend(other);
    const after = await readBackend(ours);
    await other.query('ROLLBACK');
    const isShared = taken.pid === before.pid || after.pid !== before.pid;
    return { identity: before.identity, isShared };
  } finally {
    await Promise.allSettled(clients.map((client) => client.end()));
  }
}

async function readBackend(client: Client): Promise<{ pid: number; identity: string }> {
  const { rows } = await client.query<{ pid: number; identity: string }>(
    `SELECT pg_backend_pid() AS pid, ${IDENTITY} AS identity`,
  );
  if (!rows[0]) throw new Error('The database answered with nothing.');
  return rows[0];
}
