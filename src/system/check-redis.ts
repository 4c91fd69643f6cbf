/** Whether the Redis of REDIS_URL can hold the queue; asked before anything is started. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Config } from '../config.js';
import { messageOf, SyncError } from '../errors.js';
import { chooseBackend } from '../queue/backend.js';
import { type QueueTrouble } from '../queue/contract.js';
import { splitRedisUrls } from '../redis-urls.js';

const POLL_MS = 100;
const ANSWER_TIMEOUT_MS = 5_000;

/** @throws SyncError `queue.unavailable` with the cause and the cure. */
export async function checkRedis(
  config: Pick<Config, 'REDIS_URL' | 'REDIS_CLUSTER' | 'QUEUE_PREFIX'>,
): Promise<void> {
  const { REDIS_URL: redisUrl = '', REDIS_CLUSTER: isCluster, QUEUE_PREFIX: prefix } = config;
  let cause: unknown;
  const queue = chooseBackend({
    redisUrl,
    isCluster,
    databaseUrl: undefined,
    prefix,
    onError: (error) => (cause = error),
  }).openQueue();
  const deadline = Date.now() + ANSWER_TIMEOUT_MS;
  try {
    let trouble: QueueTrouble | undefined;
    while (trouble === undefined && Date.now() < deadline) {
      trouble = await queue.findTrouble().catch((error: unknown) => {
        cause ??= error;
        return undefined;
      });
      if (trouble === undefined) await sleep(POLL_MS);
    }
    const problem =
      trouble === undefined
        ? `it does not answer: ${messageOf(cause).replace(/\.$/, '')}.`
        : trouble.blocking;
    if (problem === null) return;
    const hosts = splitRedisUrls(redisUrl).map((url) => new URL(url).host);
    throw new SyncError(
      'queue.unavailable',
      `REDIS_URL: the Redis at ${hosts.join(', ')} cannot hold the queue: ${problem} Mend it, or correct REDIS_URL; unset, the queue lives in Postgres.`,
    );
  } finally {
    await queue.close().catch(() => undefined); // a connection that never was has nothing to close
  }
}
