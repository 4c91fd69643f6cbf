/** `npm run why` as an operator runs it: what came of an entity or an event, and what to do about it. */
import { sampleEvent, sampleId, type SampleOptions } from '../../src/clerk/samples/index.js';
import { type EventType } from '../../src/clerk/event-types.js';
import { whyCommand } from '../../src/commands/why.js';
import { type WhyReport } from '../../src/commands/why/report.js';
import { type Database } from '../../src/db/database.js';
import { type Apply } from '../../src/projections/apply.js';
import { type OpenQueue } from '../../src/queue/contract.js';
import { createEnqueue } from '../../src/queue/producer.js';
import { createQuietApply, openMirror } from '../support/applying.js';
import {
  BACKENDS,
  openBackend,
  queueSettings,
  waitForQueue,
  type QueueSettings,
} from '../support/backends.js';
import {
  createCanaries,
  makeEvents,
  makeRefusedUser,
  type PlantedEvent,
} from '../support/canaries.js';
import { newMessageId } from '../support/clerk.js';
import { runCommand, runInProcess, type CommandResult } from '../support/commands.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { findFreePort } from '../support/ports.js';
import { killAll, startWorker } from '../support/processes.js';
import { waitFor } from '../support/wait.js';

const RETENTION = {
  attempts: 8,
  completedAgeSeconds: 3_600,
  completedCount: 1_000,
  failedAgeSeconds: 3_600,
};

describe.each(BACKENDS)('with the queue in %s', (kind) => {
  let database: TestDatabase;
  let db: Database;
  let apply: Apply;
  let queue: QueueSettings;
  let open: OpenQueue;
  let settings: Record<string, string>;

  beforeAll(async () => {
    database = await createDatabase();
    queue = queueSettings(kind);
    settings = { DATABASE_URL: database.url, ...queue };
    open = openBackend(queue, database).openQueue();
    await waitForQueue(open);
    db = openMirror(database.url);
    apply = createQuietApply(db);
  });
  afterAll(async () => {
    await killAll();
    await open.close();
    await db.close();
    await database.drop();
  });

  const delivery = (type: EventType, options: SampleOptions, data: object = {}) => {
    const now = options.now ?? Date.now();
    const event = sampleEvent(type, { ...options, now });
    Object.assign(event.data, data);
    return { id: newMessageId(), type, body: JSON.stringify(event), receivedAt: now };
  };
  const applied = async (type: EventType, options: SampleOptions, data: object = {}) => {
    const made = delivery(type, options, data);
    await apply([made]);
    return made.id;
  };
  const queued = async (made: { id: string; body: string; type: string }) => {
    await createEnqueue(open, RETENTION)({ ...made, receivedAt: Date.now() }, made.type);
    return made.id;
  };
  const why = (...args: string[]) => runHere(args, settings);
  const ask = async (...args: string[]) => {
    const { code, stdout } = await runHere([...args, '--json'], settings);
    const report = JSON.parse(stdout) as WhyReport; // as documented
    const [entity] = report.entities;
    const said = [...(report.event?.conclusions ?? []), ...(entity?.conclusions ?? [])];
    return { code, report, entity, said: said.map(({ level, text }) => `${level}: ${text}`) };
  };

  test('a stored entity: what is stored, by which event, and every decision in order of version', async () => {
    const [user, now] = [sampleId('user'), Date.now()];
    const newest = await applied(
      'user.updated',
      { entityId: user, version: 2, now },
      { username: '', public_metadata: { role: 'admin' } },
    );
    const late = await applied('user.created', { entityId: user, version: 0, now });
    const [text, json] = await Promise.all([
      runCommand(['why', user], settings),
      why(user, '--json'),
    ]);

    expect([text.code, text.stderr, json.code, json.stderr]).toEqual([0, '', 0, '']);
    const lines = text.stdout.split('\n');
    expect(lines[0]).toBe(`user ${user}`);
    expect(lines[2]).toMatch(new RegExp(`^= Stored as of .+ UTC, by user\\.updated ${newest}`));
    expect(text.stdout).toMatch(/\n +status +active\n/);
    expect(text.stdout).toMatch(/\n +set, not shown: .*public_metadata/);
    expect(text.stdout).toMatch(/\n +null: .*username/);
    const rows = lines.filter((line) => / msg_\w+$/.test(line) && line.startsWith('20'));
    expect(rows).toEqual([
      expect.stringMatching(new RegExp(`user\\.created +stale .* ${late}$`)),
      expect.stringMatching(new RegExp(`user\\.updated +applied +stored .* ${newest}$`)),
    ]);

    const report = JSON.parse(json.stdout) as WhyReport; // as documented
    expect(report).toMatchObject({
      id: user,
      event: null,
      conclusions: [],
      queue: { trouble: null, isPaused: false, workers: 0, truncated: [] },
    });
    expect(report.entities).toHaveLength(1);
    expect(report.entities[0]).toMatchObject({
      entityType: 'user',
      entityId: user,
      state: 'stored',
      conclusions: [{ level: 'good', text: expect.stringContaining(newest) }],
      outcomes: { applied: 1, stale: 1 },
      version: { eventId: newest, eventType: 'user.updated', isCarried: false },
      tombstone: null,
      row: { table: 'users', shown: { status: 'active', role: 'admin' } },
      events: [
        { id: late, outcome: 'stale', isCurrent: false, version: iso(now) },
        { id: newest, outcome: 'applied', isCurrent: true, receivedAt: iso(now) },
      ],
      eventsLeftOut: 0,
      jobs: [],
    });
  });

  test('a tombstone: who deleted it, what was refused since, and how a test send is mended', async () => {
    const user = sampleId('user');
    await applied('user.created', { entityId: user });
    const deletion = await applied('user.deleted', { entityId: user, version: 1 });
    const refused = await applied('user.created', { entityId: user, version: 2 });
    const deleted = await ask(user);
    expect([deleted.code, deleted.entity?.state]).toEqual([0, 'deleted']);
    expect(deleted.said).toEqual([
      expect.stringMatching(
        new RegExp(
          `^note: Deleted at .* by user\\.deleted ${deletion}\\. That is final.* 1 event of it was refused .*npm run forget -- ${user}$`,
        ),
      ),
    ]);
    expect(deleted.entity?.tombstone).toMatchObject({ eventId: deletion, erasedAt: null });
    expect(deleted.entity?.events.map(({ isCurrent }) => isCurrent)).toEqual([false, true, false]);
    expect((await ask(refused)).said).toEqual([
      expect.stringMatching(
        new RegExp(
          `^note: Refused \\(tombstoned\\): The user was deleted at .* by user\\.deleted ${deletion}\\..*npm run forget -- ${user}$`,
        ),
      ),
    ]);
    expect((await ask(deletion)).said).toEqual(['good: Applied: it deleted the user for good.']);
  });

  test('an erased person: nothing brings them back', async () => {
    const user = sampleId('user');
    await applied('user.deleted', { entityId: user });
    await database.query(
      'UPDATE clerk.entity_versions SET erased_at = now() WHERE entity_id = $1',
      [user],
    );
    const { entity, said } = await ask(user);
    expect(entity?.state).toBe('erased');
    expect(said).toEqual([
      expect.stringMatching(/^note: Erased at .* That cannot be forgotten\.$/),
    ]);
  });

  test('a placeholder says who mentioned it, and an entity carried along how it came', async () => {
    const [member, user, organization] = [sampleId('orgmem'), sampleId('user'), sampleId('org')];
    const nested = { id: organization, name: 'ACME', updated_at: Date.now() };
    await applied(
      'organizationMembership.created',
      { entityId: member },
      { organization: nested, public_user_data: { user_id: user } },
    );
    const placeholder = await ask(user);
    expect(placeholder.code).toBe(0);
    expect(placeholder.said).toEqual([expect.stringContaining(`mentioned by ${member}`)]);
    expect(placeholder.entity).toMatchObject({
      state: 'placeholder',
      row: { shown: {}, set: [] },
      children: [{ table: 'organization_memberships', count: 1, ids: [member] }],
    });
    expect((await ask(organization)).entity).toMatchObject({
      state: 'stored',
      version: { eventId: null, isCarried: true },
      events: [],
    });
  });

  test('a child that fell with its parent names the parent', async () => {
    const [member, user] = [sampleId('orgmem'), sampleId('user')];
    const data = { public_user_data: { user_id: user } };
    const event = await applied('organizationMembership.created', { entityId: member }, data);
    await applied('user.deleted', { entityId: user });
    const [ofEntity, ofEvent] = [await ask(member), await ask(event)];
    const because = expect.stringMatching(
      new RegExp(`^note: .*user ${user}, to which it belongs, was deleted at .*`),
    );
    expect(ofEntity.entity?.state).toBe('absent');
    expect(ofEntity.said).toEqual([because]);
    expect(ofEvent.said).toEqual([because]);
    expect(ofEvent.report.event).toMatchObject({
      ledger: { outcome: 'applied', isCurrent: false },
      entity: { state: 'absent', row: null },
    });
  });

  test('an event that is superseded names the one that is stored', async () => {
    const user = sampleId('user');
    const first = await applied('user.created', { entityId: user, version: 0 });
    const second = await applied('user.updated', { entityId: user, version: 1 });
    expect((await ask(first)).said).toEqual([
      expect.stringMatching(
        new RegExp(`^good: Applied, and superseded\\. Stored now: .* by user\\.updated ${second}`),
      ),
    ]);
    expect((await ask(second)).said).toEqual([
      "good: Applied: this event's version is what is stored.",
    ]);
  });

  test('an event of a type that nobody knows is recorded, and says so', async () => {
    const id = newMessageId();
    const entity = sampleId('new');
    const body = JSON.stringify({ type: 'x\u001b[2J\u202e.created', data: { id: entity } });
    await apply([{ id, body, receivedAt: Date.now() }]);
    expect((await ask(id)).said).toEqual([
      expect.stringMatching(/^note: Recorded, and nothing else: The event type is not known/),
    ]);
    // Its type is somebody else's text, which must not move the cursor.
    const { stdout } = await why(entity);
    expect(stdout).toContain(String.raw`x\u{1b}[2J\u{202e}.created`);
    // eslint-disable-next-line no-control-regex -- they are what is looked for
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
  });

  test('what waits in the queue is found by entity and by event; then a worker fails one of them', async () => {
    const [user, poisoned] = [sampleId('user'), sampleId('user')];
    const waiting = await queued(delivery('user.created', { entityId: user }));
    const poison = await queued(delivery('user.created', { entityId: poisoned }));
    await database.query(
      `ALTER TABLE clerk.users ADD CONSTRAINT no_poison CHECK (id <> '${poisoned}')`,
    );
    const [ofEntity, ofEvent] = [await ask(user), await ask(waiting)];
    const noWorker = expect.stringMatching(
      new RegExp(
        `^bad: user\\.created ${waiting} waits in the queue for .*: no worker is connected`,
      ),
    );
    expect([ofEntity.code, ofEvent.code]).toEqual([0, 0]);
    expect(ofEntity.said[0]).toEqual(noWorker);
    expect(ofEvent.said).toEqual([noWorker]);
    expect(ofEvent.report.event).toMatchObject({
      entityType: 'user',
      entityId: user,
      ledger: null,
      job: { state: 'waiting', attemptsMade: 0, attempts: RETENTION.attempts },
      entity: null,
    });
    await open.queue.pause();
    expect((await ask(waiting)).said).toEqual([expect.stringContaining('the queue is paused')]);
    await open.queue.resume();

    await startWorker(settings);
    const isIn = (id: string, state: string) =>
      waitFor(`${id} to be ${state}`, async () => (await open.queue.getJobState(id)) === state);
    await isIn(poison, 'failed');
    await isIn(waiting, 'completed');
    const [failed, ofPoisoned, done] = [await ask(poison), await ask(poisoned), await ask(waiting)];
    const mend = expect.stringMatching(
      new RegExp(`^bad: .* failed .*violates check constraint.*npm run replay -- --id ${poison}$`),
    );
    expect(failed.said).toEqual([mend]);
    expect(failed.report.event).toMatchObject({
      ledger: { outcome: 'failed' },
      job: { state: 'failed', processedBy: expect.any(String), attemptsMade: 1 },
    });
    expect(ofPoisoned.said[0]).toEqual(mend);
    expect(ofPoisoned.report.queue.workers).toBe(1);
    expect(done.said).toEqual([expect.stringMatching(/^good: Applied/)]);
    expect(done.report.event?.job).toMatchObject({ state: 'completed', outcome: 'applied' });
  });

  test('--limit shows the newest, failed ones besides, and says how many are left out', async () => {
    const user = sampleId('user');
    const broken = await applied('user.created', { entityId: user });
    await database.query(
      `UPDATE clerk.webhook_events SET outcome = 'failed', error = 'for a test' WHERE id = $1`,
      [broken],
    );
    for (const version of [1, 2, 3]) await applied('user.updated', { entityId: user, version });
    const newest = await applied('user.updated', { entityId: user, version: 4 });
    const { entity, said } = await ask(user, '--limit', '1');
    expect(entity?.events.map(({ id }) => id)).toEqual([broken, newest]);
    expect(entity?.eventsLeftOut).toBe(3);
    expect(said[0]).toMatch(/^note: 1 older event failed; what counts now is newer/);
  });

  test('an id that nothing is known of: exit code 1, and where to look', async () => {
    const { code, stdout } = await why(sampleId('user'));
    expect(code).toBe(1);
    expect(stdout).toMatch(/^! Nothing is known of user_\w+: .*Message Attempts/);
  });

  test('nothing personal is shown unless it is asked for, whatever the event', async () => {
    const [hot, personal] = [createCanaries('hot'), createCanaries('pii')];
    const tiers = { hot, personal };
    await database.query(`ALTER TABLE clerk.users ADD CHECK (external_id <> 'refuse')`);
    const events = [...makeEvents(tiers), makeRefusedUser('refuse', { tiers })];
    for (const { id, body } of events) await apply([{ id, body, receivedAt: Date.now() }]);

    const shown: string[] = [];
    const asked: string[] = [];
    for (const { id, entityId } of pickOnePerFamily(events)) {
      const [entity, event, data] = await Promise.all([
        why(entityId),
        why(id, '--json'),
        why(id, '--show-data'),
      ]);
      shown.push(entity.stdout, event.stdout);
      asked.push(data.stdout);
    }
    expect(personal.findIn({ shown })).toEqual([]);
    expect(hot.findIn({ shown })).toEqual([]);
    // A search that finds nothing must at least find what is there.
    expect(personal.findIn({ asked })).not.toEqual([]);
  });
});

describe('without the queue the ledger still answers, and a warning says what is missing', () => {
  let database: TestDatabase;
  const user = sampleId('user');
  beforeAll(async () => {
    database = await createDatabase();
    const db = openMirror(database.url);
    const body = JSON.stringify(sampleEvent('user.created', { entityId: user }));
    await createQuietApply(db)([{ id: newMessageId(), body, receivedAt: Date.now() }]);
    await db.close();
  });
  afterAll(() => database.drop());

  // The queue is waited for: in both places at once.
  test.concurrent.each(BACKENDS)('in %s', async (kind) => {
    const nowhere = `127.0.0.1:${await findFreePort()}`;
    const away =
      kind === 'redis'
        ? { REDIS_URL: `redis://${nowhere}` }
        : { DIRECT_DATABASE_URL: `postgres://${nowhere}/x` };
    const settings = { DATABASE_URL: database.url, ...away };
    const { code, stdout, stderr } = await runHere([user], settings);
    expect(code).toBe(0);
    expect(stdout).toMatch(/= Stored as of/);
    expect(stderr).toMatch(/The queue does not answer: .* What is in the queue is not shown\.\n$/);
  });
});

describe('what it cannot do', () => {
  const settings = { DATABASE_URL: 'postgres://127.0.0.1:1/x' };

  test.each([
    ['no id', [], 'Of which id'],
    ['two ids', ['user_a', 'user_b'], 'One id at a time'],
    ['a limit that is no number', ['user_a', '--limit', 'all'], '--limit takes a whole number'],
    ['an option that it does not have', ['user_a', '--all'], "Unknown option '--all'"],
  ])('%s is wrong usage', async (_case, args, message) => {
    await expect(runHere(args, settings)).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining(message),
    });
  });

  test('without a database there is nothing to tell: exit code 1', async () => {
    const { code, stdout, stderr } = await runCommand(['why', 'user_a'], settings);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^The database is not ready: .*Check DATABASE_URL/);
  });
});

/** What the tables may show differs by entity, not by event; what was refused is a family of its own. */
function pickOnePerFamily(events: readonly PlantedEvent[]): { id: string; entityId: string }[] {
  const families = new Map<string, { id: string; entityId: string }>();
  for (const { id, body, isRefused } of events) {
    const { type, data } = JSON.parse(body) as { type: string; data: { id: string } }; // as made
    if (type.endsWith('.deleted')) continue;
    families.set(isRefused ? 'refused' : (type.split('.')[0] ?? ''), { id, entityId: data.id });
  }
  return [...families.values()];
}

function runHere(args: string[], environment: Record<string, string>): Promise<CommandResult> {
  return runInProcess(whyCommand, args, environment);
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
