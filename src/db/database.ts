/**
 * The Prisma client and the pool beneath it, which transactions use directly (docs/decisions/0015-driver-beneath-prisma.md). Table
 * names in raw SQL are qualified, so a pooler that drops session settings does no harm.
 */
import { PrismaPg } from '@prisma/adapter-pg';
import { type Socket } from 'node:net';
import { Pool, type PoolClient } from 'pg';
import { PrismaClient } from './generated/client.js';

export type { PrismaClient } from './generated/client.js';

/** A connection that has been silent this long is not coming: better an error that is retried than a wait. */
const CONNECT_TIMEOUT_MS = 5_000;
/** Above the server's own timeouts, so that Postgres, which knows more, speaks first. */
const TRANSACTION_MARGIN_MS = 15_000;

export interface DatabaseOptions {
  url: string;
  /** DATABASE_SCHEMA. */
  schema: string;
  /** Connections at most. */
  size: number;
  lockTimeoutSeconds: number;
  idleTimeoutSeconds: number;
  onError: (error: Error) => void;
}

/** Raw SQL; values stand for $1, $2, … */
export interface Statements {
  /** `"clerk"."users"` for `users`. */
  table: (name: string) => string;
  query: <R>(sql: string, ...values: unknown[]) => Promise<R[]>;
  /** @returns how many rows it touched. */
  execute: (sql: string, ...values: unknown[]) => Promise<number>;
}

/** Each statement by itself, on any connection of the pool. */
export interface Database extends Statements {
  /**
   * Runs `work` in one READ COMMITTED transaction. Statements that it does not wait for one by one are sent at once, and run in
   * the order in which they were asked for; when one fails, so do those after it.
   */
  transact: <T>(work: (tx: Statements) => Promise<T>) => Promise<T>;
  /** For handlers, which are applications': nothing of ours asks through it. */
  prisma: PrismaClient;
  /** Of the pool; `waiting` are requests that have no connection yet. */
  countConnections: () => { open: number; idle: number; waiting: number };
  close: () => Promise<void>;
}

export function openDatabase(options: DatabaseOptions): Database {
  const { url, schema, size, onError } = options;
  const boundsMs =
    (options.lockTimeoutSeconds + options.idleTimeoutSeconds) * 1000 + TRANSACTION_MARGIN_MS;
  const pool = new Pool({
    connectionString: url,
    max: size,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    application_name: 'clerk-sync',
    pipeline: true,
  });
  pool.on('error', onError);
  // A client that is checked out and between two statements has nobody who listens: its loss would end the process.
  pool.on('connect', (client) => {
    client.on('error', onError);
    endWhenSilent(client, boundsMs);
  });
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool, { schema }) });
  return {
    ...toStatements(prisma, schema),
    prisma,
    transact: (work) => transact(pool, schema, work),
    countConnections: () => ({
      open: pool.totalCount,
      idle: pool.idleCount,
      waiting: pool.waitingCount,
    }),
    close: async () => {
      await prisma.$disconnect();
      await pool.end();
    },
  };
}

function toStatements(prisma: PrismaClient, schema: string): Statements {
  return {
    table: qualify(schema),
    query: (sql, ...values) => prisma.$queryRawUnsafe(sql, ...values),
    execute: (sql, ...values) => prisma.$executeRawUnsafe(sql, ...values),
  };
}

function qualify(schema: string): Statements['table'] {
  return (name) => `"${schema}"."${name}"`;
}

async function transact<T>(
  pool: Pool,
  schema: string,
  work: (tx: Statements) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  try {
    const beginning = client.query('BEGIN ISOLATION LEVEL READ COMMITTED');
    const run = async (sql: string, values: unknown[]) =>
      (await Promise.all([client.query(sql, values), beginning]))[0];
    const result = await work({
      table: qualify(schema),
      // The caller names the shape of the rows, as with Prisma.
      query: async <R>(sql: string, ...values: unknown[]) => (await run(sql, values)).rows as R[],
      execute: async (sql, ...values) => (await run(sql, values)).rowCount ?? 0,
    });
    await beginning;
    const { command } = await client.query('COMMIT');
    if (command !== 'COMMIT') throw new Error('A statement failed, and its error was passed over.');
    client.release();
    return result;
  } catch (error) {
    await rollBack(client);
    throw error;
  }
}

/** A connection that cannot do that is closed, which rolls back as well. */
async function rollBack(client: PoolClient): Promise<void> {
  try {
    await client.query('ROLLBACK');
    client.release();
  } catch {
    client.release(true);
  }
}

/** A connection that a firewall or a failover dropped without a word never answers; nothing of ours is silent for this long. */
function endWhenSilent(client: PoolClient, silenceMs: number): void {
  // pg has no bound of its own for a connection that is open, and gives its socket no name in its types.
  const { connection } = client as unknown as { connection: { stream: Socket } }; // as above
  const { stream } = connection;
  stream.setTimeout(silenceMs, () => {
    stream.destroy(new Error('Connection terminated: the database fell silent'));
  });
}
