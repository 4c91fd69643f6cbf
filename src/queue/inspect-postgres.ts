/** What can be found out about the Postgres that holds the queue. Reads only. */
import { LATEST_SCHEMA_VERSION } from 'bullmq';
import { type Pool } from 'pg';
import { compareClock } from '../clock.js';
import { type PostgresStore } from './contract.js';

/** Rejects with the cause when it cannot be reached. */
export async function inspectPostgres(pool: Pool): Promise<PostgresStore> {
  const clock = await compareClock(async () => {
    const { rows } = await pool.query<{ ms: number }>(
      'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS ms',
    );
    return rows[0]?.ms ?? NaN;
  });
  const version = await readSchemaVersion(pool);
  const schema =
    version === null ? 'missing' : version < LATEST_SCHEMA_VERSION ? 'behind' : 'current';
  return { kind: 'postgres', clock, schema };
}

/** BullMQ numbers its migrations. Null: none was ever applied. */
async function readSchemaVersion(pool: Pool): Promise<number | null> {
  const found = await pool.query<{ table: string | null }>(
    `SELECT to_regclass('migration')::text AS table`,
  );
  if (!found.rows[0]?.table) return null;
  const { rows } = await pool.query<{ version: number | null }>(
    'SELECT max(version) AS version FROM migration',
  );
  return rows[0]?.version ?? null;
}
