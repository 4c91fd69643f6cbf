/** What a command needs that asks Clerk and writes what it says. */
import { readOwnInstance } from '../backfill/instance.js';
import { createClerkApi, type ClerkApi } from '../clerk/backend-api.js';
import { readConfig, type Config } from '../config.js';
import { type Database } from '../db/database.js';
import { type TableName } from '../db/tables.js';
import { createLogger } from '../logger.js';
import { createApply, type Apply, type Outbox } from '../projections/apply.js';
import { createForesight, type Foresee } from '../projections/foresee.js';
import { toBounds, toPolicy } from '../projections/policy.js';
import { type RedactionPolicy } from '../redaction.js';
import { type CommandContext } from './command.js';
import { withDatabase } from './connections.js';

export interface ClerkConnections {
  config: Config;
  api: ClerkApi;
  db: Database;
  apply: Apply;
  openForesight: () => Foresee;
  instanceId: string;
  redaction: RedactionPolicy;
  /** SYNC_ENTITIES names it, or names none. */
  isMirrored: (table: TableName) => boolean;
}

/**
 * @param outbox where what is applied starts handlers.
 * @throws SyncError `config.invalid` without CLERK_SECRET_KEY or DATABASE_URL; `instance.mismatch` when the key is of another Clerk
 * instance; `clerk.…`; `database.unavailable`.
 */
export async function withClerk<T>(
  { environment, writeProgress }: CommandContext,
  work: (connections: ClerkConnections) => Promise<T>,
  outbox?: Outbox,
): Promise<T> {
  const config = readConfig(environment, ['database', 'clerk']);
  const api = createClerkApi({
    secretKey: config.CLERK_SECRET_KEY ?? '',
    apiUrl: config.CLERK_API_URL,
  });
  return withDatabase(config, async (db) => {
    const policy = toPolicy(config);
    const apply = createApply({
      db,
      policy,
      bounds: toBounds(config),
      // What became of each object is counted by the command itself.
      logger: createLogger('command', { level: 'silent', format: 'json' }),
      report: {
        settled: () => undefined,
        batch: () => undefined,
        fault: (fault) => writeProgress(`the database (${fault}): trying again\n`),
      },
      signal: new AbortController().signal,
      ...(outbox && { outbox }),
    });
    return work({
      config,
      api,
      db,
      apply,
      openForesight: () => createForesight(db, policy),
      instanceId: await readOwnInstance(api, db, config.CLERK_INSTANCE_ID),
      redaction: { storePrivateMetadata: config.STORE_PRIVATE_METADATA },
      isMirrored: (table) => !config.SYNC_ENTITIES || config.SYNC_ENTITIES.includes(table),
    });
  });
}
