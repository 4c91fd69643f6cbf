/** Migrations without a network, beside an application's own tables, by any number of migrators. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import pg from 'pg';
import { classifyFault } from '../../src/db/faults.js';
import { MIGRATIONS_DIRECTORY, migrate, readMigrationState } from '../../src/db/migrate.js';
import { applyMigrations, sqlFromPrismaSchema } from '../../src/db/schema-engine.js';
import { createDatabase, type TestDatabase } from '../support/database.js';

const ROOT = path.resolve(import.meta.dirname, '../..');
let database: TestDatabase;

beforeEach(async () => {
  database = await createDatabase({ migrated: false });
});
afterEach(async () => {
  await database.drop();
});

test('migrators that run at the same time apply each migration once', async () => {
  const options = { url: database.url, schema: 'clerk' };
  const applied = await Promise.all([migrate(options), migrate(options), migrate(options)]);
  const [first] = applied.filter((names) => names.length > 0);
  expect(applied.filter((names) => names.length > 0)).toHaveLength(1);
  const rows = await database.query<{ name: string }>(
    'SELECT migration_name AS name FROM clerk._prisma_migrations WHERE finished_at IS NOT NULL ORDER BY started_at',
  );
  expect(rows.map(({ name }) => name)).toEqual(first);
  expect(await readMigrationState(options)).toEqual({
    pending: [],
    failed: [],
    unknown: [],
  });
});

test('an application with its own users and its own Prisma history in the same database notices nothing', async () => {
  await database.query(`
    CREATE TABLE users (id serial PRIMARY KEY, email text UNIQUE NOT NULL);
    CREATE TABLE _prisma_migrations (id varchar(36) PRIMARY KEY, checksum varchar(64) NOT NULL, finished_at timestamptz,
      migration_name varchar(255) NOT NULL, logs text, rolled_back_at timestamptz, started_at timestamptz NOT NULL DEFAULT now(),
      applied_steps_count integer NOT NULL DEFAULT 0);
    INSERT INTO users (email) VALUES ('theirs@example.com');
    INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at) VALUES ('1', 'c', '20200101000000_theirs', now())`);
  const before = await dumpSchema(database, 'public');
  expect(await migrate({ url: database.url, schema: 'clerk' })).not.toHaveLength(0);
  expect(await migrate({ url: database.url, schema: 'clerk' })).toHaveLength(0);
  expect(await dumpSchema(database, 'public')).toEqual(before);
  expect(await database.query('SELECT email FROM users')).toEqual([
    { email: 'theirs@example.com' },
  ]);
  expect(await database.query('SELECT migration_name AS name FROM _prisma_migrations')).toEqual([
    { name: '20200101000000_theirs' },
  ]);
});

test('a program that came without its migrations says so, and does not blame the database', async () => {
  const pool = new pg.Pool({ connectionString: database.url });
  try {
    const directory = path.join(ROOT, 'prisma/nowhere');
    const missing = applyMigrations({ pool, schema: 'clerk', directory });
    await expect(missing).rejects.toThrow(`there is no ${directory}. Ship prisma/migrations`);
    expect(classifyFault(await missing.catch((error: unknown) => error))).toBeUndefined();
  } finally {
    await pool.end();
  }
});

test('two schemas in one database are two mirrors', async () => {
  await migrate({ url: database.url, schema: 'clerk' });
  await migrate({ url: database.url, schema: 'clerk_staging' });
  expect(await dumpSchema(database, 'clerk_staging')).toEqual(await dumpSchema(database, 'clerk'));
});

test('the migrations lead to what the Prisma schema says', async () => {
  await migrate({ url: database.url, schema: 'clerk' });
  const pool = new pg.Pool({ connectionString: database.url, max: 1 });
  const sql = await sqlFromPrismaSchema(pool, path.join(ROOT, 'prisma/schema.prisma'));
  await pool.query('CREATE SCHEMA expected; SET search_path = expected');
  await pool.query(sql.replace(/CREATE SCHEMA IF NOT EXISTS "public";/, ''));
  await pool.end();
  const found = await dumpSchema(database, 'clerk');
  expect(found.filter((line) => !line.includes('_prisma_migrations'))).toEqual(
    await dumpSchema(database, 'expected'),
  );
});

test('a database that is newer than the program is refused, with the cure', async () => {
  await migrate({ url: database.url, schema: 'clerk' });
  await database.query(
    `INSERT INTO clerk._prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count)
     VALUES ('x', 'c', '29990101000000_future', now(), 1)`,
  );
  await expect(migrate({ url: database.url, schema: 'clerk' })).rejects.toThrow(
    /29990101000000_future.*older than the database/,
  );
});

test('npm run migrate works with no network but the database, and says what it did', () => {
  const run = () =>
    spawnSync(process.execPath, ['--import', './scripts/typescript.mjs', 'src/cli.ts', 'migrate'], {
      cwd: ROOT,
      encoding: 'utf8',
      env: {
        PATH: process.env['PATH'],
        DATABASE_URL: database.url,
        DATA_DIR: '/nonexistent',
        // Whoever tries to reach anything over HTTP fails at once.
        HTTP_PROXY: 'http://127.0.0.1:1',
        HTTPS_PROXY: 'http://127.0.0.1:1',
        PRISMA_ENGINES_MIRROR: 'http://127.0.0.1:1',
      },
    });
  const first = run();
  expect({ status: first.status, stderr: first.stderr }).toEqual({ status: 0, stderr: '' });
  expect(first.stdout).toMatch(/applied \d+_mirror_and_ledger/);
  expect(run().stdout).toMatch(/up to date/);
});

test('the schema engine is the one that belongs to the Prisma that is installed', () => {
  const require = createRequire(import.meta.url);
  const versionOf = (name: string) =>
    (
      JSON.parse(readFileSync(path.join(ROOT, 'node_modules', name, 'package.json'), 'utf8')) as {
        version: string;
      }
    ).version;
  expect(versionOf('@prisma/schema-engine-wasm')).toBe(versionOf('@prisma/engines-version'));
  for (const name of ['@prisma/client', '@prisma/adapter-pg', '@prisma/driver-adapter-utils']) {
    expect(versionOf(name)).toBe(versionOf('prisma'));
  }
  // An internal package: its surface may change with any release, and then this says so before a deployment does.
  const glue = readFileSync(require.resolve('@prisma/schema-engine-wasm/schema_engine_bg'), 'utf8');
  for (const used of ['__wbg_set_wasm', 'applyMigrations(', 'diagnoseMigrationHistory(', 'diff('])
    expect(glue).toContain(used);
});

test('the history is one that prisma migrate deploy accepts: its names, and checksums of the files', async () => {
  await migrate({ url: database.url, schema: 'clerk' });
  const rows = await database.query<{ name: string; checksum: string }>(
    'SELECT migration_name AS name, checksum FROM clerk._prisma_migrations ORDER BY 1',
  );
  const folders = readdirSync(MIGRATIONS_DIRECTORY).filter(
    (name) => name !== 'migration_lock.toml',
  );
  expect(rows).toEqual(
    folders.sort().map((name) => {
      const sql = readFileSync(path.join(MIGRATIONS_DIRECTORY, name, 'migration.sql'));
      return { name, checksum: createHash('sha256').update(sql).digest('hex') };
    }),
  );
});

/** Columns, constraints and indexes of a schema's tables, one a line, without the schema's name. */
async function dumpSchema({ query }: TestDatabase, schema: string): Promise<string[]> {
  const rows = await query<{ line: string }>(
    `SELECT format('%s.%s %s %s %s', table_name, column_name, data_type, is_nullable, column_default) AS line
     FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
     WHERE table_schema = $1 AND table_type = 'BASE TABLE'
     UNION ALL
     SELECT format('%s %s', conname, pg_get_constraintdef(c.oid)) FROM pg_constraint c
     JOIN pg_namespace n ON n.oid = connamespace WHERE nspname = $1 AND contype <> 'n'
     UNION ALL
     SELECT indexdef FROM pg_indexes WHERE schemaname = $1 ORDER BY 1`,
    [schema],
  );
  return rows.map(({ line }) => line.replaceAll(`${schema}.`, '')).sort();
}
