/** What Clerk has before we listen, or while we do not, is fetched: all of it, once interrupted or twice, beside live traffic or alone. */
import { readFileSync } from 'node:fs';
import { SAMPLE_INSTANCE_ID } from '../../src/clerk/samples/index.js';
import { backfillCommand } from '../../src/commands/backfill.js';
import { type ClerkApiServer, startClerkApi } from '../support/clerk-api/start-clerk-api.js';
import { spawnClerkApi } from '../support/clerk-api/spawn-clerk-api.js';
import { deliver } from '../support/clerk.js';
import { runCommand, runToExit, startCommand } from '../support/commands.js';
import { closeAll, openDatabase } from '../support/closing.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { expectRows, readRows } from '../support/mirror.js';
import { killAll, startIngest, startWorker } from '../support/processes.js';
import { waitFor } from '../support/wait.js';

/** Raised by `npm run soak`. */
const USERS = Number(process.env['BACKFILL_USERS'] ?? 6_000);
const MEMBERSHIPS = USERS / 5;
const ORGANIZATIONS = Math.max(10, USERS / 100);
/** What is fetched is a page or two at a time: a hundred thousand users would take more than ten times that. */
const MOST_MEMORY_KB = 600_000;

const SMALL = {
  users: 30,
  organizations: 4,
  organization_memberships: 20,
  organization_invitations: 6,
  organization_domains: 3,
  organization_roles: 3,
  organization_permissions: 5,
  waitlist_entries: 4,
};

let database: TestDatabase;
let clerk: ClerkApiServer | undefined;

beforeEach(async () => {
  database = await createDatabase();
});

afterEach(async () => {
  await killAll();
  await clerk?.stop();
  clerk = undefined;
  await database.drop();
});

// The long tests run beside each other, each with a database of its own.
afterAll(closeAll);

const settings = (api: { url: string; secretKey: string }, { url } = database) => ({
  DATABASE_URL: url,
  CLERK_API_URL: api.url,
  CLERK_SECRET_KEY: api.secretKey,
});

const backfill = (args: string[], api: ClerkApiServer, extra: Record<string, string> = {}) =>
  runToExit(backfillCommand, args, { ...settings(api), ...extra });

test('all that Clerk lists is stored as Clerk has it', async () => {
  clerk = await startClerkApi({ size: SMALL });
  const result = await runCommand(['backfill'], settings(clerk));
  expect(result).toMatchObject({ code: 0 });
  for (const line of ['users: 30 fetched, 30 applied', 'organization_memberships: 20 fetched']) {
    expect(result.stdout).toContain(line);
  }
  const { instance } = clerk;
  for (const [table, kind] of [
    ['users', 'users'],
    ['organization_memberships', 'organization_memberships'],
    ['organization_invitations', 'organization_invitations'],
    ['organization_domains', 'organization_domains'],
    ['roles', 'organization_roles'],
    ['permissions', 'organization_permissions'],
    ['waitlist_entries', 'waitlist_entries'],
  ] as const) {
    const rows = await readRows(database, table);
    expect([table, rows.map(({ id }) => id)]).toEqual([
      table,
      expectRows(instance.readAll(kind)).map(({ id }) => id),
    ]);
    expect(rows.filter(({ data }) => data === null)).toEqual([]);
  }
  const again = await backfill(['--json'], clerk);
  expect(JSON.parse(again.stdout)).toMatchObject({
    progress: { users: { fetched: 30, applied: 0, stale: 30, failed: 0 } },
  });
  const recorded = await database.query(
    `SELECT outcome, payload FROM clerk.webhook_events WHERE id LIKE 'backfill-%' AND entity_type = 'user'`,
  );
  expect(recorded).toEqual(Array(30).fill({ outcome: 'applied', payload: null }));
});

test.concurrent(
  'many users are fetched whole, though it is killed twice, with flat memory and within the limits',
  async () => {
    const database = await openDatabase();
    const api = await spawnClerkApi({
      size: {
        users: USERS,
        organizations: ORGANIZATIONS,
        organization_memberships: MEMBERSHIPS,
      },
    });
    try {
      let most = 0;
      for (const share of [0.25, 0.6]) {
        const { child, ended } = startCommand(['backfill'], settings(api, database));
        await waitFor(
          'a part of them to be stored',
          async () => {
            most = Math.max(most, readPeakKb(child.pid));
            const [row] = await database.query<{ n: number }>(
              'SELECT count(*)::integer AS n FROM clerk.users WHERE data IS NOT NULL',
            );
            return (row?.n ?? 0) >= USERS * share;
          },
          300_000,
        );
        child.kill('SIGKILL');
        await ended;
      }
      const before = await api.readCounts();
      const { child, ended } = startCommand(['backfill'], settings(api, database));
      const watch = setInterval(() => (most = Math.max(most, readPeakKb(child.pid))), 100);
      const result = await ended.finally(() => clearInterval(watch));
      expect(result).toMatchObject({ code: 0 });
      expect(result.stderr).toContain('going on with the run of');
      const [stored] = await database.query(
        `SELECT (SELECT count(*)::integer FROM clerk.users WHERE data IS NOT NULL) AS users,
         (SELECT count(DISTINCT id)::integer FROM clerk.organization_memberships) AS memberships,
         (SELECT count(*)::integer FROM clerk.organizations WHERE data IS NOT NULL) AS organizations`,
      );
      expect(stored).toEqual({
        users: USERS,
        memberships: MEMBERSHIPS,
        organizations: ORGANIZATIONS,
      });
      const after = await api.readCounts();
      const pages = after.byRoute['GET /users'] ?? 0;
      // It went on where it stood: what was committed was not fetched a second time.
      expect(pages - (before.byRoute['GET /users'] ?? 0)).toBeLessThan((USERS / 500) * 0.6);
      expect(after.limited).toBe(0);
      expect(most).toBeGreaterThan(0);
      expect(most).toBeLessThan(MOST_MEMORY_KB);
    } finally {
      await api.stop();
    }
  },
  900_000,
);

test.concurrent(
  'beside live updates and deletes the tables end as Clerk does',
  async () => {
    const database = await openDatabase();
    const queue = { REDIS_URL: process.env['TEST_REDIS_URL'], QUEUE_PREFIX: `bf${Date.now()}` };
    const common = { DATABASE_URL: database.url, ...queue };
    const ingest = await startIngest(common);
    await startWorker(common);
    const sending: Promise<unknown>[] = [];
    const api = await startClerkApi({
      size: { users: 3_000, organizations: 20, organization_memberships: 600 },
      onEvent: (event) => sending.push(deliver(ingest.url, event)),
    });
    const { ended } = startCommand(['backfill'], settings(api, database));
    const users = api.instance.readAll('users').map(({ id }) => String(id));
    // Each third: touched while the run passes, some before their page is fetched and some after.
    let next = 0;
    const isRunning = { value: true };
    void ended.then(() => (isRunning.value = false));
    await waitFor(
      'the run to end beside live traffic',
      () => {
        for (let i = 0; i < 10 && next < users.length; i++, next += 7) {
          const id = users[next] ?? '';
          if (next % 3 === 0) api.instance.remove('users', id);
          else api.instance.update('users', id, { first_name: `Changed ${next}` });
        }
        if (next < users.length) api.instance.add('users');
        return !isRunning.value && next >= users.length;
      },
      120_000,
    );
    expect(await ended).toMatchObject({ code: 0 });
    await Promise.all(sending);
    const names = (rows: { id: unknown; data: Record<string, unknown> | null }[]) =>
      rows.map(({ id, data }) => ({ id, name: data?.['first_name'] }));
    await waitFor(
      'the worker to be done',
      async () => {
        const [row] = await database.query<{ n: number }>(
          `SELECT count(*)::integer AS n FROM clerk.webhook_events WHERE id NOT LIKE 'backfill-%'`,
        );
        return row?.n === sending.length;
      },
      60_000,
    );
    expect(names(await readRows(database, 'users'))).toEqual(
      names(expectRows(api.instance.readAll('users'))),
    );
    const memberships = await readRows(database, 'organization_memberships');
    expect(memberships.map(({ id }) => id)).toEqual(
      expectRows(api.instance.readAll('organization_memberships')).map(({ id }) => id),
    );
    await api.stop();
  },
  200_000,
);

test.concurrent(
  'a network that is lost in the middle damages nothing, and is named; run again, it goes on',
  async () => {
    const database = await openDatabase();
    const api = await startClerkApi({ size: { ...SMALL, users: 1_600 } });
    const ended = runToExit(backfillCommand, ['users'], settings(api, database));
    await waitFor('the first page', async () => (await readRows(database, 'users')).length > 0);
    await api.loseNetwork();
    const result = await ended;
    await api.restoreNetwork();
    // It may have had everything in hand by then; else it says what is wrong.
    if (result.code !== 0)
      expect(result.stderr).toContain("Clerk's Backend API gives no usable answer");
    const again = await runToExit(backfillCommand, ['users'], settings(api, database));
    expect(again).toMatchObject({ code: 0 });
    expect((await readRows(database, 'users')).length).toBe(1_600);
    await api.stop();
  },
  120_000,
);

describe('one entity at once:', () => {
  test('a user is fetched and stored', async () => {
    clerk = await startClerkApi({ size: SMALL });
    const [user] = clerk.instance.readAll('users');
    const id = String(user?.['id']);
    expect(await backfill([id], clerk)).toMatchObject({
      code: 0,
      stdout: `${id}: stored as Clerk has it now\n`,
    });
    expect((await readRows(database, 'users')).map((row) => row.id)).toEqual([id]);
  });

  test('an id that Clerk does not know is said to be absent', async () => {
    clerk = await startClerkApi({ size: SMALL });
    const result = await backfill(['user_nobody'], clerk);
    expect(result.code).toBe(1);
    expect(result.stdout).toContain('Clerk has no such object');
  });
});

test('who was deleted here and is in Clerk is reported, not revived', async () => {
  clerk = await startClerkApi({ size: SMALL });
  const id = String(clerk.instance.readAll('users')[3]?.['id']);
  await database.query(
    `INSERT INTO clerk.entity_versions (entity_type, entity_id, version_updated_at, version_occurred_at, version_event_id, deleted_at)
     VALUES ('user', $1, now(), now(), 'msg_1', now())`,
    [id],
  );
  const result = await backfill(['users'], clerk);
  expect(result.code).toBe(0);
  expect(result.stdout).toContain(`deleted here and left so: ${id}`);
  expect((await readRows(database, 'users')).map((row) => row.id)).not.toContain(id);
});

test('what `npm run send` left there is of no instance, and keeps nobody from connecting theirs', async () => {
  clerk = await startClerkApi({ size: SMALL });
  await database.query(
    `INSERT INTO clerk.webhook_events (id, instance_id, outcome, processed_at) VALUES ('msg_1', $1, 'applied', now())`,
    [SAMPLE_INSTANCE_ID],
  );
  expect(await backfill(['users'], clerk)).toMatchObject({ code: 0 });
});

describe('nothing is damaged, and the cause and cure are said, with', () => {
  test('a wrong key', async () => {
    clerk = await startClerkApi({ size: SMALL });
    const result = await runCommand(['backfill'], {
      ...settings(clerk),
      CLERK_SECRET_KEY: 'sk_test_wrong',
    });
    expect(result.code).toBe(2);
    expect(result.stderr).toContain('CLERK_SECRET_KEY');
    expect(result.stderr).not.toContain('sk_test_wrong');
    expect(await readRows(database, 'users')).toEqual([]);
  });

  test('the key of another instance', async () => {
    clerk = await startClerkApi({ size: SMALL });
    await database.query(
      `INSERT INTO clerk.webhook_events (id, instance_id, outcome, processed_at) VALUES ('msg_1', 'ins_other', 'applied', now())`,
    );
    const result = await backfill([], clerk);
    expect(result.code).toBe(2);
    expect(result.stderr).toContain('ins_other');
    expect(await readRows(database, 'users')).toEqual([]);
  });

  test.each<[string, string[], Record<string, string>, number, string]>([
    ['an entity that Clerk does not list', ['sessions'], {}, 2, 'does not list "sessions"'],
    ['two ids', ['user_1', 'user_2'], {}, 2, 'One id at a time'],
    ['no key', [], { CLERK_SECRET_KEY: '' }, 2, 'CLERK_SECRET_KEY is not set'],
    [
      'a database that is away',
      [],
      { DATABASE_URL: 'postgres://127.0.0.1:1/x' },
      1,
      'DATABASE_URL',
    ],
  ])('%s', async (_what, args, extra, code, said) => {
    clerk = await startClerkApi({ size: SMALL });
    const result = await backfill(args, clerk, extra);
    expect(result.code).toBe(code);
    expect(result.stderr).toContain(said);
  });
});

/** The most memory that the process ever held, by the kernel's count; 0 when it is gone. */
function readPeakKb(pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0);
  } catch {
    return 0;
  }
}
