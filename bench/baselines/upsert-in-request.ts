/** What tutorials have as the whole: Express, svix, and `prisma.user.upsert` before the answer. Clerk waits for the database. */
import { PrismaPg } from '@prisma/adapter-pg';
import { PrismaClient } from '../../src/db/generated/client.js';
import { receiveEvents } from './receive-events.js';
import { toUserRow } from './to-user-row.js';

const { COLUMNS, DATABASE_URL = '', CLERK_WEBHOOK_SIGNING_SECRET = '' } = process.env;

const prisma = new PrismaClient({
  adapter: new PrismaPg({ connectionString: DATABASE_URL }, { schema: 'clerk' }),
});
await prisma.$connect();

receiveEvents(CLERK_WEBHOOK_SIGNING_SECRET, (event) => {
  const row = toUserRow(event.data, COLUMNS === 'few' ? 'few' : 'all');
  return prisma.user.upsert({ where: { id: row.id }, create: row, update: row });
});
