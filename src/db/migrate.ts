/** Brings our schema up to the migrations folder, under the same advisory lock that Prisma's own `migrate deploy` takes. */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Pool } from 'pg';
import { SyncError } from '../errors.js';
import { nameTransactionPooler } from '../pooler.js';
import {
  applyMigrations,
  diagnoseMigrations,
  type MigrationState,
  type MigrationTarget,
} from './schema-engine.js';

/** Prisma's own key: a `prisma migrate deploy` beside us waits for us, and we for it. */
const MIGRATION_LOCK_KEY = 72_707_369;
const LOCK_TIMEOUT_MS = 60_000;

export const MIGRATIONS_DIRECTORY = path.join(
  path.dirname(fileURLToPath(import.meta.url)),
  '../../prisma/migrations',
);

export interface MigrateOptions {
  /** A direct connection: advisory locks belong to a session, which a transaction pooler does not keep. */
  url: string;
  schema: string;
}

/**
 * Creates the schema when missing and applies pending migrations, each once, however many migrate at the same time.
 * @returns the names applied.
 * @throws SyncError `work.failed` when an earlier migration failed half-way or the database is newer than this program.
 */
export async function migrate({ url, schema }: MigrateOptions): Promise<string[]> {
  return withSingleConnection(url, schema, async (pool) => {
    const target = { pool, schema, directory: MIGRATIONS_DIRECTORY };
    await pool.query(`SET lock_timeout = ${LOCK_TIMEOUT_MS}`);
    await pool.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK_KEY]);
    await createSchema(pool, schema);
    await assertSound(target);
    return applyMigrations(target);
  });
}

/** What `migrate` would find; does not wait for the lock. */
export async function readMigrationState({ url, schema }: MigrateOptions): Promise<MigrationState> {
  return withSingleConnection(url, schema, (pool) =>
    diagnoseMigrations({ pool, schema, directory: MIGRATIONS_DIRECTORY }),
  );
}

/** One connection, so that the session lock is held by the session that the engine uses. Ending it releases the lock. */
async function withSingleConnection<T>(
  url: string,
  schema: string,
  work: (pool: Pool) => Promise<T>,
): Promise<T> {
  const pool = new Pool({
    connectionString: url,
    max: 1,
    idleTimeoutMillis: 0,
    connectionTimeoutMillis: 10_000,
    options: `-c search_path="${schema}"`,
    application_name: 'clerk-sync migrate',
  });
  pool.on('error', () => {
    // The statement that is under way reports the lost connection itself.
  });
  try {
    return await work(pool);
  } catch (error) {
    throw nameTransactionPooler(error);
  } finally {
    await pool.end();
  }
}

/** Plain IF NOT EXISTS needs the right to create even when there is nothing to create. */
async function createSchema(pool: Pool, schema: string): Promise<void> {
  const { rowCount } = await pool.query('SELECT 1 FROM pg_namespace WHERE nspname = $1', [schema]);
  if (rowCount === 0) await pool.query(`CREATE SCHEMA IF NOT EXISTS "${schema}"`);
}

async function assertSound(target: MigrationTarget): Promise<void> {
  const state = await diagnoseMigrations(target);
  if (state.failed.length > 0) {
    throw new SyncError(
      'work.failed',
      `The migration ${state.failed.join(', ')} failed half-way. Look at its rows in _prisma_migrations, put right what it left, and mark it with \`prisma migrate resolve\`.`,
    );
  }
  if (state.unknown.length > 0) {
    throw new SyncError(
      'work.failed',
      `The database has migrations that this program does not know (${state.unknown.join(', ')}): it is older than the database. Deploy the newer one.`,
    );
  }
}
