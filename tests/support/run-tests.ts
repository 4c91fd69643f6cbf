/** `npm test`: starts the real servers that the tests talk to, privately and on free ports, runs jest, stops them. */
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { migrate } from '../../src/db/migrate.js';
import { migrateQueue } from '../../src/queue/migrate.js';
import { startEmbeddedPostgres } from '../../src/system/embedded-postgres.js';
import { buildSources } from './build.js';
import { findFreePort } from './ports.js';
import { findPgBouncer } from './pgbouncer.js';
import { startRedis, type RedisServer } from './redis-server.js';
import { createTemplate } from './database.js';

const NO_REDIS = `
******************************************************************************
  No redis-server or valkey-server was found, so THE REDIS HALF OF THE TESTS
  IS SKIPPED. To run it: apt-get install redis-server (or brew install redis),
  or set REDIS_URL to a Redis that the tests may write to.
******************************************************************************
`;

const NO_PGBOUNCER = `
******************************************************************************
  No pgbouncer was found, so THE TESTS OF A TRANSACTION POOLER ARE SKIPPED.
  To run them: apt-get install pgbouncer (or brew install pgbouncer).
******************************************************************************
`;

const PASSED_ON = [
  'PATH',
  'HOME',
  'CI',
  'TMPDIR',
  'HISTORIES',
  'SEED',
  'OUTAGE_SECONDS',
  'RACE_USERS',
  'RESTARTS',
  'HANDLER_CROWD',
  'BACKFILL_USERS',
  'RECONCILE_USERS',
];

const directory = mkdtempSync(path.join(tmpdir(), 'clerk-sync-tests-'));
chmodSync(directory, 0o755); // as root, Postgres runs as another user, who must get in
const closers: (() => Promise<void> | void)[] = [
  () => {
    rmSync(directory, { recursive: true, force: true });
  },
];
process.on('SIGINT', () => undefined); // the terminal's Ctrl-C reaches jest, too; what follows its end is ours
process.exitCode = await run().finally(async () => {
  for (const close of closers.reverse()) await close();
});

async function run(): Promise<number> {
  const postgres = await startEmbeddedPostgres({
    directory: path.join(directory, 'data'),
    port: await findFreePort(),
    settings: { fsync: 'off', max_connections: '300' },
  });
  closers.push(postgres.stop);
  const template = await createTemplate(postgres.url);
  await migrate({ url: template, schema: 'clerk' });
  await migrateQueue({ databaseUrl: template });
  const redis = await findRedis();
  const pgbouncer = findPgBouncer();
  const missing = [...(redis ? [] : [NO_REDIS]), ...(pgbouncer ? [] : [NO_PGBOUNCER])].join('');
  process.stderr.write(missing);
  if (missing !== '' && process.env['CI'] === 'true') return 1;
  const build = await buildSources();
  closers.push(build.remove);
  const code = await runJest({
    TEST_BUILD: build.directory,
    TEST_DATABASE_URL: postgres.url,
    ...(redis ? { TEST_REDIS_URL: redis.url } : {}),
    ...(pgbouncer ? { TEST_PGBOUNCER: pgbouncer } : {}),
  });
  process.stderr.write(missing);
  return code;
}

async function findRedis(): Promise<Pick<RedisServer, 'url'> | undefined> {
  if (process.env['REDIS_URL']) return { url: process.env['REDIS_URL'] };
  const server = await startRedis();
  if (server) closers.push(server.stop);
  return server;
}

function runJest(servers: Record<string, string>): Promise<number> {
  const jest = [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    'node_modules/jest/bin/jest.js',
    ...process.argv.slice(2),
  ];
  // The tests say what they need; nothing of the developer's own configuration may leak in.
  const passedOn = Object.fromEntries(PASSED_ON.map((name) => [name, process.env[name]]));
  const child = spawn(process.execPath, jest, {
    stdio: 'inherit',
    env: { ...passedOn, ...servers },
  });
  return new Promise((resolve) => {
    child.on('exit', (code) => {
      resolve(code ?? 1);
    });
  });
}
