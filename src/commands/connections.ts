/** Opens what a command needs, makes sure that it answers, runs the work and closes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Config } from '../config.js';
import { openDatabase, type Database } from '../db/database.js';
import { classifyFault, describeFault } from '../db/faults.js';
import { probeDatabase } from '../db/probe.js';
import { isSyncError, messageOf, SyncError } from '../errors.js';
import { chooseBackend } from '../queue/backend.js';
import { type OpenQueue, type QueueName } from '../queue/contract.js';
import { type QUEUE_NAME } from '../queue/job.js';

/** One for the work, one for what is asked meanwhile. */
const CONNECTIONS = 5;
const PATIENCE_MS = 5_000;
const POLL_MS = 50;

const DATABASE_CURE =
  'Check DATABASE_URL (and DIRECT_DATABASE_URL, where it is set), and that the server runs.';

/**
 * @throws SyncError `database.unavailable` when the database cannot be used, with the cure; `work.failed` when it refuses the work;
 * what `work` itself throws on purpose.
 */
export async function withDatabase<T>(
  config: Config,
  work: (db: Database) => Promise<T>,
): Promise<T> {
  const db = openDatabase({
    url: config.DATABASE_URL ?? '',
    schema: config.DATABASE_SCHEMA,
    size: CONNECTIONS,
    lockTimeoutSeconds: config.DATABASE_LOCK_TIMEOUT,
    idleTimeoutSeconds: config.DATABASE_IDLE_TIMEOUT,
    onError: () => undefined, // the statement that is under way reports the lost connection itself
  });
  try {
    const trouble = await probeDatabase(db);
    if (trouble !== null) {
      throw new SyncError(
        'database.unavailable',
        `The database is not ready: ${trouble} ${DATABASE_CURE}`,
      );
    }
    return await work(db);
  } catch (error) {
    throw explainDatabaseFault(error);
  } finally {
    await db.close();
  }
}

/** @param name by default that of events. @throws SyncError `queue.unavailable` when the queue does not answer; what `work` throws. */
export async function withQueue<T, N extends QueueName = typeof QUEUE_NAME>(
  config: Config,
  work: (open: OpenQueue<N>) => Promise<T>,
  name?: N,
): Promise<T> {
  const open = chooseBackend({
    redisUrl: config.REDIS_URL,
    isCluster: config.REDIS_CLUSTER,
    databaseUrl: config.DIRECT_DATABASE_URL ?? config.DATABASE_URL,
    prefix: config.QUEUE_PREFIX,
    onError: () => undefined, // `waitForQueue` says it, once
  }).openQueue<N>(name);
  try {
    await waitForQueue(open, config);
    return await work(open);
  } finally {
    await open.close();
  }
}

/** A database error in words for a person; anything else unchanged. Never quotes a row. */
export function explainDatabaseFault(error: unknown): unknown {
  const fault = isSyncError(error) ? undefined : classifyFault(error);
  if (fault === undefined) return error;
  if (fault === 'outage') {
    return new SyncError(
      'database.unavailable',
      `The database cannot be reached: ${describeFault(error)} ${DATABASE_CURE}`,
    );
  }
  return new SyncError('work.failed', `The database refused: ${describeFault(error)}`);
}

/** A queue that was just opened refuses until it is connected. */
async function waitForQueue(open: Pick<OpenQueue, 'findTrouble'>, config: Config): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      await open.findTrouble();
      return;
    } catch (error) {
      if (Date.now() >= deadline) {
        const place = config.REDIS_URL ? 'REDIS_URL' : 'DATABASE_URL';
        throw new SyncError(
          'queue.unavailable',
          `The queue does not answer: ${messageOf(error)}. Check ${place}, and that the server runs.`,
        );
      }
      await sleep(POLL_MS);
    }
  }
}
