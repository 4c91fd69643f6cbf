/** One queue under measurement: what is in it, and what Redis knows of the jobs that were done. Nothing here is between worker and Redis. */
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { messageOf } from '../src/errors.js';
import { QUEUE_NAME } from '../src/queue/job.js';
import { waitFor } from '../tests/support/wait.js';

export interface BenchQueue {
  queue: Queue;
  /** What a worker of ours, or of a baseline, is told of it. */
  settings: { REDIS_URL: string; QUEUE_PREFIX: string };
  /** Jobs that wait or are in the hands of a worker. */
  countPending: () => Promise<number>;
  countFailed: () => Promise<number>;
  /** No job is taken until `work` is over: workers start together, and the first job is theirs only then. */
  whilePaused: <T>(work: () => Promise<T>) => Promise<T>;
  /** Jobs completed since then, by id, each with when the worker told Redis so, in ms since 1970. Redis keeps the last 100,000 of ours. */
  readFinished: (sinceMs: number) => Promise<Map<string, number>>;
  /** Resolves once Redis writes nothing to disk but what it is told: no rewriting of its file falls into a run. */
  settle: () => Promise<void>;
  /** Takes everything out of Redis that is of this queue. */
  clear: () => Promise<void>;
  close: () => Promise<void>;
}

/** A file that has grown this much is rewritten before a run; Redis itself does so when it has doubled. */
const GROWTH_BEFORE_REWRITE = 1.3;
const REWRITE_PATIENCE_MS = 300_000;
const PAGE_SIZE = 1_000;

export function openBenchQueue(redisUrl: string, prefix: string): BenchQueue {
  const client = new Redis(redisUrl);
  const queue = new Queue(QUEUE_NAME, { connection: client, prefix });
  // When Redis is gone, the command that is under way says so, after a few tries.
  for (const emitter of [client, queue]) emitter.on('error', () => undefined);
  return {
    queue,
    settings: { REDIS_URL: redisUrl, QUEUE_PREFIX: prefix },
    countPending: async () => {
      const [waiting, active] = await Promise.all([
        client.llen(queue.toKey('wait')),
        client.llen(queue.toKey('active')),
      ]);
      return waiting + active;
    },
    countFailed: () => client.zcard(queue.toKey('failed')),
    whilePaused: async (work) => {
      await queue.pause();
      return work().finally(() => queue.resume());
    },
    readFinished: async (sinceMs) => {
      const found = await client.zrangebyscore(
        queue.toKey('completed'),
        sinceMs,
        '+inf',
        'WITHSCORES',
      );
      return new Map(pairUp(found).map(([id, score]) => [id, Number(score)]));
    },
    settle: () => settle(client),
    clear: () => unlinkAll(client, `${prefix}:*`),
    close: async () => {
      await queue.close();
      client.disconnect();
    },
  };
}

async function settle(client: Redis): Promise<void> {
  const isCalm = async () => {
    const state = await readPersistence(client);
    return state['aof_rewrite_in_progress'] === '0' && state['aof_rewrite_scheduled'] === '0';
  };
  await waitFor('Redis to have rewritten its file', isCalm, REWRITE_PATIENCE_MS);
  const { aof_current_size: now, aof_base_size: base } = await readPersistence(client);
  if (Number(now) < Number(base) * GROWTH_BEFORE_REWRITE) return;
  // Redis may have begun by itself meanwhile, and refuses to do it twice; it is the same to us.
  await client.bgrewriteaof().catch((error: unknown) => {
    if (!messageOf(error).includes('already in progress')) throw error;
  });
  await waitFor('Redis to have rewritten its file', isCalm, REWRITE_PATIENCE_MS);
}

async function readPersistence(client: Redis): Promise<Record<string, string>> {
  const lines = (await client.info('persistence')).split('\r\n');
  return Object.fromEntries(
    lines.filter((line) => line.includes(':')).map((line) => line.split(':') as [string, string]), // one colon a line
  );
}

async function unlinkAll(client: Redis, pattern: string): Promise<void> {
  let cursor = '0';
  do {
    const [next, keys] = await client.scan(cursor, 'MATCH', pattern, 'COUNT', PAGE_SIZE);
    if (keys.length > 0) await client.unlink(keys);
    cursor = next;
  } while (cursor !== '0');
}

/** What Redis answers WITHSCORES: a member, its score, the next member. */
function pairUp(list: readonly string[]): [string, string][] {
  return Array.from({ length: list.length / 2 }, (_, index) => [
    list[index * 2] ?? '',
    list[index * 2 + 1] ?? '',
  ]);
}
