/** A private Redis Cluster: three masters, and a replica for the one that holds the slot of a key. */
import { Redis } from 'ioredis';
import { findFreePort } from './ports.js';
import { startRedis, type RedisServer } from './redis-server.js';
import { waitFor } from './wait.js';

export interface RedisCluster {
  /** Of the masters, as REDIS_URL takes them. */
  url: string;
  /** That holds the key's slot, with a replica that takes over when it dies. */
  holder: RedisServer;
  /** Masters that do not. */
  others: RedisServer[];
  /** Resolves when the replica has all that the holder was told. */
  waitForReplica: () => Promise<void>;
  stop: () => Promise<void>;
}

const SLOTS = 16_384;
const MASTERS = 3;

/** Undefined when the machine has no Redis. */
export async function startRedisCluster(key: string): Promise<RedisCluster | undefined> {
  const servers: RedisServer[] = [];
  for (let n = 0; n <= MASTERS; n++) {
    const server = await startNode();
    if (!server) return undefined;
    servers.push(server);
  }
  const clients = servers.map(({ url }) => new Redis(url, { retryStrategy: () => null }));
  await introduce(clients);
  const slot = Number(await clients[0]?.cluster('KEYSLOT', key));
  const place = Math.floor(slot / sliceOf(1));
  const [holder, replica] = [servers[place], clients[MASTERS]];
  const [master] = clients.slice(place);
  if (!holder || !replica || !master) throw new Error('unreachable'); // four were started
  const id = await master.cluster('MYID');
  await waitFor('the replica to follow', () =>
    replica.cluster('REPLICATE', id).then(
      () => true,
      () => false, // it does not know the master yet
    ),
  );
  await waitFor('the cluster to agree', async () => {
    const states = await Promise.all(clients.map((client) => client.cluster('INFO')));
    const followers = /^slave0:.*state=online/m.test(await master.info('replication'));
    return followers && states.every((state) => /^cluster_state:ok/m.test(state));
  });
  return {
    url: servers
      .slice(0, MASTERS)
      .map(({ url }) => url)
      .join(','),
    holder,
    others: servers.filter((server, n) => n < MASTERS && server !== holder),
    waitForReplica: async () => {
      await waitFor('the replica to be level', async () => {
        const info = await master.info('replication');
        const read = (pattern: RegExp) => pattern.exec(info)?.[1];
        return read(/^slave0:.*offset=(\d+)/m) === read(/^master_repl_offset:(\d+)/m);
      });
    },
    stop: async () => {
      for (const client of clients) if (client.status !== 'end') client.disconnect();
      await Promise.all(servers.map(({ stop }) => stop()));
    },
  };
}

async function startNode(): Promise<RedisServer | undefined> {
  const flags = {
    'cluster-enabled': 'yes',
    'cluster-config-file': 'nodes.conf',
    'cluster-node-timeout': '1000',
    'repl-diskless-sync-delay': '0',
    // Else it is ten thousand above the other, which may be none.
    'cluster-port': await findFreePort(),
  };
  return startRedis(Object.entries(flags).flatMap(([name, value]) => [`--${name}`, `${value}`]));
}

/** The masters share the slots, and every node meets every other: by gossip alone it takes seconds longer. */
async function introduce(clients: readonly Redis[]): Promise<void> {
  for (const [n, client] of clients.entries()) {
    client.on('error', () => undefined); // a test that kills a node breaks our connections as well
    await client.call('CLUSTER', 'SET-CONFIG-EPOCH', n + 1);
    if (n < MASTERS) {
      await client.call('CLUSTER', 'ADDSLOTSRANGE', sliceOf(n), sliceOf(n + 1) - 1);
    }
  }
  for (const client of clients) {
    const { host = '', port = 0 } = client.options;
    const [, bus = ''] = (await client.config('GET', 'cluster-port')) as string[]; // name and value
    for (const other of clients) {
      if (other !== client) await other.call('CLUSTER', 'MEET', host, port, bus);
    }
  }
}

function sliceOf(n: number): number {
  return Math.min(SLOTS, n * Math.ceil(SLOTS / MASTERS));
}
