/**
 * README on a fresh clone of HEAD, command by command, as a newcomer types it, and what it leads to next: samples, tables, board.
 * What is not committed is not there.
 * `npm run newcomer`; CI runs it beside the tests. The packages come from npm's cache where it has them.
 */
import { appendFileSync, chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { queueSettings } from '../support/backends.js';
import { type ClerkApiServer, startClerkApi } from '../support/clerk-api/start-clerk-api.js';
import { SECRET } from '../support/clerk.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { type Block, readChapter, readChapters } from '../support/document.js';
import { findFreePort } from '../support/ports.js';
import { createShell, type Opened, type Shell } from '../support/shell.js';
import { waitFor } from '../support/wait.js';

const ROOT = path.resolve(import.meta.dirname, '../..');
/** `npm ci` and the making of a cluster, on a machine that does other things, too. */
const FIRST_START_MS = 240_000;

/** Blocks that nobody follows here, and why. */
const NOT_FOLLOWED = {
  Tests: 'these are the tests',
};

import.meta.jest.setTimeout(400_000);

const followed = new Set<string>();
let folder: string;
let clone: string;
let shell: Shell;
let ports: Record<'PORT' | 'INGEST_OPS_PORT' | 'WORKER_OPS_PORT' | 'BOARD_PORT', string>;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'clerk-sync-newcomer-'));
  chmodSync(folder, 0o755); // as root, Postgres runs as another user, who must get in
  clone = path.join(folder, 'clerk-sync');
  // Others use this machine, too: the one thing that a newcomer does not set.
  ports = {
    PORT: `${await findFreePort()}`,
    INGEST_OPS_PORT: `${await findFreePort()}`,
    WORKER_OPS_PORT: `${await findFreePort()}`,
    BOARD_PORT: `${await findFreePort()}`,
  };
  const [line = ''] = readLines(path.join(ROOT, 'README.md'), 'Quick start', 'git clone');
  expect(line).toContain('<this repository> clerk-sync && cd clerk-sync');
  await createShell(folder).type(line.replace('<this repository>', `'${ROOT}'`));
  shell = createShell(clone);
  Object.assign(shell.settings, ports, { npm_config_prefer_offline: 'true' });
});

afterAll(async () => {
  await shell.close();
  await waitFor('everything to be gone', () => !existsSync(path.join(clone, '.data/system.lock')));
  rmSync(folder, { recursive: true, force: true });
});

test('the quick start leads from a clone to a row, and Ctrl-C ends it', async () => {
  const [, start = ''] = readSteps('Quick start', 'git clone');
  const system = shell.open(start);
  await waitFor(
    'npm start to say that it runs',
    () => system.output().includes('and see the row') || system.hasEnded(),
    FIRST_START_MS,
  );
  const banner = system.output();
  expect(banner).toContain('clerk-sync runs.');
  const connectionString = /database +(postgres:\S+)/.exec(banner)?.[1] ?? '';
  const endpoint = /endpoint +(http:\S+)/.exec(banner)?.[1] ?? '';

  const [send = ''] = readSteps('Quick start', 'npm run send');
  const answer = await shell.type(send);
  expect(answer).toContain('{"status":"queued",');
  const id = /msg_\w+/.exec(answer)?.[0] ?? '';
  const [look = ''] = readSteps('Quick start', 'psql');
  const rows = look.replace('postgres://…the string that npm start printed…', connectionString);
  await waitFor('the row', async () => (await shell.type(rows)).includes('active'));
  const [printed = ''] = banner.split('and see the row:')[1]?.trim().split('\n') ?? [];
  expect(await shell.type(printed)).toContain('active');
  const [why = ''] = readSteps('Quick start', 'npm run why');
  expect(await shell.type(why.replace('msg_…', id))).toContain('applied');

  for (const line of readLines(path.join(clone, 'docs/operations.md'), 'send', 'npm run send')) {
    await shell.type(line.replace('https://staging.example.com/api/webhooks', endpoint));
  }
  const tables = path.join(clone, 'docs/tables.md');
  for (const { text } of [...readChapters(tables).values()].flat()) {
    await shell.run('psql', [connectionString, '-v', 'ON_ERROR_STOP=1', '-f', '-'], text);
  }
  expect(await shell.type('npm run doctor')).toContain('✔');

  system.interrupt();
  await system.ended;
  await expectStopped();
  for (const kept of ['postgres', 'postgres-password', 'postgres-port', 'signing-secret']) {
    expect([kept, existsSync(path.join(clone, '.data', kept))]).toEqual([kept, true]);
  }
});

describe('the production-like path', () => {
  let database: TestDatabase;
  let clerk: ClerkApiServer;
  const running: Opened[] = [];

  beforeAll(async () => {
    database = await createDatabase({ migrated: false });
    clerk = await startClerkApi({ size: { users: 4, organizations: 1 } });
  });

  afterAll(async () => {
    for (const one of running) one.interrupt();
    await Promise.all(running.map(({ ended }) => ended));
    await expectStopped();
    await clerk.stop();
    await database.drop();
  });

  test('brings up three processes that the doctor finds well', async () => {
    const [copy = '', compose, install, migrate = '', ...rest] = readSteps(
      'The production-like path',
      'cp .env.example',
    );
    await shell.type(copy);
    // No Docker here: the servers of the tests stand in for those of docker-compose.yml, which a test of its own reads.
    expect(compose).toMatch(/^docker compose up /);
    configure({
      CLERK_WEBHOOK_SIGNING_SECRET: SECRET,
      DATABASE_URL: database.url,
      BOARD_USERNAME: 'newcomer',
      BOARD_PASSWORD: 'a long password',
      ...queueSettings('redis'),
    });
    // `npm start` did that a moment ago.
    expect(install).toBe('npm ci');
    await shell.type(migrate);
    const doctor = rest.pop() ?? '';
    expect(rest).toEqual(['npm run ingest', 'npm run worker', 'npm run board']);
    for (const command of rest) running.push(shell.open(command));
    await waitFor('all three to be ready', areReady, 60_000);
    expect(await shell.type(doctor)).not.toContain('✘');
  });

  test('takes a sample, and the board a script that says where it comes from', async () => {
    await shell.type('npm run send -- user.created');
    await waitFor('the row', async () => {
      const rows = await database.query('SELECT 1 FROM clerk.users');
      return rows.length === 1;
    });
    const operations = path.join(clone, 'docs/operations.md');
    const [curl = ''] = readLines(operations, 'The board', 'curl');
    const { BOARD_PORT } = ports;
    Object.assign(shell.settings, {
      BOARD_USERNAME: 'newcomer',
      BOARD_PASSWORD: 'a long password',
    });
    await shell.type(`${curl.replaceAll(':4003', `:${BOARD_PORT}`)} --silent --fail`);
  });

  test('becomes level with Clerk', async () => {
    configure({ CLERK_SECRET_KEY: clerk.secretKey, CLERK_API_URL: clerk.url });
    writeFileSync(path.join(clone, 'users.csv'), 'id,email\n1,ann@example.com\n');
    const [backfill = '', reconcile = '', ...rest] = readSteps(
      'Level with Clerk',
      'npm run backfill',
    );
    await database.query('DELETE FROM clerk.users'); // the sample, which this Clerk does not know
    await shell.type(backfill);
    expect(await database.query('SELECT 1 FROM clerk.users')).toHaveLength(4);
    await shell.type(reconcile);
    const id = String(clerk.instance.readAll('users')[0]?.['id']);
    for (const line of rest) await shell.type(line.replace('user_…', id));
    expect(clerk.instance.read('users', id)?.['public_metadata']).toMatchObject({ role: 'admin' });
  });
});

test('no command of README is left that was not followed', () => {
  const left = [...readChapters(path.join(clone, 'README.md'))]
    .filter(([heading]) => !(heading in NOT_FOLLOWED))
    .flatMap(([, blocks]) => blocks.filter(isRunnable))
    .filter(({ text }) => !followed.has(text));
  expect(left).toEqual([]);
});

/** The lines of the block of the clone's README that says `part`. */
function readSteps(heading: string, part: string): string[] {
  return readLines(path.join(clone, 'README.md'), heading, part);
}

/** Without comments; what a backslash continues is one line. */
function readLines(file: string, heading: string, part: string): string[] {
  const block = readChapter(file, heading).find(
    (one) => isRunnable(one) && one.text.includes(part),
  );
  if (!block) throw new Error(`Under "${heading}", ${file} has no block that says "${part}".`);
  followed.add(block.text);
  return block.text
    .replaceAll('\\\n', ' ')
    .split('\n')
    .map((line) => line.replace(/ +# .*$/, '').trim())
    .filter((line) => line !== '');
}

function isRunnable({ language }: Block): boolean {
  return language === 'sh' || language === 'sql';
}

/** What somebody writes into .env; of two lines the later one counts. */
function configure(values: object): void {
  const lines = Object.entries(values).map(([name, value]) => `${name}='${value}'\n`);
  appendFileSync(path.join(clone, '.env'), lines.join(''));
}

async function areReady(): Promise<boolean> {
  const { INGEST_OPS_PORT, WORKER_OPS_PORT, BOARD_PORT } = ports;
  const answers = await Promise.all([INGEST_OPS_PORT, WORKER_OPS_PORT, BOARD_PORT].map(isReady));
  return answers.every(Boolean);
}

async function isReady(port: string): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/readyz`)).ok;
  } catch {
    return false;
  }
}

async function expectStopped(): Promise<void> {
  await waitFor('every port to be free', async () => {
    const answers = await Promise.all(
      Object.values(ports).map((port) =>
        fetch(`http://127.0.0.1:${port}/healthz`).then(
          () => true,
          () => false,
        ),
      ),
    );
    return answers.every((answer) => !answer);
  });
  await waitFor(
    'Postgres to be gone',
    () => !existsSync(path.join(clone, '.data/postgres/postmaster.pid')),
  );
}
