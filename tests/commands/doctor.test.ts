/** `npm run doctor` against real servers and processes: all well, and each fault caused for real. */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sampleEvent } from '../../src/clerk/samples/index.js';
import { doctorCommand } from '../../src/commands/doctor.js';
import { type Finding } from '../../src/commands/doctor/finding.js';
import { type SystemFile } from '../../src/environment.js';
import {
  BACKENDS,
  openBackend,
  queueSettings,
  waitForQueue,
  type QueueSettings,
} from '../support/backends.js';
import { deliver, newMessageId, SECRET } from '../support/clerk.js';
import { runCommand, runToExit } from '../support/commands.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { findFreePort } from '../support/ports.js';
import { killAll, startBoard, startIngest, startWorker } from '../support/processes.js';
import { startRedis } from '../support/redis-server.js';
import { waitFor } from '../support/wait.js';

// Every examination is a process, and so is every part of what it examines.
import.meta.jest.setTimeout(60_000);

const INSTANCE = 'ins_ours';
const KEY = 'sk_test_averysecretkeyindeed';
const OTHER_SECRET = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;

const userCreated = () => ({ ...sampleEvent('user.created'), instance_id: INSTANCE });

type Settings = Record<string, string>;

interface Examination {
  code: number;
  ok: boolean;
  /** `warn: what was found`, of the check of that name. */
  of: (name: string) => string[];
  /** `name: what was found`, of that status. */
  all: (status: Finding['status']) => string[];
  cures: string;
}

/** Runs the doctor, who says no secret, whatever is wrong. */
async function examine(settings: Settings): Promise<Examination> {
  const { code, stdout, stderr } = await runToExit(doctorCommand, ['--json'], settings);
  for (const secret of [SECRET.slice(6), OTHER_SECRET.slice(6), KEY, 'hush'])
    expect(stdout + stderr).not.toContain(secret);
  const report = JSON.parse(stdout) as { ok: boolean; checks: (Finding & { name: string })[] };
  const { ok, checks } = report;
  for (const { status, cure } of checks)
    expect([status, Boolean(cure)]).toEqual([status, status === 'bad' || status === 'warn']);
  return {
    code,
    ok,
    of: (name) =>
      checks
        .filter((check) => check.name === name)
        .map(({ status, found }) => `${status}: ${found}`),
    all: (status) =>
      checks
        .filter((check) => check.status === status)
        .map(({ name, found }) => `${name}: ${found}`),
    cures: checks.map(({ cure }) => cure ?? '').join('\n'),
  };
}

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase();
});
afterEach(async () => {
  await killAll();
  await database.drop();
});

describe.each(BACKENDS)('with the queue in %s', (kind) => {
  let queue: QueueSettings;
  let settings: Settings;

  beforeEach(async () => {
    queue = queueSettings(kind);
    settings = {
      DATABASE_URL: database.url,
      CLERK_WEBHOOK_SIGNING_SECRET: SECRET,
      CLERK_INSTANCE_ID: INSTANCE,
      ...queue,
    };
  });

  /** Ingest and worker, and what tells the doctor where they are. */
  const start = async () => {
    const [ingest, worker] = await Promise.all([startIngest(settings), startWorker(settings)]);
    const ports = {
      PORT: new URL(ingest.url).port,
      INGEST_OPS_PORT: new URL(ingest.opsUrl).port,
      WORKER_OPS_PORT: new URL(worker.opsUrl).port,
    };
    return { ingest, worker, ports };
  };

  test('a system that works passes every check, and beside a running `npm start` nothing has to be configured', async () => {
    const [{ ingest, worker, ports }, board] = await Promise.all([start(), startBoard(settings)]);
    await deliver(ingest.url, userCreated());
    await waitFor('the user', hasUser);
    const clerk = createServer((_request, response) => response.end()).listen(0, '127.0.0.1');
    await once(clerk, 'listening');
    const { port } = clerk.address() as AddressInfo; // a TCP server's address is an object
    const DATA_DIR = writeSystem({
      endpoint: ingest.url,
      signingSecret: SECRET,
      databaseUrl: database.url,
      redisUrl: queue.REDIS_URL ?? null,
      boardUrl: `${board.opsUrl}/queues`,
      opsUrls: { ingest: ingest.opsUrl, worker: worker.opsUrl, board: board.opsUrl },
    });
    const [found, { code, stdout, stderr }] = await Promise.all([
      examine({
        ...settings,
        ...ports,
        BOARD_PORT: new URL(board.opsUrl).port,
        CLERK_SECRET_KEY: KEY,
        CLERK_API_URL: `http://127.0.0.1:${port}`,
      }),
      runCommand(['doctor'], { DATA_DIR, QUEUE_PREFIX: queue.QUEUE_PREFIX }),
    ]);
    for (const status of ['bad', 'warn', 'skipped'] as const) expect(found.all(status)).toEqual([]);
    expect([found.code, found.ok]).toEqual([0, true]);
    expect(found.of('Workers')).toEqual(['ok: 1 connected']);
    expect(found.of('Endpoint')[0]).toContain('knows the signing secret');
    expect(found.of('Clocks')[0]).toMatch(
      kind === 'redis' ? /Postgres.*(?:Redis|Valkey).*Clerk/ : /Postgres.*Clerk/,
    );
    expect(stdout).toMatch(/^✔ Node +\d+\./);
    expect(stdout).toContain('one of 32 bytes, from the running `npm start`');
    expect(stdout).toMatch(
      /\n! Clerk instance +CLERK_INSTANCE_ID is not set: .+\n +Set it to ins_ours, if that is yours/,
    );
    expect(stdout).toMatch(/\nNothing is wrong; 2 warnings\.\n$/);
    expect(stdout).not.toMatch(/^[✘-]/m);
    expect(stdout).not.toContain('\u001b'); // no terminal, no colours
    expect([code, stderr]).toEqual([0, '']);
    clerk.close();
    rmSync(DATA_DIR, { recursive: true });
  });

  test('it names what keeps events from being applied, with the cures', async () => {
    delete settings['CLERK_INSTANCE_ID'];
    const { ingest, worker, ports } = await start();
    await database.query(`
      CREATE FUNCTION clerk.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused for a test'; END $$;
      CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON clerk.users FOR EACH ROW EXECUTE FUNCTION clerk.refuse()`);
    const id = newMessageId();
    await deliver(ingest.url, userCreated(), id);
    const open = openBackend(queue, database).openQueue();
    await waitForQueue(open);
    await waitFor('the job to fail', async () => (await open.queue.getJob(id))?.isFailed());
    worker.signal('SIGKILL');
    await worker.exited;
    await waitFor('its connection to go', async () => (await open.queue.getWorkers()).length === 0);
    await deliver(ingest.url, userCreated());
    await database.query(`
      INSERT INTO clerk.webhook_events (id, type, outcome, processed_at, received_at, payload)
      VALUES ('msg_old', 'user.created', 'applied', now() - interval '100 days', now() - interval '100 days', '{}')`);

    const found = await examine({
      ...settings,
      ...ports,
      CLERK_WEBHOOK_SIGNING_SECRET: OTHER_SECRET,
      CLERK_INSTANCE_ID: 'ins_other',
    });
    expect(found.code).toBe(1);
    expect(found.all('bad')).toEqual([
      'Workers: None is connected, and 1 event is not applied',
      'Jobs: 1 event has failed for good',
      expect.stringMatching(
        /^Endpoint: .* refuses what is signed with the configured secret: The sig/,
      ),
      `Clerk instance: CLERK_INSTANCE_ID is ins_other; of the newest events these are of others, and ignored: ${INSTANCE} (1)`,
    ]);
    expect(found.of('Jobs')[0]).toBe('ok: 1 waiting, 0 active, 0 delayed, 1 failed, 0 completed');
    expect(found.of('Process ingest')[0]).toMatch(/^ok: ready/);
    expect(found.of('Process worker')[0]).toMatch(/^skipped: not on this machine/);
    expect(found.of('Last event')[0]).toMatch(/^ok: user\.created, .* ago$/);
    expect(found.of('Failed events')).toEqual([
      'warn: 1 in the last 24 hours, 1 in the last 7 days',
    ]);
    expect(found.of('Retention')[0]).toMatch(/^warn: .* older than 90 days/);
    for (const command of ['worker', 'replay -- --failed --dry-run', 'why', 'prune'])
      expect(found.cures).toContain(`npm run ${command}`);
    await open.queue.pause();
    await open.close();
    const paused = await examine({ ...settings, ...ports });
    expect(paused.of('Jobs')).toContain(
      'bad: The queue is paused: events are taken, and none is applied',
    );
    expect(paused.of('Endpoint')[0]).toMatch(/^ok/);
  });

  test('a database without tables is to be migrated, and nothing else is said of it', async () => {
    const empty = await createDatabase({ migrated: false });
    const found = await examine({ ...settings, DATABASE_URL: empty.url });
    expect(found.all('bad')).toEqual([
      expect.stringMatching(/^Tables: \d migrations are pending in schema "clerk": \d+_mirror/),
      ...(kind === 'redis' ? [] : [expect.stringMatching(/^Queue: .*its tables are missing$/)]),
    ]);
    expect(found.of('Jobs')[0]).toMatch(kind === 'redis' ? /^ok/ : /^skipped/);
    expect(found.of('Last event')).toEqual(['skipped: the ledger cannot be read']);
    expect(found.cures).toContain('Run `npm run migrate`.');
    await empty.drop();
  });

  test('with Postgres away it says so once for each that needs it, and goes on', async () => {
    const port = await findFreePort();
    const DATABASE_URL = `postgres://app:hush@127.0.0.1:${port}/app`;
    const found = await examine({ ...settings, DATABASE_URL });
    const trouble = `at 127.0.0.1:${port}/app cannot be used`;
    expect(found.all('bad')).toEqual([
      expect.stringContaining(`Postgres: The one ${trouble}`),
      ...(kind === 'redis' ? [] : [expect.stringContaining(`Queue: The Postgres ${trouble}`)]),
    ]);
    expect(found.of('Tables')).toEqual(['skipped: the database cannot be asked']);
    expect(found.of('Queue')[0]).toMatch(kind === 'redis' ? /^ok: Redis \d/ : /^bad/);
    expect(found.of('Signing secret')).toEqual([
      'ok: one of 32 bytes, from CLERK_WEBHOOK_SIGNING_SECRET',
    ]);
  });
});

describe('of the configuration', () => {
  test('every problem is named, and what can be checked all the same is', async () => {
    const found = await examine({
      DATABASE_URL: database.url,
      REDIS_URL: 'http://:hush@127.0.0.1:1',
      CLERK_WEBHOOK_SIGNING_SECRET: 'whsec_aHVzaA==',
      CLERK_WEBHOOK_SECRET: SECRET,
      CLERK_SECRET_KEY: 'pk_test_hush',
      PORT: '70000',
      SHUTDOWN_DELAY: '1m',
      BOARD_HOST: '0.0.0.0',
    });
    expect(found.all('bad')).toEqual([
      'Configuration: REDIS_URL: is not a URL of the form redis://host:6379, or rediss:// for TLS',
      'Configuration: PORT: "70000" is not a whole number from 0 to 65535',
      expect.stringMatching(/^Configuration: CLERK_SECRET_KEY: is not a secret key/),
      'Configuration: SHUTDOWN_DELAY: must be shorter than SHUTDOWN_GRACE, of which it is a part',
      'Configuration: BOARD_HOST is 0.0.0.0, which others can reach',
      'Signing secret: CLERK_WEBHOOK_SIGNING_SECRET, secret 1: holds 4 bytes, fewer than 24: it was cut',
    ]);
    expect(found.of('Queue')).toEqual(['skipped: REDIS_URL cannot be used']);
    expect(found.of('Endpoint')).toEqual(['skipped: PORT cannot be used']);
    expect(found.of('Tables')[0]).toMatch(/^ok/);
    expect(found.of('Last event')).toEqual(['warn: None ever came']);
  });

  test('with none it says where to begin, and an unknown argument is wrong usage', async () => {
    const [none, wrong] = await Promise.all([
      runCommand(['doctor']),
      runToExit(doctorCommand, ['everything'], {}),
    ]);
    expect(none.stdout).toContain('run `npm start`');
    expect(none.code).toBe(1);
    expect(wrong.stderr).toContain('Usage: npm run doctor');
    expect(wrong.code).toBe(2);
  });
});

describe('of the database', () => {
  test('what became of the migrations is told apart', async () => {
    await database.query(`
      DELETE FROM clerk._prisma_migrations WHERE migration_name = (SELECT max(migration_name) FROM clerk._prisma_migrations);
      INSERT INTO clerk._prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count)
      VALUES ('1', 'c', '29991231000000_of_the_future', now(), 1);
      INSERT INTO clerk._prisma_migrations (id, checksum, migration_name, logs) VALUES ('2', 'c', '29991231000001_broken', 'no')`);
    const found = await examine({
      DATABASE_URL: database.url,
      CLERK_WEBHOOK_SIGNING_SECRET: SECRET,
    });
    expect(found.of('Tables')).toEqual([
      'bad: The migration 29991231000001_broken failed half-way',
      expect.stringMatching(/^bad: 1 migration is pending in schema "clerk": \d+_\w+$/),
      expect.stringMatching(
        /^warn: The database has migrations that this program does not know: 29991231000000/,
      ),
    ]);
    expect(found.code).toBe(1);
  });

  test('a table that is gone, and a direct connection that leads elsewhere, are found', async () => {
    await database.query('ALTER TABLE clerk.sessions RENAME TO gone');
    const other = await createDatabase();
    const DIRECT_DATABASE_URL = other.url;
    const CLERK_WEBHOOK_SIGNING_SECRET = SECRET;
    const settings = { DATABASE_URL: database.url, CLERK_WEBHOOK_SIGNING_SECRET };
    const [found, elsewhere, away] = await Promise.all([
      examine(settings),
      examine({ ...settings, DIRECT_DATABASE_URL }),
      examine({ ...settings, DIRECT_DATABASE_URL: 'postgres://app:hush@127.0.0.1:1/app' }),
    ]);
    expect(found.all('bad')).toEqual([
      expect.stringMatching(/^Tables: Tables or columns are missing \(.*clerk"\."sessions/),
    ]);
    expect(elsewhere.of('Direct connection')).toEqual([
      'bad: DIRECT_DATABASE_URL and DATABASE_URL lead to different databases',
    ]);
    expect(away.of('Direct connection')[0]).toMatch(/^bad: The one at 127\.0\.0\.1:1\/app cannot/);
    expect(away.of('Tables').map((line) => line.split(':')[0])).toEqual(['skipped', 'bad']);
    await other.drop();
  });
});

const withRedis = BACKENDS.includes('redis') ? describe : describe.skip;

withRedis('of Redis', () => {
  const settingsFor = (url: string): Settings => ({
    DATABASE_URL: database.url,
    REDIS_URL: url,
    CLERK_WEBHOOK_SIGNING_SECRET: SECRET,
  });
  const start = async (flags: string[] = []) => {
    const redis = await startRedis(flags);
    if (!redis) throw new Error('There is no redis-server on this machine.');
    return redis;
  };

  test('what endangers events that were acknowledged is found', async () => {
    const redis = await start([
      ...['--maxmemory-policy', 'allkeys-lru', '--appendonly', 'no', '--maxmemory', '100kb'],
      ...['--replicaof', '127.0.0.1 1'],
    ]);
    const found = await examine(settingsFor(redis.url));
    expect(found.of('Queue')).toEqual([
      expect.stringMatching(/^ok: (?:Redis|Valkey) \d+\.\d+\.\d+ at 127/),
      expect.stringMatching(/^bad: maxmemory-policy is allkeys-lru/),
      expect.stringMatching(/^warn: No append-only file/),
      expect.stringMatching(/^bad: .* of 0\.1 MB are used/),
      'bad: It is a replica, which takes no events',
    ]);
    await redis.stop();
  });

  test('a store without workers, a wrong password and a frozen server are told apart', async () => {
    const redis = await start();
    const wrong = redis.url.replace('//', '//nobody:hush@');
    const [idle, refused] = await Promise.all([
      examine(settingsFor(redis.url)),
      examine(settingsFor(wrong)),
    ]);
    expect(idle.of('Workers')).toEqual(['warn: None is connected']);
    expect(idle.code).toBe(0);
    expect(refused.of('Queue')[0]).toMatch(/^bad: .*WRONGPASS/);
    redis.freeze();
    const frozen = await examine(settingsFor(redis.url));
    expect(frozen.of('Queue')[0]).toMatch(/^bad: The Redis at 127/);
    expect(frozen.of('Jobs')).toEqual(['skipped: the queue cannot be asked']);
    redis.thaw();
    await redis.stop();
  });

  test('with Redis gone, a process that runs is asked why it is not ready', async () => {
    const redis = await start();
    const ingest = await startIngest(settingsFor(redis.url));
    await redis.kill();
    const found = await examine({
      ...settingsFor(redis.url),
      PORT: new URL(ingest.url).port,
      INGEST_OPS_PORT: new URL(ingest.opsUrl).port,
    });
    expect(found.all('bad')).toEqual([
      expect.stringMatching(/^Queue: The Redis at .* cannot be used: .*ECONNREFUSED/),
      expect.stringMatching(
        /^Process ingest: Runs at .* and is not ready: The queue does not answer/,
      ),
    ]);
    expect(found.of('Endpoint')[0]).toMatch(/^ok/);
    await redis.stop();
  });
});

/** What `npm start` writes. @returns the DATA_DIR. */
function writeSystem(system: SystemFile): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'clerk-sync-doctor-'));
  writeFileSync(path.join(directory, 'system.json'), JSON.stringify(system));
  return directory;
}

function hasUser(): Promise<boolean> {
  return database.query('SELECT 1 FROM clerk.users').then((rows) => rows.length > 0);
}
