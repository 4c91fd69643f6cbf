/** `npm run prune`: what it removes, what it leaves, and that nothing which is left can bring back what it has forgotten. */
import { type Job } from 'bullmq';
import { type EventType } from '../../src/clerk/event-types.js';
import { sampleEvent, sampleId, type SampleOptions } from '../../src/clerk/samples/index.js';
import { type Database } from '../../src/db/database.js';
import { forgetMemories, listMemories } from '../../src/db/memories.js';
import { type Apply } from '../../src/projections/apply.js';
import { ENTITIES } from '../../src/projections/fact.js';
import { type OpenQueue } from '../../src/queue/contract.js';
import { toJob } from '../../src/queue/job.js';
import { BOUNDS, createQuietApply, openMirror } from '../support/applying.js';
import { BACKENDS, openBackend, queueSettings, waitForQueue } from '../support/backends.js';
import { newMessageId } from '../support/clerk.js';
import { pruneCommand } from '../../src/commands/prune.js';
import { runCommand, runToExit } from '../support/commands.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { findFreePort } from '../support/ports.js';

const DAY_MS = 86_400_000;
const RETENTION = {
  attempts: 1,
  completedAgeSeconds: 86_400,
  completedCount: 1_000,
  failedAgeSeconds: 86_400,
};

let database: TestDatabase;
let db: Database;
let apply: Apply;

beforeEach(async () => {
  database = await createDatabase();
  db = openMirror(database.url);
  apply = createQuietApply(db);
});
afterEach(async () => {
  await db.close();
  await database.drop();
});

interface Sent {
  id: string;
  body: string;
}

/** Applies a sample event that came, and was processed, so many days ago. */
async function applyAged(
  days: number,
  type: EventType,
  options: SampleOptions = {},
): Promise<Sent> {
  const sent = makeAged(days, type, options);
  await applyNow(sent);
  await age(sent.id, days);
  return sent;
}

function makeAged(days: number, type: EventType, options: SampleOptions = {}): Sent {
  const event = sampleEvent(type, { ...options, now: Date.now() - days * DAY_MS });
  return { id: newMessageId(), body: JSON.stringify(event) };
}

async function applyNow({ id, body }: Sent, force = false): Promise<string | undefined> {
  const delivery = { id, body, receivedAt: Date.now(), ...(force && { force: true as const }) };
  return (await apply([delivery]))[0]?.outcome;
}

const age = (id: string, days: number) =>
  database.query(
    `UPDATE clerk.webhook_events SET processed_at = now() - make_interval(days => $2) WHERE id = $1`,
    [id, days],
  );
const readOutcome = async (id: string) =>
  (
    await database.query<{ outcome: string; kept: boolean }>(
      'SELECT outcome, payload IS NOT NULL AS kept FROM clerk.webhook_events WHERE id = $1',
      [id],
    )
  )[0];
const findTombstones = async () =>
  (
    await database.query<{ id: string }>(
      'SELECT entity_id AS id FROM clerk.entity_versions WHERE deleted_at IS NOT NULL',
    )
  )
    .map(({ id }) => id)
    .sort();
const findVersions = async () =>
  (await database.query<{ id: string }>('SELECT entity_id AS id FROM clerk.entity_versions'))
    .map(({ id }) => id)
    .sort();
const countRows = async (table: string, id: string) =>
  (await database.query(`SELECT 1 FROM clerk.${table} WHERE id = $1`, [id])).length;

async function prune(args: string[] = [], settings: object = {}) {
  const { code, stdout, stderr } = await runToExit(pruneCommand, ['--json', ...args], {
    DATABASE_URL: database.url,
    ...settings,
  });
  return { code, stderr, receipt: JSON.parse(stdout || '{}') as Record<string, unknown> };
}

test('payloads older than EVENT_RETENTION_DAYS go, their rows stay, and a dry run says so beforehand', async () => {
  const old = await applyAged(40, 'user.created');
  const failed = { id: newMessageId(), body: '{"type":"user.created","data":"no object"}' };
  await applyNow(failed);
  await age(failed.id, 40);
  const young = await applyAged(20, 'user.created');
  const settings = { EVENT_RETENTION_DAYS: '30' };

  const counts = { payloads: 2, failedPayloads: 1, sessions: 0, tombstones: 0 };
  const rehearsal = await prune(['--dry-run'], settings);
  expect(rehearsal).toMatchObject({ code: 0, receipt: { ...counts, dryRun: true } });
  expect(await readOutcome(old.id)).toEqual({ outcome: 'applied', kept: true });

  expect(await prune([], settings)).toMatchObject({ code: 0, receipt: counts });
  expect(await readOutcome(old.id)).toEqual({ outcome: 'applied', kept: false });
  expect(await readOutcome(failed.id)).toEqual({ outcome: 'failed', kept: false });
  expect(await readOutcome(young.id)).toEqual({ outcome: 'applied', kept: true });
  expect(await applyNow(old)).toBe('applied'); // as before: the row is what remembers
  expect(await readOutcome(old.id)).toMatchObject({ kept: false });

  const again = await prune([], settings);
  expect(again).toMatchObject({ code: 0, receipt: { payloads: 0, failedPayloads: 0 } });
});

test('runs of handlers go as old as payloads, over or not, and one that was asked for again counts from then', async () => {
  await database.query(
    `INSERT INTO clerk.handler_runs (event_id, handler, round, created_at, relayed_at, finished_at, outcome)
     SELECT 'msg_' || n, 'old', 1, now() - interval '41 days', now(), now() - interval '40 days',
       (ARRAY['done', 'failed', 'skipped'])[n % 3 + 1] FROM generate_series(1, 2500) n`,
  );
  await database.query(
    `INSERT INTO clerk.handler_runs (event_id, handler, round, created_at, finished_at, outcome) VALUES
       ('msg_1', 'never-over', 1, now() - interval '40 days', NULL, NULL),
       ('msg_1', 'young', 1, now() - interval '20 days', now() - interval '20 days', 'failed'),
       ('msg_1', 'again', 2, now() - interval '1 hour', NULL, NULL)`,
  );
  const settings = { EVENT_RETENTION_DAYS: '30' };
  const counts = { runs: 2501, unfinishedRuns: 1 };
  expect(await prune(['--dry-run'], settings)).toMatchObject({ receipt: counts });
  expect(await prune([], settings)).toMatchObject({ code: 0, receipt: counts });
  const left = await database.query('SELECT handler FROM clerk.handler_runs ORDER BY handler');
  expect(left).toEqual([{ handler: 'again' }, { handler: 'young' }]);
  expect(await prune([], settings)).toMatchObject({ receipt: { runs: 0 } });
});

test('more payloads than fit into one transaction go in one run', async () => {
  await database.query(
    `INSERT INTO clerk.webhook_events (id, outcome, processed_at, payload)
     SELECT 'msg_' || n, 'applied', now() - interval '100 days' - make_interval(secs => n / 7), '{"type":"x"}'
     FROM generate_series(1, 3500) n`,
  );
  expect(await prune()).toMatchObject({ code: 0, receipt: { payloads: 3500 } });
  const left = await database.query('SELECT 1 FROM clerk.webhook_events WHERE payload IS NOT NULL');
  expect(left).toHaveLength(0);
});

test('a session that is over for SESSION_RETENTION_DAYS goes, and its old event that comes again does not bring it back', async () => {
  const [ended, ranOut, lives, recent] = [1, 2, 3, 4].map(() => sampleId('sess')) as [
    string,
    string,
    string,
    string,
  ]; // four, as just made
  const created = await applyAged(60, 'session.created', { entityId: ended });
  const end = await applyAged(50, 'session.ended', { entityId: ended });
  await applyAged(80, 'session.created', { entityId: ranOut }); // a sample's times pass within four weeks
  await applyAged(20, 'session.created', { entityId: lives });
  await applyAged(20, 'session.revoked', { entityId: recent });
  const settings = { SESSION_RETENTION_DAYS: '30' };

  const rehearsal = await prune(['--dry-run'], settings);
  expect(rehearsal).toMatchObject({ code: 0, receipt: { sessions: 2 } });
  expect(await countRows('sessions', ended)).toBe(1);
  expect(await prune([], settings)).toMatchObject({ code: 0, receipt: { sessions: 2 } });
  const left = [ended, ranOut, lives, recent].map((id) => countRows('sessions', id));
  expect(await Promise.all(left)).toEqual([0, 0, 1, 1]);

  expect(await applyNow({ ...created, id: newMessageId() })).toBe('stale');
  expect(await applyNow(end, true)).toBe('applied'); // somebody insists
  expect(await countRows('sessions', ended)).toBe(1);
});

test("a session that the application's table points to stays, and the receipt says why", async () => {
  const [kept, free] = [sampleId('sess'), sampleId('sess')];
  for (const entityId of [kept, free]) await applyAged(100, 'session.ended', { entityId });
  await database.query(`CREATE TABLE logins (session_id text REFERENCES clerk.sessions (id))`);
  await database.query('INSERT INTO logins VALUES ($1)', [kept]);
  const { code, receipt } = await prune();
  expect({ code, receipt }).toMatchObject({
    code: 1,
    receipt: { sessions: 1, refusedSessions: 1 },
  });
  expect(receipt['refusal']).toMatch(/violates foreign key constraint "logins_session_id_fkey"/);
  expect(await countRows('sessions', kept)).toBe(1);
  expect(await countRows('sessions', free)).toBe(0);
});

test('a tombstone outlives every resend of the Dashboard, however short payloads are kept, and counts from when the deletion was processed', async () => {
  const [old, young, late] = [sampleId('user'), sampleId('user'), sampleId('user')];
  await applyAged(100, 'user.deleted', { entityId: old });
  await applyAged(80, 'user.deleted', { entityId: young });
  const deletion = await applyAged(100, 'user.deleted', { entityId: late });
  await age(deletion.id, 80); // it waited in the queue
  const settings = { EVENT_RETENTION_DAYS: '7' };
  expect(await prune([], settings)).toMatchObject({ receipt: { tombstones: 1, kept: 0 } });
  expect(await findTombstones()).toEqual([young, late].sort());

  const longer = { EVENT_RETENTION_DAYS: '200' };
  await database.query(`UPDATE clerk.entity_versions SET deleted_at = now() - interval '150 days'`);
  await database.query(
    `UPDATE clerk.webhook_events SET processed_at = now() - interval '150 days'`,
  );
  expect(await prune([], longer)).toMatchObject({ receipt: { tombstones: 0 } });
  expect(await findTombstones()).toHaveLength(2);
});

test('a tombstone stays for as long as a payload names it, as a parent or anywhere else', async () => {
  const [organization, member, creator] = [sampleId('org'), sampleId('user'), sampleId('user')];
  await applyAged(100, 'organization.deleted', { entityId: organization });
  for (const entityId of [member, creator]) await applyAged(100, 'user.deleted', { entityId });
  const membership = await applyAged(10, 'organizationMembership.created', {
    organizationId: organization,
    userId: member,
  });
  const founded = await applyAged(10, 'organization.created', { userId: creator });
  expect(await readOutcome(membership.id)).toMatchObject({ outcome: 'tombstoned' });

  // Besides the three: the lock that the refused membership left.
  expect(await prune()).toMatchObject({ code: 0, receipt: { tombstones: 0, kept: 4 } });
  expect(await findTombstones()).toEqual([organization, member, creator].sort());

  await age(membership.id, 100);
  expect(await prune(['--dry-run'])).toMatchObject({ receipt: { tombstones: 2, kept: 1 } });
  expect(await prune()).toMatchObject({ receipt: { payloads: 1, tombstones: 2, kept: 1 } });
  expect(await findTombstones()).toEqual([creator]);
  await age(founded.id, 100);
  expect(await prune()).toMatchObject({ receipt: { tombstones: 1, kept: 0 } });
});

test('the version of a pruned session goes by the same rule, and so do locks that are left over', async () => {
  const session = sampleId('sess');
  const user = sampleId('user');
  await applyAged(100, 'user.deleted', { entityId: user });
  const late = await applyAged(100, 'session.created', { entityId: session, userId: user });
  expect(await readOutcome(late.id)).toMatchObject({ outcome: 'tombstoned' });
  const over = sampleId('sess');
  await applyAged(100, 'session.ended', { entityId: over, userId: sampleId('user') });
  const seen = await applyAged(10, 'email.created', { userId: over }); // names it
  expect(await prune()).toMatchObject({
    code: 0,
    receipt: { sessions: 1, tombstones: 1, others: 1, kept: 1 },
  });
  expect(await findVersions()).not.toEqual(expect.arrayContaining([session]));
  expect(await findVersions()).toContain(over);
  await age(seen.id, 100);
  expect(await prune(['--dry-run'])).toMatchObject({ receipt: { others: 1, kept: 0 } });
  expect(await prune()).toMatchObject({ receipt: { others: 1, kept: 0 } });
  expect(await findVersions()).not.toContain(over);
});

test('what a worker holds at that moment stays, and so does what an event names that came after the search', async () => {
  const [held, named, free] = [sampleId('org'), sampleId('org'), sampleId('org')];
  for (const entityId of [held, named, free]) {
    await applyAged(100, 'organization.deleted', { entityId });
  }
  const tables = Object.fromEntries(
    Object.entries(ENTITIES).map(([type, { table }]) => [type, table]),
  );
  const due = {
    before: new Date(Date.now() - 90 * DAY_MS).toISOString(),
    tables,
    sessionsBefore: null,
  };
  const memories = await listMemories(db, due, null);
  expect(memories.map(({ entityId }) => entityId).sort()).toEqual([held, named, free].sort());
  const lookedAt = new Date().toISOString();
  const late = makeAged(0, 'organizationMembership.created', { organizationId: named });
  expect(await applyNow(late)).toBe('tombstoned');
  const worker = await database.connect();
  await worker.query('BEGIN');
  await worker.query('SELECT 1 FROM clerk.entity_versions WHERE entity_id = $1 FOR SHARE', [held]);
  const gone = await forgetMemories(db, memories, { due, bounds: BOUNDS, lookedAt });
  expect(gone.map(({ entityId }) => entityId)).toEqual([free]);
  await worker.query('ROLLBACK');
  expect(await findTombstones()).toEqual([held, named].sort());
});

describe.each(BACKENDS)('with the queue in %s', (kind) => {
  let settings: ReturnType<typeof queueSettings>;
  let open: OpenQueue;

  beforeEach(async () => {
    settings = queueSettings(kind);
    open = openBackend(settings, database).openQueue();
    await waitForQueue(open);
  });
  afterEach(async () => {
    await open.queue.obliterate({ force: true });
    await open.close();
  });

  const enqueue = async (sent: Sent, delay = 0) => {
    const delivery = { ...sent, receivedAt: Date.now() };
    const { name, data, opts } = toJob(delivery, 'organizationMembership.created', RETENTION);
    return open.queue.add(name, data, { ...opts, delay });
  };
  /** Takes the next job and ends it, as a worker does. */
  const finish = async (how: 'completed' | 'failed') => {
    const { worker, close } = openBackend(settings, database).openWorker(
      () =>
        how === 'failed' ? Promise.reject(new Error('as the test wants it')) : Promise.resolve(''),
      { concurrency: 1 },
    );
    await new Promise((resolve) => worker.once(how, resolve));
    await worker.close();
    await close();
  };

  test('a tombstone stays while a job could bring the entity back, in whatever state, and goes once the job is gone', async () => {
    const states = ['failed', 'completed', 'delayed', 'waiting'] as const;
    const organizations = states.map(() => sampleId('org'));
    const jobs: Job[] = [];
    for (const [index, state] of states.entries()) {
      const organizationId = organizations[index] ?? '';
      await applyAged(100, 'organization.deleted', { entityId: organizationId });
      const child = makeAged(100, 'organizationMembership.created', { organizationId });
      jobs.push(await enqueue(child, state === 'delayed' ? DAY_MS : 0));
      if (state === 'completed' || state === 'failed') await finish(state);
    }
    expect(await Promise.all(jobs.map((job) => job.getState()))).toEqual(states);

    const kept = await prune([], settings);
    expect(kept).toMatchObject({ code: 0, receipt: { tombstones: 0, kept: 4 } });
    expect(await findTombstones()).toEqual([...organizations].sort());

    await Promise.all(jobs.map((job) => job.remove()));
    expect(await prune([], settings)).toMatchObject({ receipt: { tombstones: 4, kept: 0 } });
    expect(await findTombstones()).toEqual([]);
  }, 30_000);

  test('after a run nothing that ledger or queue still hold brings back what was forgotten, even when all of it is forced through', async () => {
    const organizations = Array.from({ length: 12 }, () => sampleId('org'));
    const users = Array.from({ length: 12 }, () => sampleId('user'));
    const history: Sent[] = [];
    for (const [index, organizationId] of organizations.entries()) {
      const userId = users[index] ?? '';
      const days = 60 + index * 8; // some of all this is older than the 90 days, some is not
      history.push(await applyAged(days + 3, 'user.created', { entityId: userId }));
      history.push(
        await applyAged(days + 2, 'organization.created', { entityId: organizationId, userId }),
        await applyAged(days + 2, 'organizationMembership.created', { organizationId, userId }),
        await applyAged(days + 2, 'session.ended', { userId }),
        await applyAged(days + 1, 'organizationInvitation.created', { organizationId, userId }),
      );
      await applyAged(days, 'user.deleted', { entityId: userId });
      await applyAged(days, 'organization.deleted', { entityId: organizationId });
      const child = makeAged(days, 'organizationMembership.updated', { organizationId, userId });
      if (index % 3 === 0) await enqueue(child, index % 2 === 0 ? 0 : DAY_MS);
    }
    const { code, receipt } = await prune([], settings);
    expect(code).toBe(0);
    expect(receipt['tombstones']).toBeGreaterThan(4);
    expect(receipt['kept']).toBeGreaterThan(0);

    const ledger = await database.query<Sent>(
      'SELECT id, payload::text AS body FROM clerk.webhook_events WHERE payload IS NOT NULL',
    );
    expect(ledger.length).toBeGreaterThan(0);
    const jobs = await open.queue.getJobs();
    for (const sent of [...ledger, ...jobs.map(({ data }) => data)]) await applyNow(sent, true);
    for (const [table, ids] of [
      ['organizations', organizations],
      ['users', users],
    ] as const) {
      const back = await database.query(`SELECT id FROM clerk.${table} WHERE id = ANY($1)`, [ids]);
      expect(back).toEqual([]);
    }
  }, 60_000);
});

test('while the queue does not answer, tombstones stay and all else goes', async () => {
  const user = sampleId('user');
  await applyAged(100, 'user.created');
  await applyAged(100, 'user.deleted', { entityId: user });
  await applyAged(100, 'session.ended');
  const REDIS_URL = `redis://127.0.0.1:${await findFreePort()}`;
  // A queue is waited for: both commands do so at once.
  const environment = { DATABASE_URL: database.url, REDIS_URL };
  const [{ code, receipt }, { stdout }] = await Promise.all([
    prune([], { REDIS_URL }),
    runToExit(pruneCommand, ['--dry-run'], environment),
  ]);
  expect({ code, receipt }).toMatchObject({
    code: 1,
    receipt: { payloads: 3, sessions: 1, tombstones: null },
  });
  expect(receipt['queue']).toMatch(/^The queue does not answer: .* Check REDIS_URL/);
  expect(await findTombstones()).toEqual([user]);
  expect(stdout).toMatch(/^Tombstones stay, because .* The queue does not answer: /m);
}, 30_000);

test('people read what went, and since when', async () => {
  await applyAged(100, 'user.created');
  const { code, stdout } = await runCommand(['prune', '--dry-run'], { DATABASE_URL: database.url });
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^payloads +before \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC: 1 would go, 0 of them of failed events$/m,
  );
  expect(stdout).toMatch(/^tombstones +before .* 0 would go/m);
  expect(stdout).toMatch(/Nothing was changed\.\n$/);
  const environment = { DATABASE_URL: database.url };
  expect((await runToExit(pruneCommand, ['everything'], environment)).code).toBe(2);
});
