/** What a transaction pooler says to a connection that is to have a session of its own. */
import { messageOf, SyncError } from './errors.js';

/** PgBouncer's and Neon's words: our schema goes along as a setting of the session, which they do not pass on. */
const REFUSAL = 'unsupported startup parameter';

/** @returns SyncError `database.unavailable` with the cure; any other error as it is. */
export function nameTransactionPooler(error: unknown): unknown {
  if (!messageOf(error).includes(REFUSAL)) return error;
  return new SyncError(
    'database.unavailable',
    'It is a transaction pooler, and what is asked of it needs a session. Set DIRECT_DATABASE_URL to the address of the database itself.',
    { cause: error },
  );
}
