/** What tutorials have to fetch the users that are there already: page after page by offset, `prisma.user.upsert` for each. */
import { createClerkClient } from '@clerk/backend';
import { PrismaPg } from '@prisma/adapter-pg';
import { PrismaClient } from '../../src/db/generated/client.js';
import { toUserRow, type ClerkUser } from './to-user-row.js';

const { DATABASE_URL = '', CLERK_API_URL = '', CLERK_SECRET_KEY = '' } = process.env;
/** The most that Clerk gives. */
const PAGE_SIZE = 500;

const clerk = createClerkClient({
  secretKey: CLERK_SECRET_KEY,
  apiUrl: CLERK_API_URL,
  telemetry: { disabled: true },
});
const prisma = new PrismaClient({
  adapter: new PrismaPg({ connectionString: DATABASE_URL }, { schema: 'clerk' }),
});

const startedAt = performance.now();
for (let offset = 0; ; offset += PAGE_SIZE) {
  const { data } = await clerk.users.getUserList({
    limit: PAGE_SIZE,
    offset,
    orderBy: '+created_at',
  });
  await Promise.all(
    data.map(({ raw }) => {
      const row = toUserRow(raw as unknown as ClerkUser); // the JSON that it was made from
      return prisma.user.upsert({ where: { id: row.id }, create: row, update: row });
    }),
  );
  if (data.length < PAGE_SIZE) break;
}
await prisma.$disconnect();
console.log(JSON.stringify({ seconds: (performance.now() - startedAt) / 1000 }));
