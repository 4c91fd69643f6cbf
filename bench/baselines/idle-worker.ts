/** A BullMQ worker that does nothing with its jobs: what the queue alone costs. */
import { Worker } from 'bullmq';
import { Redis } from 'ioredis';

const { REDIS_URL = '', QUEUE_PREFIX = '' } = process.env;
const CONCURRENCY = 100;

const connection = new Redis(REDIS_URL, { maxRetriesPerRequest: null });
const worker = new Worker('clerk-webhooks', async () => undefined, {
  connection,
  prefix: QUEUE_PREFIX,
  concurrency: CONCURRENCY,
});

process.once('SIGTERM', () => {
  void worker.close().then(() => connection.disconnect());
});
await worker.waitUntilReady();
console.log(JSON.stringify({ ready: true }));
