/** `npm start` as a person meets it: the real start.mjs, with folders and ports of its own. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { sampleEvent } from '../../src/clerk/samples/index.js';
import { createSigner } from '../../src/clerk/signature.js';
import { migrate } from '../../src/db/migrate.js';
import { type SystemFile } from '../../src/environment.js';
import { migrateQueue } from '../../src/queue/migrate.js';
import { startEmbeddedPostgres } from '../../src/system/embedded-postgres.js';
import { buildClone, type Build } from '../support/build.js';
import { newMessageId, post } from '../support/clerk.js';
import { createDatabase } from '../support/database.js';
import { findFreePort } from '../support/ports.js';
import { waitFor } from '../support/wait.js';

const ROOT = path.resolve(import.meta.dirname, '../..');
const START_MS = 60_000;
const run = promisify(execFile);
const isRoot = process.getuid?.() === 0;

import.meta.jest.setTimeout(120_000);

interface Started {
  child: ChildProcess;
  stdout: () => string;
  stderr: () => string;
  /** The exit code; null after a signal nobody handled. */
  exited: Promise<number | null>;
}

interface Place {
  folder: string;
  dataDir: string;
  settings: Record<string, string>;
}

const running = new Set<ChildProcess>();
const launched: Started[] = [];
const folders: string[] = [];
/** For all but those that show that TypeScript runs, and that `npm start` does. */
let clone: Build;
/** DATA_DIR as a start has left it. */
let usedDataDir: string;

beforeAll(async () => {
  [clone, usedDataDir] = await Promise.all([buildClone(), createUsedDataDir()]);
});
afterAll(async () => {
  for (const child of running) child.kill('SIGKILL');
  await waitFor('the processes to end', () => running.size === 0);
  // What was SIGKILLed takes its children and its Postgres with it, yet not in the same moment.
  await waitFor('their children to end', () =>
    launched.every((one) => listAlive(one).length === 0),
  );
  for (const folder of folders) {
    const pidFile = `${folder}/data/postgres/postmaster.pid`;
    await waitFor('Postgres to be gone', () => !existsSync(pidFile));
    rmSync(folder, { recursive: true, force: true });
  }
  clone.remove();
});

// At the same time: each has a folder, a database and ports of its own.
describe('a start on a bare machine', () => {
  test.concurrent(
    'brings up a system that turns a signed event into a row, and Ctrl-C takes it down in reverse order',
    async () => {
      const place = await createPlace();
      const system = await startSystem(place, ROOT);
      const facts = readSystem(place);

      expect(statSync(`${place.dataDir}/system.json`).mode & 0o777).toBe(0o600);
      expect(facts).toEqual({
        endpoint: `http://localhost:${place.settings['PORT']}/api/webhooks`,
        signingSecret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/),
        databaseUrl: expect.stringMatching(
          /^postgres:\/\/postgres:\w+@127\.0\.0\.1:\d+\/postgres$/,
        ),
        redisUrl: null,
        boardUrl: `http://127.0.0.1:${place.settings['BOARD_PORT']}/queues`,
        opsUrls: {
          ingest: `http://127.0.0.1:${place.settings['INGEST_OPS_PORT']}`,
          worker: `http://127.0.0.1:${place.settings['WORKER_OPS_PORT']}`,
          board: `http://127.0.0.1:${place.settings['BOARD_PORT']}`,
        },
      });
      for (const told of [
        facts.endpoint,
        facts.signingSecret,
        facts.databaseUrl,
        facts.boardUrl ?? '',
        'npm run send -- user.created',
      ]) {
        expect(system.stdout()).toContain(told);
      }
      for (const url of Object.values(facts.opsUrls))
        expect((await fetch(`${url}/readyz`)).status).toBe(200);
      expect(await (await fetch(facts.boardUrl ?? '')).text()).toContain(
        '<title>clerk-sync</title>',
      );

      const event = sampleEvent('user.created');
      await deliver(facts, event);
      await waitFor('the row', async () => (await countUsers(facts)) === 1);

      // A second terminal that knows nothing but where the data is.
      const sent = await run(
        process.execPath,
        ['--import', './scripts/typescript.mjs', 'src/cli.ts', 'send', 'user.created'],
        { cwd: ROOT, env: { PATH: process.env['PATH'], DATA_DIR: place.dataDir } },
      );
      expect(sent.stderr).toBe('');
      await waitFor('the second row', async () => (await countUsers(facts)) === 2);

      system.child.kill('SIGINT');
      expect(await system.exited).toBe(0);
      expect(system.stderr()).toBe('');
      expect(listStops(system)).toEqual(['board', 'worker', 'ingest', 'Postgres']);
      await expectNothingLeft(place, facts);
    },
  );

  test.concurrent(
    'finds its data, secret and database port again after a stop by SIGTERM',
    async () => {
      const place = await createUsedPlace();
      const first = await startSystem(place);
      const before = readSystem(place);
      await deliver(before, sampleEvent('user.created'));
      await waitFor('the row', async () => (await countUsers(before)) === 1);
      await stop(first);

      const second = await startSystem(place);
      expect(readSystem(place)).toEqual(before);
      expect(await countUsers(before)).toBe(1);
      await stop(second);
    },
  );

  (isRoot ? test.concurrent : test.skip)(
    'works as root in a folder that Postgres’s account cannot enter',
    async () => {
      const place = await createPlace();
      chmodSync(place.folder, 0o700);
      const system = await startSystem(place);
      const cluster = realpathSync(`${place.dataDir}/postgres`);
      try {
        expect(cluster).toMatch(/^\/var\/lib\/clerk-sync\/data-/);
        system.child.kill('SIGINT');
        expect(await system.exited).toBe(0);
      } finally {
        rmSync(path.dirname(cluster), { recursive: true });
      }
    },
  );

  test.concurrent('uses the database, secrets and paths that are configured', async () => {
    const database = await createDatabase({ migrated: false });
    const secrets = [1, 2].map((fill) => `whsec_${Buffer.alloc(32, fill).toString('base64')}`);

    const place = await createPlace({
      DATABASE_URL: database.url,
      DATABASE_SCHEMA: 'elsewhere',
      CLERK_WEBHOOK_SECRET: secrets.join(','),
      WEBHOOK_PATHS: '/hooks',
    });
    const system = await startSystem(place);
    const facts = readSystem(place);
    expect(facts).toMatchObject({
      databaseUrl: database.url,
      signingSecret: secrets[0],
      endpoint: expect.stringMatching(/\/hooks$/),
    });
    expect(existsSync(`${place.dataDir}/postgres`)).toBe(false);
    await deliver({ ...facts, signingSecret: secrets[1] ?? '' }, sampleEvent('user.created'));
    await waitFor('the row', async () => (await countUsers(facts, 'elsewhere')) === 1);
    await stop(system);
    await database.drop();
  });
});

describe('what dies', () => {
  test.concurrent.each(['ingest', 'worker', 'board'])(
    'a killed %s is reported and stops the rest',
    async (name) => {
      const place = await createUsedPlace();
      const system = await startSystem(place);
      const facts = readSystem(place);
      process.kill(findPid(system, name), 'SIGKILL');
      expect(await system.exited).toBe(1);
      expect(system.stderr()).toBe(`${name} was killed by SIGKILL. Stopping the rest.\n`);
      await expectNothingLeft(place, facts);
    },
  );

  test.concurrent(
    'a killed Postgres is reported and stops the rest; its pid may be anyone’s by the next start',
    async () => {
      const place = await createUsedPlace({ SHUTDOWN_GRACE: '5s' });
      const system = await startSystem(place);
      const pidFile = `${place.dataDir}/postgres/postmaster.pid`;
      const [pid, ...others] = readFileSync(pidFile, 'utf8').split('\n');
      process.kill(Number(pid), 'SIGKILL');
      expect(await system.exited).toBe(1);
      expect(system.stderr()).toContain('Postgres ended');

      writeFileSync(pidFile, [process.pid, ...others].join('\n'));
      await stop(await startSystem(place));
    },
  );

  test.concurrent(
    'when npm start itself is killed, nothing of it lives on, and the next start works',
    async () => {
      const place = await createUsedPlace();
      const system = await startSystem(place);
      const facts = readSystem(place);
      system.child.kill('SIGKILL');
      await system.exited;
      await waitFor(
        'everything to be gone',
        async () => (await listAnswering(place, facts)).length === 0,
      );

      const next = await startSystem(place);
      expect(readSystem(place)).toEqual(facts);
      await stop(next);
    },
  );

  test.concurrent(
    'a SIGTERM that npm passes on to its shell only still stops everything',
    async () => {
      const place = await createUsedPlace();
      const npm = launch('npm', ['start', '--prefix', ROOT], place);
      await waitForBanner(npm);
      const facts = readSystem(place);
      npm.child.kill('SIGTERM');
      await npm.exited;
      await waitFor('everything to be gone', () => !existsSync(`${place.dataDir}/system.lock`));
      await expectNothingLeft(place, facts);
    },
  );
});

test.concurrent('as in `npm start | head`, it stops when nobody reads it any more', async () => {
  const place = await createUsedPlace();
  const system = await startSystem(place);
  const facts = readSystem(place);
  system.child.stdout?.destroy();
  await deliver(facts, sampleEvent('user.created'));
  expect(await system.exited).toBe(0);
  await expectNothingLeft(place, facts);
});

describe('what hangs', () => {
  test.concurrent(
    'a process that does not stop is killed after its deadline, and the exit code tells',
    async () => {
      const place = await createUsedPlace({ SHUTDOWN_GRACE: '1s' });
      const system = await startSystem(place);
      const facts = readSystem(place);
      process.kill(findPid(system, 'worker'), 'SIGSTOP');
      system.child.kill('SIGINT');
      expect(await system.exited).toBe(1);
      expect(system.stderr()).toMatch(
        /^worker did not stop within \d+ s and was killed\. .*SHUTDOWN_GRACE/,
      );
      await expectNothingLeft(place, facts);
    },
  );

  test.concurrent('a second Ctrl-C exits at once, and nothing lives on', async () => {
    const place = await createUsedPlace({ SHUTDOWN_GRACE: '60s' });
    const system = await startSystem(place);
    const facts = readSystem(place);
    process.kill(findPid(system, 'worker'), 'SIGSTOP');
    system.child.kill('SIGINT');
    await waitFor('the stop to begin', () => system.stdout().includes('stopping worker'));
    // The first of these arrive while they may still be echoes of the first Ctrl-C.
    await waitFor(
      'the exit',
      () => !running.has(system.child) || !system.child.kill('SIGINT'),
      5_000,
    );
    expect(await system.exited).toBe(1);
    await waitFor(
      'everything to be gone',
      async () => (await listAnswering(place, facts)).length === 0,
    );
  });

  test.concurrent('a Ctrl-C during the start leaves nothing behind', async () => {
    const place = await createPlace();
    const system = launchStart(place);
    await waitFor(
      'Postgres to be made',
      () => existsSync(`${place.dataDir}/postgres.new`),
      START_MS,
    );
    system.child.kill('SIGINT');
    expect(await system.exited).toBe(0);
    expect(system.stderr()).toBe('');
    expect(existsSync(`${place.dataDir}/postgres/postmaster.pid`)).toBe(false);
    expect(existsSync(`${place.dataDir}/system.lock`)).toBe(false);
  });
});

describe('what cannot start says why, in one line, with the cure', () => {
  test.concurrent('a second system on one DATA_DIR; the first goes on', async () => {
    const place = await createUsedPlace();
    const first = await startSystem(place);
    const { code, stderr } = await failToStart(place);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^clerk-sync runs already on .* \(process \d+\)\. .*DATA_DIR.*\n$/);
    expect((await fetch(`${readSystem(place).opsUrls['worker']}/readyz`)).status).toBe(200);
    await stop(first);
  });

  const ports = ['PORT', 'INGEST_OPS_PORT', 'WORKER_OPS_PORT', 'BOARD_PORT'];
  test.concurrent.each(ports)('a taken %s', async (name) => {
    const place = await createPlace();
    const port = Number(place.settings[name]);
    const squatter = createServer().listen(port, '127.0.0.1');
    try {
      const { code, stderr } = await failToStart(place);
      expect(code).toBe(2);
      expect(stderr).toBe(
        `Port ${port} is taken. Stop what listens there, or set ${name} to another.\n`,
      );
      expect(existsSync(`${place.dataDir}/postgres`)).toBe(false);
    } finally {
      squatter.close();
    }
  });

  const unusable = {
    'a wrong signing secret': {
      settings: { CLERK_WEBHOOK_SIGNING_SECRET: 'whsec_short' },
      expected: { code: 2, words: 'CLERK_WEBHOOK_SIGNING_SECRET' },
    },
    'a wrong port': { settings: { PORT: 'http' }, expected: { code: 2, words: 'PORT' } },
    'an unreachable database': {
      settings: { DATABASE_URL: 'postgres://a:secret@127.0.0.1:9/a' },
      expected: { code: 1, words: 'DATABASE_URL: the database at 127.0.0.1:9' },
    },
    'an unreachable Redis': {
      settings: { REDIS_URL: 'redis://:secret@127.0.0.1:9' },
      expected: { code: 1, words: 'REDIS_URL: the Redis at 127.0.0.1:9' },
    },
    'a board that others can reach, without credentials': {
      settings: { BOARD_HOST: '0.0.0.0' },
      expected: { code: 2, words: 'BOARD_USERNAME and BOARD_PASSWORD' },
    },
    'a DATA_DIR that is a file': {
      settings: { DATA_DIR: path.join(ROOT, 'package.json') },
      expected: { code: 2, words: 'DATA_DIR' },
    },
  };

  test.concurrent.each(Object.entries(unusable))('%s', async (_name, { settings, expected }) => {
    const { code, stderr } = await failToStart(await createPlace(settings));
    expect(code).toBe(expected.code);
    expect(stderr).toContain(expected.words);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).not.toContain('secret@');
  });

  test.concurrent('a Node that is too old', async () => {
    const fake =
      "data:text/javascript,Object.defineProperty(process.versions,'node',{value:'18.20.4'})";
    const old = launch(
      process.execPath,
      ['--import', fake, path.join(clone.directory, 'start.mjs')],
      await createPlace(),
    );
    expect(await old.exited).toBe(2);
    expect(old.stderr()).toMatch(
      /^clerk-sync needs Node 20\.19 or newer, and this is Node 18\.20\.4\..*\n$/,
    );
  });
});

describe('packages', () => {
  const lock = (version: string) =>
    JSON.stringify({ lockfileVersion: 3, packages: { '': {}, 'node_modules/it': { version } } });

  /** start.mjs over a stand-in for npm that writes down what it installed, and nothing to hand over to. */
  async function startWithLock(folder: string, version: string): Promise<string> {
    writeFileSync(`${folder}/package-lock.json`, lock(version));
    const place = await createPlace({ npm_execpath: `${folder}/npm-cli.js` });
    const started = launch(process.execPath, [`${folder}/start.mjs`], place);
    expect(await started.exited).toBe(0);
    return started.stdout();
  }

  test('are installed when missing and when the lockfile changed, and not otherwise', async () => {
    const folder = createFolder();
    mkdirSync(`${folder}/scripts`);
    for (const file of ['start.mjs', 'scripts/install.mjs'])
      cpSync(path.join(ROOT, file), `${folder}/${file}`);
    writeFileSync(
      `${folder}/scripts/typescript.mjs`,
      `console.log('handed over'); process.exit(0);`,
    );
    writeFileSync(
      `${folder}/npm-cli.js`,
      `const fs = require('fs'); console.log('npm', process.argv[2]); fs.mkdirSync('node_modules', { recursive: true });
       fs.copyFileSync('package-lock.json', 'node_modules/.package-lock.json');`,
    );
    expect(await startWithLock(folder, '1.0.0')).toContain('npm ci\nhanded over');
    expect(await startWithLock(folder, '1.0.0')).toBe('handed over\n');
    expect(await startWithLock(folder, '1.0.1')).toContain('npm ci\nhanded over');
  });
});

function createFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'clerk-sync-start-'));
  chmodSync(folder, 0o755); // as root, Postgres runs as another user, who must get in
  folders.push(folder);
  return folder;
}

async function createPlace(settings: Record<string, string> = {}): Promise<Place> {
  const folder = createFolder();
  const [PORT, INGEST_OPS_PORT, WORKER_OPS_PORT, BOARD_PORT] = [
    `${await findFreePort()}`,
    `${await findFreePort()}`,
    `${await findFreePort()}`,
    `${await findFreePort()}`,
  ];
  const dataDir = path.join(folder, 'data');
  return {
    folder,
    dataDir,
    settings: {
      HOST: '127.0.0.1',
      DATA_DIR: dataDir,
      PORT,
      INGEST_OPS_PORT,
      WORKER_OPS_PORT,
      BOARD_PORT,
      ...settings,
    },
  };
}

/** Where Postgres is made and migrated already. */
async function createUsedPlace(settings: Record<string, string> = {}): Promise<Place> {
  const place = await createPlace(settings);
  await run('cp', ['-a', usedDataDir, place.dataDir]);
  return place;
}

async function createUsedDataDir(): Promise<string> {
  const directory = path.join(createFolder(), 'used');
  const port = await findFreePort();
  const postgres = await startEmbeddedPostgres({ directory, port, settings: { fsync: 'off' } });
  await migrate({ url: postgres.url, schema: 'clerk' });
  await migrateQueue({ databaseUrl: postgres.url });
  await postgres.stop();
  return directory;
}

function launchStart(place: Place, project = clone.directory): Started {
  return launch(process.execPath, [path.join(project, 'start.mjs')], place);
}

/** In the place's folder, so that a developer's own .env is not read. */
function launch(file: string, args: string[], { folder, settings }: Place): Started {
  const child = spawn(file, args, {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...settings },
  });
  running.add(child);
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const exited = new Promise<number | null>((resolve) => {
    child.once('exit', () => running.delete(child));
    child.once('close', resolve);
  });
  const started = { child, stdout: () => stdout, stderr: () => stderr, exited };
  launched.push(started);
  return started;
}

/** @param project whose `start.mjs` it is. */
async function startSystem(place: Place, project?: string): Promise<Started> {
  const system = launchStart(place, project);
  await waitForBanner(system);
  return system;
}

async function waitForBanner(system: Started): Promise<void> {
  await waitFor(
    'the banner',
    () => system.stdout().includes('and see the row') || !running.has(system.child),
    START_MS,
  );
  if (!system.stdout().includes('and see the row')) {
    throw new Error(`It did not start:\n${system.stdout()}${system.stderr()}`);
  }
}

async function stop({ child, exited }: Started): Promise<void> {
  child.kill('SIGTERM');
  expect(await exited).toBe(0);
}

async function failToStart(place: Place): Promise<{ code: number | null; stderr: string }> {
  const system = launchStart(place);
  const code = await system.exited;
  return { code, stderr: system.stderr() };
}

function readSystem({ dataDir }: Place): SystemFile {
  return JSON.parse(readFileSync(`${dataDir}/system.json`, 'utf8')) as SystemFile; // what the test is about
}

/** Every process names its pid in its log. */
function findPid(system: Started, name: string): number {
  return Number(new RegExp(`^${name} +\\| \\{.*"pid":(\\d+)`, 'm').exec(system.stdout())?.[1]);
}

/** The children of it that still run. */
function listAlive(system: Started): number[] {
  const pids = [...system.stdout().matchAll(/"pid":(\d+)/g)].map(([, pid]) => Number(pid));
  return [...new Set(pids)].filter((pid) => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  });
}

function listStops(system: Started): string[] {
  return [...system.stdout().matchAll(/^system \| stopping (\w+)$/gm)].map(([, name = '']) => name);
}

async function deliver({ endpoint, signingSecret }: SystemFile, event: object): Promise<void> {
  const body = JSON.stringify(event);
  const id = newMessageId();
  expect(await post(endpoint, createSigner(signingSecret)(id, body), body)).toMatchObject({
    status: 200,
  });
}

async function countUsers(system: SystemFile, schema = 'clerk'): Promise<number> {
  const rows = await query<{ count: number }>(
    system,
    `SELECT count(*)::int AS count FROM ${schema}.users`,
  );
  return rows[0]?.count ?? 0;
}

async function query<R extends pg.QueryResultRow>(
  { databaseUrl }: SystemFile,
  sql: string,
): Promise<R[]> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  try {
    return (await client.query<R>(sql)).rows;
  } finally {
    await client.end();
  }
}

async function expectNothingLeft(place: Place, facts: SystemFile): Promise<void> {
  expect(await listAnswering(place, facts)).toEqual([]);
  for (const file of ['system.json', 'system.lock', 'postgres/postmaster.pid']) {
    expect(existsSync(`${place.dataDir}/${file}`)).toBe(false);
  }
}

/** The ports of the system on which somebody still listens. */
async function listAnswering({ settings }: Place, { databaseUrl }: SystemFile): Promise<number[]> {
  const { PORT, INGEST_OPS_PORT, WORKER_OPS_PORT, BOARD_PORT } = settings;
  const database = new URL(databaseUrl).port;
  const ports = [PORT, INGEST_OPS_PORT, WORKER_OPS_PORT, BOARD_PORT, database].map(Number);
  const answers = await Promise.all(ports.map(isListening));
  return ports.filter((_port, index) => answers[index]);
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => {
      resolve(false);
    });
  });
}
