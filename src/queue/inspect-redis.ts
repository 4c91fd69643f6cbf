/** What can be found out about the Redis that holds the queue. Reads only. */
import { RedisConnection } from 'bullmq';
import { type Redis } from 'ioredis';
import { compareClock } from '../clock.js';
import { type RedisStore } from './contract.js';

/** Waits until `client` is connected. Rejects with the cause when it cannot be. */
export async function inspectRedis(client: Redis): Promise<RedisStore> {
  await waitUntilReady(client);
  const clock = await compareClock(async () => toMilliseconds(await client.time()));
  return { kind: 'redis', clock, ...readStore(await client.info()) };
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
    isCluster: read('redis_mode') === 'cluster',
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

function waitUntilReady(client: Redis): Promise<void> {
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
