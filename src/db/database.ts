/** The Prisma client and the pool beneath it. Table names in raw SQL are qualified, so a pooler that drops session settings does no harm. */
import { PrismaPg } from '@prisma/adapter-pg';
import { type Socket } from 'node:net';
import { Pool, type PoolClient } from 'pg';
import { Prisma, PrismaClient } from './generated/client.js';

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

/** Raw SQL through Prisma; values stand for $1, $2, … */
export interface Statements {
  /** `"clerk"."users"` for `users`. */
  table: (name: string) => string;
  query: <R>(sql: string, ...values: unknown[]) => Promise<R[]>;
  /** @returns how many rows it touched. */
  execute: (sql: string, ...values: unknown[]) => Promise<number>;
}

/** Each statement by itself, on any connection of the pool. */
export interface Database extends Statements {
  /** Runs `work` in one READ COMMITTED transaction whose locks and pauses are bounded. */
  transact: <T>(work: (tx: Statements) => Promise<T>) => Promise<T>;
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
    transact: (work) =>
      prisma.$transaction((tx) => work(toStatements(tx, schema)), {
        isolationLevel: Prisma.TransactionIsolationLevel.ReadCommitted,
        maxWait: CONNECT_TIMEOUT_MS * 2,
        timeout: boundsMs,
      }),
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

function toStatements(client: Prisma.TransactionClient, schema: string): Statements {
  return {
    table: (name) => `"${schema}"."${name}"`,
    query: (sql, ...values) => client.$queryRawUnsafe(sql, ...values),
    execute: (sql, ...values) => client.$executeRawUnsafe(sql, ...values),
  };
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
