/** What tutorials have as a worker: `prisma.user.upsert` for each job. No ledger, no versions; the last one to write wins. */
import { PrismaPg } from '@prisma/adapter-pg';
import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { PrismaClient } from '../../src/db/generated/client.js';
import { toUserRow, type ClerkUser } from './to-user-row.js';

const { REDIS_URL = '', DATABASE_URL = '', QUEUE_PREFIX = '', COLUMNS } = process.env;
const columns = COLUMNS === 'few' ? 'few' : 'all';
const CONCURRENCY = 100;

const prisma = new PrismaClient({
  adapter: new PrismaPg({ connectionString: DATABASE_URL }, { schema: 'clerk' }),
});
const connection = new Redis(REDIS_URL, { maxRetriesPerRequest: null });
const worker = new Worker<{ data: ClerkUser }>(
  'clerk-webhooks',
  async ({ data: event }) => {
    const row = toUserRow(event.data, columns);
    await prisma.user.upsert({ where: { id: row.id }, create: row, update: row });
  },
  { connection, prefix: QUEUE_PREFIX, concurrency: CONCURRENCY },
);

process.once('SIGTERM', () => {
  void worker
    .close()
    .then(() => prisma.$disconnect())
    .then(() => connection.disconnect());
});
await worker.waitUntilReady();
console.log(JSON.stringify({ ready: true }));
