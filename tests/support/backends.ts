/** The two places a queue can live in. Every integration test of the queue runs on both. */
import { randomBytes } from 'node:crypto';
import { chooseBackend } from '../../src/queue/backend.js';
import { type Backend, type OpenQueue } from '../../src/queue/contract.js';
import { splitRedisUrls } from '../../src/redis-urls.js';
import { type TestDatabase } from './database.js';
import { waitFor } from './wait.js';

export type BackendKind = 'redis' | 'postgres';

/** Without a Redis only Postgres is left; `npm test` says so loudly, and fails under CI=true. */
export const BACKENDS: readonly BackendKind[] = process.env['TEST_REDIS_URL']
  ? ['redis', 'postgres']
  : ['postgres'];

export interface QueueSettings {
  REDIS_URL?: string;
  QUEUE_PREFIX: string;
}

/** The environment that puts a process's queue there, apart from everybody else's. */
export function queueSettings(
  kind: BackendKind,
  redisUrl = process.env['TEST_REDIS_URL'],
): QueueSettings {
  const QUEUE_PREFIX = `test-${randomBytes(6).toString('hex')}`;
  return kind === 'redis' && redisUrl ? { REDIS_URL: redisUrl, QUEUE_PREFIX } : { QUEUE_PREFIX };
}

export function openBackend(settings: QueueSettings, database: Pick<TestDatabase, 'url'>): Backend {
  return chooseBackend({
    redisUrl: settings.REDIS_URL,
    isCluster: splitRedisUrls(settings.REDIS_URL ?? '').length > 1,
    databaseUrl: database.url,
    prefix: settings.QUEUE_PREFIX,
    onError: () => undefined, // outages are caused on purpose
  });
}

/** A producer refuses instead of waiting while it is not connected yet. */
export async function waitForQueue(open: Pick<OpenQueue, 'findTrouble'>): Promise<void> {
  await waitFor('the queue to answer', () =>
    open.findTrouble().then(
      () => true,
      () => false,
    ),
  );
}
