/** The real Redis and Postgres that everything is measured on: private, on free ports, and as careful with data as in production. */
import { Redis } from 'ioredis';
import { CannotRun } from './cannot-run.js';
import { migrate } from '../src/db/migrate.js';
import { createDatabaseOn, createTemplate, type TestDatabase } from '../tests/support/database.js';
import { startPostgres, type PostgresServer } from '../tests/support/postgres-server.js';
import { startRedis } from '../tests/support/redis-server.js';
import { waitFor } from '../tests/support/wait.js';

export type BenchDatabase = Pick<TestDatabase, 'url' | 'query' | 'drop'>;

export interface BenchServers {
  redisUrl: string;
  /** A new database with the tables of the mirror in schema `clerk`. */
  createDatabase: (name: string) => Promise<BenchDatabase>;
  /** Lets the servers finish what earlier runs left them to do, so that no run pays for another. */
  settle: () => Promise<void>;
  /** Empties Redis, and its file. */
  emptyRedis: () => Promise<void>;
  /** By name. */
  readVersions: () => Promise<Record<string, string>>;
  close: () => Promise<void>;
}

/** All that is not Postgres's own default. */
const POSTGRES_SETTINGS = {
  fsync: 'on', // its default, which the tests turn off
  shared_buffers: '1GB',
  max_wal_size: '8GB',
  max_connections: '300',
} as const;

/** Its own default for a server that has an append-only file. */
const REDIS_FLAGS = ['--appendfsync', 'everysec'];

/** In words, for the document. */
export const SETTINGS: Readonly<Record<string, string>> = {
  Postgres: `its defaults (fsync and synchronous_commit on), but ${Object.entries(POSTGRES_SETTINGS)
    .filter(([name]) => name !== 'fsync')
    .map(([name, value]) => `${name} ${value}`)
    .join(', ')}`,
  Redis: 'appendonly yes, appendfsync everysec, maxmemory-policy noeviction',
};

const REWRITE_PATIENCE_MS = 300_000;

/** @throws CannotRun with the cure where the machine has no Redis. */
export async function startServers(): Promise<BenchServers> {
  const server = await startRedis(REDIS_FLAGS);
  if (!server) {
    throw new CannotRun(
      'No redis-server or valkey-server was found. Install one: apt-get install redis-server, or brew install redis.',
    );
  }
  // Postgres has a guard of its own that stops it when we are gone.
  process.once('exit', () => void server.kill());
  const redis = new Redis(server.url, { maxRetriesPerRequest: null });
  const postgres = await startBenchPostgres();
  const template = await createTemplate(postgres.url);
  await migrate({ url: template, schema: 'clerk' });
  const settle = async () => {
    await postgres.query('CHECKPOINT');
    await waitFor('Redis to rewrite its file', () => isIdle(redis), REWRITE_PATIENCE_MS);
  };
  return {
    redisUrl: server.url,
    createDatabase: (name) =>
      createDatabaseOn(postgres.url, { name: name.replaceAll('-', '_'), migrated: true }),
    settle,
    emptyRedis: async () => {
      await redis.flushall();
      await redis.bgrewriteaof().catch(() => undefined); // refused while it rewrites already
      await settle();
    },
    readVersions: async () => ({
      ...(await readPostgresVersion(postgres)),
      ...(await readRedisVersion(redis)),
    }),
    close: async () => {
      redis.disconnect();
      await postgres.close();
      await server.stop();
    },
  };
}

/** A further one, for a scenario that stops it. Its own database is migrated. */
export function startBenchPostgres(): Promise<PostgresServer> {
  return startPostgres(POSTGRES_SETTINGS);
}

async function isIdle(redis: Redis): Promise<boolean> {
  return /^aof_rewrite_in_progress:0/m.test(await redis.info('persistence'));
}

async function readPostgresVersion({ query }: PostgresServer): Promise<Record<string, string>> {
  const [row] = await query<{ version: string }>(
    `SELECT current_setting('server_version') AS version`,
  );
  return { Postgres: row?.version ?? 'unknown' };
}

async function readRedisVersion(redis: Redis): Promise<Record<string, string>> {
  const info = await redis.info('server');
  const valkey = /^valkey_version:(\S+)/m.exec(info)?.[1];
  if (valkey) return { Valkey: valkey };
  return { Redis: /^redis_version:(\S+)/m.exec(info)?.[1] ?? 'unknown' };
}
