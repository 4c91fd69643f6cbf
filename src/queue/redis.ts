/** The queue in Redis: what production uses. */
import { Queue, Worker } from 'bullmq';
import { type RedisOptions } from 'ioredis';
import {
  assertOneSlot,
  connectRedis,
  findServer,
  type RedisClient,
  type RedisPlace,
} from './connect-redis.js';
import { inspectRedis, readField } from './inspect-redis.js';
import { QUEUE_NAME } from './job.js';
import { measureQueue } from './measure.js';
import { SCHEDULE_WORKER, startSchedule } from './schedule.js';
import { type Backend, type OpenQueue, type QueueJobs, type QueueName } from './contract.js';
import { scanRedis } from './scan-jobs.js';

/** Together these fail fast and recover; each was left out once, and the queue hung or stayed broken. */
const PRODUCER_OPTIONS: RedisOptions = {
  enableOfflineQueue: false,
  maxRetriesPerRequest: 1,
  commandTimeout: 2_000,
  connectTimeout: 2_000,
  // A connection that was dropped without a word is given up; a timed-out command alone would leave it in use.
  socketTimeout: 4_000,
};
/** A worker waits for Redis for as long as it takes: no timeout may end its blocking reads. */
const WORKER_OPTIONS: RedisOptions = {
  maxRetriesPerRequest: null,
  connectTimeout: 2_000,
  // Above the ten seconds for which BullMQ blocks at most.
  socketTimeout: 20_000,
};

export interface RedisBackendOptions extends RedisPlace {
  prefix: string;
  onError: (error: Error) => void;
}

export function createRedisBackend({ prefix, onError, ...place }: RedisBackendOptions): Backend {
  const connect = (options: RedisOptions) => connectRedis(place, { options, onError });
  return {
    kind: 'redis',
    openQueue: <N extends QueueName>(name: QueueName = QUEUE_NAME) =>
      // The name tells what its jobs hold, to the compiler as well.
      openRedisQueue(connect(PRODUCER_OPTIONS), {
        name,
        prefix,
        onError,
      }) as unknown as OpenQueue<N>, // as above
    openSchedule({ name, everyMs, work }) {
      const connection = connect(WORKER_OPTIONS);
      return startSchedule({
        queue: new Queue(name, { connection, prefix }),
        worker: new Worker(name, work, { ...SCHEDULE_WORKER, connection, prefix }),
        everyMs,
        onError,
        disconnect: () => connection.disconnect(),
      });
    },
    openWorker(processor, { queueName = QUEUE_NAME, ...options }) {
      const client = connect(WORKER_OPTIONS);
      const worker = new Worker(queueName, processor, {
        ...options,
        connection: client,
        prefix,
      });
      worker.on('error', onError);
      return {
        worker,
        close: () => {
          client.disconnect();
        },
      };
    },
  };
}

function openRedisQueue(
  client: RedisClient,
  { name, prefix, onError }: Pick<RedisBackendOptions, 'prefix' | 'onError'> & { name: QueueName },
): OpenQueue<QueueName> {
  const queue = new Queue<QueueJobs[QueueName]>(name, {
    connection: client,
    prefix,
    skipVersionCheck: true,
    skipWaitingForReady: true,
  });
  queue.on('error', onError);
  const keys = ['meta', 'wait'].map((key) => queue.toKey(key));
  const find = () => findServer(client, queue.toKey('meta'));
  return {
    queue,
    async addKnowing(jobs) {
      // One connection answers in the order it was asked, so this was true before the jobs were added.
      const asking = client.pipeline();
      for (const { opts } of jobs) asking.exists(queue.toKey(opts.jobId));
      const asked = asking.exec();
      // While a cluster moves the queue to another node, the question may be asked there once more, after the jobs came.
      if (client.isCluster) await asked;
      const [known] = await Promise.all([asked, queue.addBulk([...jobs])]);
      return Promise.all(
        jobs.map(async ({ opts }, index) => {
          const [error, count] = known?.[index] ?? [new Error('Redis gave no answer.')];
          if (error) throw error;
          if (count === 0) return 'absent';
          return (await client.zscore(queue.toKey('failed'), opts.jobId)) === null
            ? 'present'
            : 'failed';
        }),
      );
    },
    async forgetStalls(id) {
      await client.hdel(queue.toKey(id), 'stc');
    },
    async findTrouble() {
      // INFO is answered a moment before the connection takes jobs: not ready is not ready.
      if (client.status !== 'ready') throw new Error(`not connected (${client.status})`);
      await assertOneSlot(client, keys);
      return readTrouble(await (await find()).info());
    },
    async measure() {
      const [measured, server] = await Promise.all([measureQueue(queue), find()]);
      const info = await server.info('persistence');
      return { ...measured, isPersistent: readField(info, 'aof_enabled') === '1' };
    },
    describe: () => inspectRedis(client, keys),
    scanJobs: () => scanRedis(client, queue),
    async close() {
      await queue.close();
      client.disconnect();
    },
  };
}

/** @param info Redis's INFO. An evicting policy drops jobs that were acknowledged; without an append-only file a crash does. */
function readTrouble(info: string): { blocking: string | null; warning: string | null } {
  const policy = readField(info, 'maxmemory_policy');
  return {
    blocking:
      policy === undefined || policy === 'noeviction'
        ? null
        : `Redis evicts keys when memory is short (maxmemory-policy ${policy}): set it to noeviction.`,
    warning:
      readField(info, 'aof_enabled') === '0'
        ? 'Redis keeps no append-only file: a crash loses events that were acknowledged. Set appendonly yes.'
        : null,
  };
}
