/** Makes sure that the key is of the instance whose mirror this database is: two instances in one mirror cannot be told apart again. */
import { type ClerkApi } from '../clerk/backend-api.js';
import { SAMPLE_INSTANCE_ID } from '../clerk/samples/index.js';
import { type Statements } from '../db/database.js';
import { SyncError } from '../errors.js';

/** Enough to see which instance has been sending; events of another one may be among them, as ignored. */
const NEWEST_EVENTS = 1_000;

/**
 * @param expected CLERK_INSTANCE_ID, where it is set.
 * @returns the instance's id.
 * @throws SyncError `instance.mismatch` when the key is of another instance than `expected`, or than the ledger's events.
 */
export async function readOwnInstance(
  api: ClerkApi,
  db: Statements,
  expected: string | undefined,
): Promise<string> {
  const { id } = await api.readInstance();
  if (expected !== undefined && expected !== id) {
    throw mismatch(id, `CLERK_INSTANCE_ID names ${expected}`);
  }
  const known = await listKnownInstances(db);
  if (expected === undefined && known.length > 0 && !known.includes(id)) {
    throw mismatch(id, `this database mirrors ${known.join(', ')}`);
  }
  return id;
}

function mismatch(id: string, contrast: string): SyncError {
  return new SyncError(
    'instance.mismatch',
    `CLERK_SECRET_KEY is of the Clerk instance ${id}, and ${contrast}. Use the key of the same instance, or a database of its own for each.`,
  );
}

async function listKnownInstances(db: Statements): Promise<string[]> {
  const rows = await db.query<{ instance_id: string }>(
    `SELECT DISTINCT instance_id FROM (
       SELECT instance_id, outcome FROM ${db.table('webhook_events')} ORDER BY processed_at DESC LIMIT $1
     ) AS newest WHERE instance_id IS NOT NULL AND outcome <> 'ignored'
     UNION SELECT instance_id FROM ${db.table('sync_runs')}`,
    NEWEST_EVENTS,
  );
  // Whoever has tried `npm run send` may still connect an instance of their own.
  return rows.map((row) => row.instance_id).filter((id) => id !== SAMPLE_INSTANCE_ID);
}
