/** Does the database answer, and are our tables there? */
import { type Database } from './database.js';
import { classifyFault, describeFault } from './faults.js';
import { TABLES } from './tables.js';

/** @returns null when all is well, else what is wrong, fit to be shown. */
export async function probeDatabase(db: Database): Promise<string | null> {
  const names = [...Object.keys(TABLES), 'webhook_events', 'entity_versions'];
  try {
    await db.prisma.$queryRawUnsafe(
      `SELECT 1 WHERE EXISTS (SELECT 1 FROM ${names.map((name) => db.table(name)).join(', ')} LIMIT 0)`,
    );
    return null;
  } catch (error) {
    const cure = classifyFault(error) === 'structure' ? ' Run `npm run migrate`.' : '';
    return `${describeFault(error)}${cure}`;
  }
}

/** For readiness: null when the database answers and is migrated. */
export function createDatabaseCheck(db: Database): () => Promise<string | null> {
  return async () => {
    const trouble = await probeDatabase(db);
    return trouble === null ? null : `The database is not ready: ${trouble}`;
  };
}
