/** `npm run forget`: drops a tombstone and nothing else, under the lock that batches take. */
import { sampleEvent, sampleId, type SampleOptions } from '../../src/clerk/samples/index.js';
import { type EventType } from '../../src/clerk/event-types.js';
import { forgetCommand } from '../../src/commands/forget.js';
import { replayCommand } from '../../src/commands/replay.js';
import { type ForgetReport } from '../../src/commands/forget/report.js';
import { type Database } from '../../src/db/database.js';
import { dropTombstone } from '../../src/db/tombstones.js';
import { type Apply } from '../../src/projections/apply.js';
import { BOUNDS, createQuietApply, openMirror } from '../support/applying.js';
import { BACKENDS, openBackend, queueSettings, waitForQueue } from '../support/backends.js';
import { newMessageId } from '../support/clerk.js';
import { runCommand, runInProcess, runToExit, type CommandResult } from '../support/commands.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { killAll, startWorker } from '../support/processes.js';
import { waitFor } from '../support/wait.js';

let database: TestDatabase;
let db: Database;
let apply: Apply;
let settings: Record<string, string>;

beforeAll(async () => {
  database = await createDatabase();
  settings = { DATABASE_URL: database.url };
  db = openMirror(database.url);
  apply = createQuietApply(db);
});
afterAll(async () => {
  await db.close();
  await database.drop();
});

const make = (type: EventType, options: SampleOptions, data: object = {}) => {
  const event = sampleEvent(type, { now: Date.now(), ...options });
  Object.assign(event.data, data);
  return { id: newMessageId(), body: JSON.stringify(event), receivedAt: Date.now() };
};
const applied = async (type: EventType, options: SampleOptions, data: object = {}) => {
  const delivery = make(type, options, data);
  await apply([delivery]);
  return delivery;
};
const readVersion = async (id: string) => {
  const rows = await database.query<Record<string, unknown>>(
    'SELECT * FROM clerk.entity_versions WHERE entity_id = $1',
    [id],
  );
  return rows[0];
};
const forget = (args: string[], more: object = {}) => runHere(args, { ...settings, ...more });
const askToForget = async (...args: string[]) => {
  const { code, stdout } = await forget([...args, '--json']);
  return { code, report: JSON.parse(stdout) as ForgetReport }; // as documented
};
/** As the Dashboard does it: one id, deleted and made again. */
const testSends = async () => {
  const user = sampleId('user');
  await applied('user.created', { entityId: user });
  const deletion = await applied('user.deleted', { entityId: user, version: 1 });
  const refused = await applied('user.created', { entityId: user, version: 2 });
  return { user, deletion: deletion.id, refused };
};

describe.each(BACKENDS)('with the queue in %s', (kind) => {
  test('a test send comes back: forgotten, replayed, applied by the worker', async () => {
    const { user, refused } = await testSends();
    const queue = queueSettings(kind);
    const open = openBackend(queue, database).openQueue();
    try {
      await waitForQueue(open);
      const forgotten = await forget([user, '--yes']);
      expect([forgotten.code, forgotten.stderr]).toEqual([0, '']);
      expect(forgotten.stdout).toContain(`To bring it back: npm run replay -- --entity ${user}\n`);
      const asked = ['--entity', user];
      const replayed = await runToExit(replayCommand, asked, { ...settings, ...queue });
      expect(replayed.code).toBe(0);
      await startWorker({ ...settings, ...queue });
      const row = await waitFor('the user to be back', async () => {
        const rows = await database.query('SELECT 1 FROM clerk.users WHERE id = $1', [user]);
        return rows[0];
      });
      expect(row).toBeDefined();
      expect(await readVersion(user)).toMatchObject({
        version_event_id: refused.id,
        deleted_at: null,
      });
    } finally {
      await killAll();
      await open.close();
    }
  });
});

test('it says what it forgets, and only a --yes makes it so where nobody can be asked', async () => {
  const { user, deletion } = await testSends();
  const before = await readVersion(user);
  const [unasked, dry] = await Promise.all([
    runCommand(['forget', user], settings),
    forget([user, '--dry-run']),
  ]);
  const what = new RegExp(
    `^user ${user} was deleted at .* UTC by user\\.deleted ${deletion}\\.\n1 event of it was refused`,
  );
  expect([unasked.code, dry.code]).toEqual([2, 0]);
  expect(unasked.stdout).toMatch(what);
  expect(unasked.stderr).toMatch(/^Nothing was changed: .* stdin is no terminal\. Add --yes/);
  expect(dry.stdout).toMatch(what);
  expect(dry.stdout).toMatch(/Nothing was changed \(--dry-run\)/);
  expect(await readVersion(user)).toEqual(before);

  expect((await askToForget(user, '--dry-run')).report.outcome).toBe('would-forget');
  expect(await readVersion(user)).toEqual(before);
  expect(await askToForget(user, '--yes')).toEqual({
    code: 0,
    report: {
      id: user,
      entityType: 'user',
      outcome: 'forgotten',
      reason: null,
      deletedAt: expect.stringMatching(/^20.*Z$/),
      erasedAt: null,
      eventId: deletion,
      eventType: 'user.deleted',
      refusedEvents: 1,
      refusedChildren: [],
      next: [`npm run replay -- --entity ${user}`],
    },
  });
  expect(await readVersion(user)).toMatchObject({
    deleted_at: null,
    version_event_id: null,
    version_updated_at: null,
  });
  expect((await apply([make('user.updated', { entityId: user })]))[0]?.outcome).toBe('applied');
});

test('what was refused along with it is named', async () => {
  const [user, member] = [sampleId('user'), sampleId('orgmem')];
  await applied('user.deleted', { entityId: user });
  const data = { public_user_data: { user_id: user } };
  const { id } = await applied('organizationMembership.created', { entityId: member }, data);
  const { report } = await askToForget(user, '--dry-run');
  expect(report.refusedChildren).toEqual([
    { id, type: 'organizationMembership.created', entityId: member },
  ]);
  expect(report.next).toEqual([`npm run replay -- --entity ${member}`]);
});

test('an erased person stays erased', async () => {
  const { user } = await testSends();
  await database.query('UPDATE clerk.entity_versions SET erased_at = now() WHERE entity_id = $1', [
    user,
  ]);
  const before = await readVersion(user);
  const { code, stdout, stderr } = await runToExit(forgetCommand, [user, '--yes'], settings);
  expect(code).toBe(1);
  expect(stdout).toMatch(/It was erased at/);
  expect(stderr).toMatch(/was erased: the tombstone is what keeps .* It stays\.\n$/);
  expect(await readVersion(user)).toEqual(before);
  const version = {
    entityType: 'user',
    entityId: user,
    eventId: String(before?.['version_event_id']),
  };
  expect(await db.transact((tx) => dropTombstone(tx, version, BOUNDS))).toBe(false);
});

test.each([
  ['is stored', 'user.created', /user user_\w+ is not deleted, but stored as of/],
  ['is unknown', undefined, /no tombstone of user_\w+ is stored/],
])('what %s has nothing to forget: exit code 1', async (_case, type, message) => {
  const user = sampleId('user');
  if (type) await applied(type as EventType, { entityId: user }); // one of the table's
  await expect(forget([user, '--yes'])).rejects.toMatchObject({
    exitCode: 1,
    message: expect.stringMatching(message),
  });
});

test('one id under two entity types: which one has to be said', async () => {
  const { user } = await testSends();
  await database.query(
    `INSERT INTO clerk.entity_versions (entity_type, entity_id, deleted_at) VALUES ('role', $1, now())`,
    [user],
  );
  await expect(forget([user, '--yes'])).rejects.toMatchObject({
    exitCode: 2,
    message: expect.stringMatching(/role, user\. Choose one with --entity-type/),
  });
  await expect(forget([user, '--yes', '--entity-type', 'session'])).rejects.toMatchObject({
    exitCode: 1,
  });
  expect((await forget([user, '--yes', '--entity-type', 'role'])).code).toBe(0);
  const left = await database.query(
    'SELECT entity_type FROM clerk.entity_versions WHERE entity_id = $1 AND deleted_at IS NOT NULL',
    [user],
  );
  expect(left).toEqual([{ entity_type: 'user' }]);
});

describe('beside a worker', () => {
  const waitForBlocked = (n: number) =>
    waitFor(`${n} to wait for a lock`, async () => {
      const rows = await database.query(
        `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      return rows.length === n;
    });

  test('an entity that a batch holds is waited for; a tombstone that is another one by then stays', async () => {
    const { user } = await testSends();
    const worker = await database.connect();
    await worker.query('BEGIN');
    await worker.query('SELECT 1 FROM clerk.entity_versions WHERE entity_id = $1 FOR UPDATE', [
      user,
    ]);
    const forgetting = forget([user, '--yes']);
    forgetting.catch(() => undefined); // it is looked at below
    await waitForBlocked(1);
    await worker.query(
      `UPDATE clerk.entity_versions SET version_event_id = 'msg_other' WHERE entity_id = $1`,
      [user],
    );
    await worker.query('COMMIT');
    await expect(forgetting).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringMatching(/become another one meanwhile/),
    });
    expect(await readVersion(user)).toMatchObject({ version_event_id: 'msg_other' });
    expect((await readVersion(user))?.['deleted_at']).not.toBeNull();
  });

  test('an entity that is held for too long is left alone: exit code 1', async () => {
    const { user } = await testSends();
    const worker = await database.connect();
    await worker.query('BEGIN');
    await worker.query('SELECT 1 FROM clerk.entity_versions WHERE entity_id = $1 FOR UPDATE', [
      user,
    ]);
    await expect(forget([user, '--yes'], { DATABASE_LOCK_TIMEOUT: '1s' })).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringMatching(/^Nothing was changed: a worker, or somebody else, holds/),
    });
    await worker.query('ROLLBACK');
  });

  test('a batch that waits for the tombstone meanwhile goes by what is left', async () => {
    const { user, deletion } = await testSends();
    const [organization, member] = [sampleId('org'), sampleId('orgmem')];
    const gone = await applied('organization.deleted', { entityId: organization });
    const nested = { id: organization, name: 'ACME', updated_at: Date.now() };
    // The one writes what was deleted; the other only mentions the user and carries the organization along.
    const batches = [
      make('user.updated', { entityId: user }),
      make(
        'organizationMembership.created',
        { entityId: member },
        { organization: nested, public_user_data: { user_id: user } },
      ),
    ];
    const outcomes = await db.transact(async (tx) => {
      for (const version of [
        { entityType: 'user', entityId: user, eventId: deletion },
        { entityType: 'organization', entityId: organization, eventId: gone.id },
      ]) {
        expect(await dropTombstone(tx, version, BOUNDS)).toBe(true);
      }
      const applying = batches.map((batch) => apply([batch]));
      await waitForBlocked(batches.length);
      return applying;
    });
    const settled = await Promise.all(outcomes);
    expect(settled.map(([result]) => result?.outcome)).toEqual(['applied', 'applied']);
    for (const [table, id] of [
      ['users', user],
      ['organizations', organization],
      ['organization_memberships', member],
    ]) {
      const rows = await database.query<{ data: unknown }>(
        `SELECT data FROM clerk.${table ?? ''} WHERE id = $1`,
        [id],
      );
      expect([table, rows[0]?.data]).toEqual([table, expect.anything()]);
    }
  });
});

test.each([
  ['no id', [], 'Of which id'],
  ['two ids', ['user_a', 'user_b'], 'One id at a time'],
  ['an option that it does not have', ['user_a', '--force'], "Unknown option '--force'"],
])('%s is wrong usage', async (_case, args, message) => {
  await expect(forget(args)).rejects.toMatchObject({
    exitCode: 2,
    message: expect.stringContaining(message),
  });
});

test('without a database: exit code 1', async () => {
  const { code, stdout, stderr } = await runToExit(forgetCommand, ['user_a', '--yes'], {
    DATABASE_URL: 'postgres://127.0.0.1:1/x',
  });
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(/^The database is not ready: .*Check DATABASE_URL/);
});

function runHere(args: string[], environment: Record<string, string>): Promise<CommandResult> {
  return runInProcess(forgetCommand, args, environment);
}
