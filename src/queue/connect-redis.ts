/** Connections to the Redis that holds the queue: to one server, or to a cluster by way of the nodes that REDIS_URL names. */
import { Cluster, Redis, type ClusterOptions, type RedisOptions } from 'ioredis';
import { splitRedisUrls } from '../redis-urls.js';

export type RedisClient = Redis | Cluster;

export interface RedisPlace {
  /** REDIS_URL. */
  url: string;
  isCluster: boolean;
}

export interface ConnectOptions {
  options: RedisOptions;
  onError: (error: Error) => void;
}

const LONGEST_RECONNECT_MS = 1_000;
const COMMON: RedisOptions = {
  keepAlive: 10_000,
  // What one turn of the event loop asks travels together (docs/decisions/0017-joined-writes.md).
  enableAutoPipelining: true,
};

export function connectRedis(
  { url, isCluster }: RedisPlace,
  { options, onError }: ConnectOptions,
): RedisClient {
  const client = isCluster
    ? openCluster(url, options)
    : new Redis(url, { ...options, ...COMMON, retryStrategy: delayReconnect, reconnectOnError });
  client.on('error', (error: Error) => onError(nameCause(error)));
  client.on('node error', onError); // a cluster's; what it makes of them all is an 'error'
  return client;
}

/**
 * The server that holds the queue, for what is asked of a server and not of a key: INFO, TIME, SCAN.
 * @param key of the queue. Rejects when no server that is connected holds it.
 */
export async function findServer(client: RedisClient, key: string): Promise<Redis> {
  if (client instanceof Redis) return client;
  const slot = await client.cluster('KEYSLOT', key);
  const name = client.slots[slot]?.[0];
  const server = client
    .nodes()
    .find((node) => `${node.options.host}:${node.options.port}` === name);
  if (!server) throw new Error('the node of the cluster that holds the queue is not connected');
  return server;
}

/** Rejects with cause and cure when the keys are not all of one server, and on the one that is asked. */
export async function assertOneSlot(client: RedisClient, keys: readonly string[]): Promise<void> {
  try {
    await client.exists(...keys);
  } catch (error) {
    const cause =
      error instanceof Error ? /^(CROSSSLOT|MOVED) /.exec(error.message)?.[1] : undefined;
    if (cause === undefined) throw error;
    throw new Error(MISPLACED[cause as keyof typeof MISPLACED], { cause: error }); // what was matched
  }
}

const MISPLACED = {
  CROSSSLOT:
    'it is a cluster, over which QUEUE_PREFIX spreads the queue. Set REDIS_CLUSTER=true, and a QUEUE_PREFIX in braces.',
  MOVED: 'it is one node of a cluster, and another holds the queue. Set REDIS_CLUSTER=true.',
};

function openCluster(url: string, options: RedisOptions): Cluster {
  const { enableOfflineQueue = true, ...redisOptions } = options;
  const nodes = splitRedisUrls(url).map((each) => new URL(each));
  const clusterOptions: ClusterOptions = {
    enableOfflineQueue,
    enableAutoPipelining: true,
    clusterRetryStrategy: delayReconnect,
    // Certificates are for names: the addresses that ioredis would look up first are not in them.
    dnsLookup: (name, found) => found(null, name),
    redisOptions: { ...redisOptions, ...COMMON, ...readCredentials(nodes[0]), reconnectOnError },
  };
  return new Cluster(
    nodes.map(({ hostname, port }) => ({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port || 6379),
    })),
    clusterOptions,
  );
}

/** Every node takes the same, those too that REDIS_URL does not name. */
function readCredentials(url: URL | undefined): RedisOptions {
  if (!url) return {};
  const { protocol, username, password } = url;
  return {
    ...(username && { username: decodeURIComponent(username) }),
    ...(password && { password: decodeURIComponent(password) }),
    ...(protocol === 'rediss:' && { tls: {} }),
  };
}

function delayReconnect(times: number): number {
  return Math.min(times * 50, LONGEST_RECONNECT_MS);
}

/** After a failover the old connection leads to what is a replica now, and would for as long as it stays open. */
function reconnectOnError({ message }: Error): boolean {
  return message.includes('READONLY');
}

/** ioredis says of a cluster only that none of its nodes could be asked. */
function nameCause(error: Error & { lastNodeError?: Error | null }): Error {
  const { lastNodeError } = error;
  return lastNodeError
    ? new Error(`${error.message} ${lastNodeError.message}`, { cause: error })
    : error;
}
