/** What can be found out about the Redis that holds the queue. Reads only. */
import { RedisConnection } from 'bullmq';
import { compareClock } from '../clock.js';
import { assertOneSlot, findServer, type RedisClient } from './connect-redis.js';
import { type RedisStore } from './contract.js';

/**
 * Waits until `client` is connected. Rejects with the cause when it cannot be.
 * @param keys of the queue; of a cluster, the node that holds them is inspected.
 */
export async function inspectRedis(
  client: RedisClient,
  keys: readonly string[],
): Promise<RedisStore> {
  await waitUntilReady(client);
  await assertOneSlot(client, keys);
  const server = await findServer(client, keys[0] ?? '');
  const clock = await compareClock(async () => toMilliseconds(await server.time()));
  return { kind: 'redis', clock, ...readStore(await server.info()) };
}

/** @param info what INFO answers. Stores that are like Redis leave fields out. */
export function readStore(info: string): Omit<RedisStore, 'kind' | 'clock'> {
  const read = (name: string) => readField(info, name);
  const named = PRODUCTS.find(({ field }) => read(field) !== undefined);
  return {
    product: named?.product ?? 'Redis',
    version: read(named?.field ?? 'redis_version') ?? 'unknown',
    // BullMQ asks these of Redis alone; the others count their versions differently.
    minimumVersion: named ? null : RedisConnection.minimumVersion,
    recommendedVersion: named ? null : RedisConnection.recommendedMinimumVersion,
    evictionPolicy: read('maxmemory_policy') ?? 'noeviction',
    isPersistent: read('aof_enabled') !== '0',
    hasWriteFailed: [read('aof_last_write_status'), read('rdb_last_bgsave_status')].includes('err'),
    usedBytes: Number(read('used_memory') ?? 0),
    maxBytes: Number(read('maxmemory') ?? 0) || null,
    isReplica: read('role') === 'slave',
  };
}

export function readField(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1]?.trim();
}

/** They have a `redis_version`, too: the version of Redis that they are like. */
const PRODUCTS = [
  { product: 'Valkey', field: 'valkey_version' },
  { product: 'Dragonfly', field: 'dragonfly_version' },
] as const;

function waitUntilReady(client: RedisClient): Promise<void> {
  if (client.status === 'ready') return Promise.resolve();
  return new Promise((resolve, reject) => {
    client.once('ready', resolve);
    client.once('error', reject);
    client.once('end', () => reject(new Error('The connection was closed.')));
  });
}

/** @param time what TIME answers. */
function toMilliseconds([seconds, microseconds]: readonly number[]): number {
  return Number(seconds) * 1000 + Number(microseconds) / 1000;
}
