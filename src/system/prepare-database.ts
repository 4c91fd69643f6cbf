/** Brings the database up to this program before anything uses it. */
import { type Config } from '../config.js';
import { classifyFault, describeFault } from '../db/faults.js';
import { migrate } from '../db/migrate.js';
import { isSyncError, messageOf, SyncError } from '../errors.js';
import { migrateQueue } from '../queue/migrate.js';

/** @throws SyncError `database.unavailable` that names the variable to look at, `work.failed` for a migration that fails. */
export async function prepareDatabase(databaseUrl: string, config: Config): Promise<void> {
  const url = config.DIRECT_DATABASE_URL ?? databaseUrl;
  try {
    await migrate({ url, schema: config.DATABASE_SCHEMA });
    if (!config.REDIS_URL) await migrateQueue({ databaseUrl: url });
  } catch (error) {
    if (isSyncError(error)) throw error;
    const cause = explainUnreachable(error);
    if (cause === undefined) {
      throw new SyncError('work.failed', `The migration failed: ${messageOf(error)}`);
    }
    const name = config.DIRECT_DATABASE_URL ? 'DIRECT_DATABASE_URL' : 'DATABASE_URL';
    throw new SyncError(
      'database.unavailable',
      `${name}: the database at ${new URL(url).host} cannot be used: ${cause}. Start it, or correct ${name}; unset, clerk-sync brings a Postgres of its own.`,
    );
  }
}

/** Undefined when the database was reached, and something else went wrong. */
function explainUnreachable(error: unknown): string | undefined {
  // pg's words for it are about its own arguments.
  if (messageOf(error).startsWith('SASL: ')) return 'it asks for a password, and the URL has none';
  return classifyFault(error) === 'outage' ? describeFault(error) : undefined;
}
