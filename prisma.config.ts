/** For Prisma's own CLI: `prisma migrate deploy` works on our schema, never on the application's. */
import { defineConfig } from 'prisma/config';

const { DATABASE_URL, DIRECT_DATABASE_URL, DATABASE_SCHEMA = 'clerk' } = process.env;

export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
  ...datasource(DIRECT_DATABASE_URL ?? DATABASE_URL),
});

function datasource(databaseUrl: string | undefined) {
  if (!databaseUrl) return {};
  const url = new URL(databaseUrl);
  url.searchParams.set('schema', DATABASE_SCHEMA);
  return { datasource: { url: url.href } };
}
