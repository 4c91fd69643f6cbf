/** The reconcile that a worker runs by itself, every RECONCILE_EVERY. The same as the command, with its default cap on deletions. */
import { createClerkApi } from '../clerk/backend-api.js';
import { type Config } from '../config.js';
import { type Database } from '../db/database.js';
import { type Logger } from '../logger.js';
import { type Apply } from '../projections/apply.js';
import { createForesight } from '../projections/foresee.js';
import { toPolicy } from '../projections/policy.js';
import { countDrift } from './drift.js';
import { FETCHED_ENTITIES } from './fetched-delivery.js';
import { readOwnInstance } from './instance.js';
import { MAX_DELETED_SHARE, runReconcile } from './reconcile.js';

export interface ScheduledOptions {
  config: Config;
  db: Database;
  apply: Apply;
  logger: Logger;
  /** Ends a run that is under way. */
  signal: AbortSignal;
}

/** @returns the work of one time. Rejects when it could not be done; the log says why. */
export function createScheduledReconcile({
  config,
  db,
  apply,
  logger,
  signal,
}: ScheduledOptions): () => Promise<void> {
  const api = createClerkApi({
    secretKey: config.CLERK_SECRET_KEY ?? '',
    apiUrl: config.CLERK_API_URL,
    signal,
  });
  const policy = toPolicy(config);
  return async () => {
    try {
      const found = await runReconcile({
        api,
        db,
        apply,
        openForesight: () => createForesight(db, policy),
        entities: FETCHED_ENTITIES.filter(
          (entity) => !config.SYNC_ENTITIES || config.SYNC_ENTITIES.includes(entity),
        ),
        instanceId: await readOwnInstance(api, db, config.CLERK_INSTANCE_ID),
        redaction: { storePrivateMetadata: config.STORE_PRIVATE_METADATA },
        maxDeletedShare: MAX_DELETED_SHARE,
        onProgress: () => undefined,
      });
      const drift = Object.values(found).reduce((sum, one) => sum + countDrift(one), 0);
      logger[drift > 0 ? 'warn' : 'info']({ drift, found }, 'reconciled with Clerk');
    } catch (error) {
      logger.error({ err: error }, 'reconcile failed; the next one comes in its time');
      throw error;
    }
  };
}
