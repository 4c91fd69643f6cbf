/** What webhooks did not bring is found by comparing, and mended; a second look finds nothing. */
import { type ClerkApiServer, startClerkApi } from '../support/clerk-api/start-clerk-api.js';
import { backfillCommand } from '../../src/commands/backfill.js';
import { reconcileCommand } from '../../src/commands/reconcile.js';
import { runCommand, runToExit } from '../support/commands.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { expectRows, readRows } from '../support/mirror.js';

/** Raised by `npm run soak`. */
const USERS = Number(process.env['RECONCILE_USERS'] ?? 2_000);

let database: TestDatabase;
let clerk: ClerkApiServer;

beforeEach(async () => {
  database = await createDatabase();
  clerk = await startClerkApi({
    size: { users: USERS, organizations: 10, organization_memberships: USERS / 10 },
  });
  expect(await runToExit(backfillCommand, [], settings())).toMatchObject({ code: 0 });
});

afterEach(async () => {
  await clerk.stop();
  await database.drop();
});

const settings = (extra: object = {}) => ({
  DATABASE_URL: database.url,
  CLERK_API_URL: clerk.url,
  CLERK_SECRET_KEY: clerk.secretKey,
  ...extra,
});

type Found = Record<string, { missing: number; stale: number; extra: number; repaired: number }>;

async function reconcile(...args: string[]): Promise<{ code: number; found: Found }> {
  const { code, stdout, stderr } = await runToExit(
    reconcileCommand,
    ['--json', ...args],
    settings(),
  );
  if (!stdout) throw new Error(stderr);
  return { code, found: (JSON.parse(stdout) as { found: Found }).found };
}

test('one event in a hundred that was withheld, deletes among them, is found and mended; then nothing is left', async () => {
  expect(await reconcile('--dry-run')).toMatchObject({ code: 0 });
  const { instance } = clerk;
  const withheld = { missing: 0, stale: 0, extra: 0 };
  for (const [index, { id }] of instance.readAll('users').entries()) {
    if (index % 100 !== 0) continue;
    const kind = (index / 100) % 3;
    if (kind === 0) {
      instance.remove('users', String(id));
      withheld.extra++;
    } else if (kind === 1) {
      instance.update('users', String(id), { first_name: 'Changed' });
      withheld.stale++;
    } else {
      instance.add('users');
      withheld.missing++;
    }
  }
  const dry = await reconcile('--dry-run');
  expect(dry).toMatchObject({ code: 1, found: { users: { ...withheld, repaired: 0 } } });
  expect(await readRows(database, 'users')).toHaveLength(USERS);
  const total = withheld.missing + withheld.stale + withheld.extra;
  const mended = await reconcile();
  expect(mended).toMatchObject({ code: 0, found: { users: { ...withheld, repaired: total } } });
  const names = (rows: { id: unknown; data: Record<string, unknown> | null }[]) =>
    rows.map(({ id, data }) => ({ id, name: data?.['first_name'] }));
  expect(names(await readRows(database, 'users'))).toEqual(
    names(expectRows(instance.readAll('users'))),
  );
  const again = await reconcile('--dry-run');
  expect(again.code).toBe(0);
  for (const drift of Object.values(again.found)) {
    expect(drift).toMatchObject({ missing: 0, stale: 0, extra: 0 });
  }
}, 300_000);

test('who is in Clerk and was deleted here is reported, not revived; what cannot be compared is named', async () => {
  const id = String(clerk.instance.readAll('users')[3]?.['id']);
  await database.query('DELETE FROM clerk.users WHERE id = $1', [id]);
  await database.query(
    `UPDATE clerk.entity_versions SET deleted_at = now() WHERE entity_type = 'user' AND entity_id = $1`,
    [id],
  );
  const result = await runToExit(reconcileCommand, ['users'], settings());
  expect(result.stdout).toContain(`deleted here though Clerk has it, left so: ${id}`);
  expect(result.stdout).toMatch(/not compared: .*sessions.*payment_attempts.*email_messages/);
  expect((await readRows(database, 'users')).map((row) => row.id)).not.toContain(id);
});

describe('nothing is deleted, and the cause and cure are said, when', () => {
  test('more would be deleted than the cap allows; told so, it does it', async () => {
    const users = clerk.instance.readAll('users');
    for (const { id } of users.slice(0, USERS / 10)) clerk.instance.remove('users', String(id));
    const refused = await runToExit(reconcileCommand, ['users'], settings());
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(`${USERS / 10} of ${USERS} rows in users`);
    expect(refused.stderr).toContain('--max-deletes');
    expect(await readRows(database, 'users')).toHaveLength(USERS);
    const told = await runToExit(reconcileCommand, ['users', '--max-deletes', '20%'], settings());
    expect(told).toMatchObject({ code: 0 });
    expect(await readRows(database, 'users')).toHaveLength(USERS - USERS / 10);
  }, 120_000);

  test('Clerk answers with empty lists', async () => {
    const end = clerk.fail({
      on: /^GET \/v1\/users\?/,
      how: (response) => response.setHeader('content-type', 'application/json').end('[]'),
    });
    const result = await runToExit(reconcileCommand, ['users'], settings());
    end();
    expect(result.code).toBe(1);
    expect(result.stderr).toContain("Clerk's list of 0");
    expect(await readRows(database, 'users')).toHaveLength(USERS);
  });

  test('the key is of another instance', async () => {
    const environment = settings({ CLERK_INSTANCE_ID: 'ins_production' });
    const result = await runCommand(['reconcile'], environment);
    expect(result.code).toBe(2);
    expect(result.stderr).toContain('ins_production');
  });

  test('it is called wrongly', async () => {
    for (const args of [['--max-deletes', '5'], ['sessions'], ['--nonsense']]) {
      const result = await runToExit(reconcileCommand, args, settings());
      expect([args, result.code]).toEqual([args, 2]);
    }
  });
});
