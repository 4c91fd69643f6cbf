/** A job that somebody else's lock keeps waiting is handed back, and whoever holds it again keeps its own lock on it. */
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { SyncError } from '../../src/errors.js';
import { openConsumer, type Consumer, type Result } from '../../src/queue/consumer.js';
import { type OpenQueue } from '../../src/queue/contract.js';
import { toJob } from '../../src/queue/job.js';
import { openBackend, queueSettings, waitForQueue } from '../support/backends.js';
import { UNWATCHED_QUEUE } from '../support/observers.js';
import { waitFor } from '../support/wait.js';

const RETENTION = {
  attempts: 3,
  completedAgeSeconds: 60,
  completedCount: 100,
  failedAgeSeconds: 60,
};
const IDS = Array.from({ length: 30 }, (_, index) => `msg_contended${index}`);

const redisUrl = process.env['TEST_REDIS_URL'] ?? '';
let queue: OpenQueue;
let consumer: Consumer;
let redis: Redis;
let stalls = 0;
const tries = new Map<string, number>();
let release = () => {};
const released = new Promise<void>((resolve) => (release = resolve));

/** The first try of each loses against a lock; the second takes as long as the test wants. */
async function contend(id: string): Promise<Result> {
  const count = (tries.get(id) ?? 0) + 1;
  tries.set(id, count);
  if (count > 1) await released;
  const error = new SyncError('database.contended', 'Somebody holds a lock.');
  return count > 1
    ? { outcome: 'applied', repeated: false, reason: null }
    : { outcome: 'retry', repeated: false, reason: null, error };
}

// The queue in Postgres renews the locks of whatever a worker holds by the same code, and shows less of them.
(redisUrl ? describe : describe.skip)('on Redis', () => {
  const settings = queueSettings('redis');
  const keyOf = (id: string) => `${settings.QUEUE_PREFIX}:clerk-webhooks:${id}:lock`;

  /** When each lock runs out, by this machine's clock. @throws when one has. */
  const readExpiries = () =>
    Promise.all(
      IDS.map(async (id) => {
        const left = await redis.pttl(keyOf(id));
        if (left < 0) throw new Error(`The lock of ${id} ran out.`);
        return Date.now() + left;
      }),
    );

  beforeAll(async () => {
    redis = new Redis(redisUrl);
    const backend = openBackend(settings, { url: '' });
    queue = backend.openQueue();
    await waitForQueue(queue);
    consumer = openConsumer({
      backend,
      concurrency: 100,
      batchSize: 100,
      stalledLimit: 50,
      apply: (deliveries) => Promise.all(deliveries.map(({ id }) => contend(id))),
      onDeadLetter: () => Promise.resolve(),
      observe: { ...UNWATCHED_QUEUE, stall: () => stalls++ },
      logger: pino({ level: 'silent' }),
    });
  });
  afterAll(async () => {
    release();
    await consumer.close();
    await queue.close();
    redis.disconnect();
  });

  test('each lock is renewed while the second try runs, and no attempt is used up', async () => {
    await queue.queue.addBulk(
      IDS.map((id) => toJob({ id, body: '{}', receivedAt: Date.now() }, 'user.updated', RETENTION)),
    );
    await waitFor('all second tries', () => IDS.every((id) => tries.get(id) === 2));
    const before = await readExpiries();
    await waitFor('each lock to be renewed', async () => {
      const now = await readExpiries();
      return now.every((until, index) => until > (before[index] ?? 0) + 1_000);
    });
    release();
    await waitFor('all to be done', async () => {
      return (await queue.queue.getCompletedCount()) === IDS.length;
    });
    const jobs = await queue.queue.getJobs(['completed']);
    expect(jobs.map(({ attemptsMade }) => attemptsMade)).toEqual(IDS.map(() => 1));
    expect([stalls, Math.max(...tries.values())]).toEqual([0, 2]);
  }, 40_000);
});
