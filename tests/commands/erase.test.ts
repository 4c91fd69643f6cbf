/** `npm run erase`: afterwards the person is nowhere, whatever was in which state, and nothing that comes late brings them back. */
import { Redis } from 'ioredis';
import { sampleEvent, sampleId } from '../../src/clerk/samples/index.js';
import { type OpenQueue } from '../../src/queue/contract.js';
import { eraseJobs } from '../../src/queue/erase-jobs.js';
import { HANDLER_QUEUE_NAME, toHandlerJob } from '../../src/queue/handler-job.js';
import { toJob } from '../../src/queue/job.js';
import { createEnqueue } from '../../src/queue/producer.js';
import {
  BACKENDS,
  openBackend,
  queueSettings,
  waitForQueue,
  type QueueSettings,
} from '../support/backends.js';
import { createCanaries, type Canaries } from '../support/canaries.js';
import { startClerkApi } from '../support/clerk-api/start-clerk-api.js';
import { deliver, newMessageId } from '../support/clerk.js';
import { eraseCommand } from '../../src/commands/erase.js';
import { runCommand, runToExit } from '../support/commands.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { plantPerson, type PlantedPerson, type Sent } from '../support/planted-person.js';
import { killAll, startIngest, startWorker } from '../support/processes.js';
import { waitFor } from '../support/wait.js';

type Settings = QueueSettings & Record<string, string>;

const UNANSWERED = { CLERK_SECRET_KEY: undefined };

describe.each(BACKENDS)('with the queue in %s', (kind) => {
  let database: TestDatabase;
  let settings: Settings;
  let open: OpenQueue;
  let canaries: Canaries;
  let person: PlantedPerson;

  beforeEach(async () => {
    database = await createDatabase();
    settings = { ...queueSettings(kind), DATABASE_URL: database.url };
    open = openBackend(settings, database).openQueue();
    await waitForQueue(open);
    canaries = createCanaries('pii');
    person = plantPerson(canaries);
  });
  afterEach(async () => {
    await killAll();
    await open.queue.obliterate({ force: true });
    await open.close();
    await database.drop();
  });

  const erase = async (args: string[] = []) => {
    const result = await runToExit(
      eraseCommand,
      [person.id, '--without-clerk', '--json', ...args],
      settings,
    );
    return { ...result, receipt: JSON.parse(result.stdout || '{}') as Record<string, unknown> };
  };
  const sing = async () => canaries.findIn(await readEverything(settings, database));
  const settled = (jobs: number) =>
    waitFor(`${jobs} jobs to be over`, async () => {
      const { completed = 0, failed = 0 } = await open.queue.getJobCounts('completed', 'failed');
      return completed + failed === jobs;
    });
  const isIdle = () =>
    waitFor('the queue to be idle', async () => {
      const counts = await open.queue.getJobCounts('wait', 'active', 'delayed', 'prioritized');
      return Object.values(counts).every((count) => count === 0);
    });
  const deliverAll = async (url: string, events: readonly Sent[]) => {
    for (const { id, event } of events) expect((await deliver(url, event, id)).status).toBe(200);
  };
  /** As ingest does, without one. */
  const enqueueAll = async (events: readonly Sent[]) => {
    const enqueue = createEnqueue(open, RETENTION);
    for (const { id, event } of events) {
      const delivery = { id, body: JSON.stringify(event), receivedAt: Date.now() };
      expect(await enqueue(delivery, String(event['type']))).toBe('queued');
    }
  };
  /** The same, but for later. */
  const delay = ({ id, event }: Sent) => {
    const delivery = { id, body: JSON.stringify(event), receivedAt: Date.now() };
    const { name, data, opts } = toJob(delivery, String(event['type']), RETENTION);
    return open.queue.add(name, data, { ...opts, delay: 3_600_000 });
  };

  /** Of two rounds of a handler that said something. */
  const addRunJobs = async (eventId: string, said: string) => {
    const handlers = openBackend(settings, database).openQueue(HANDLER_QUEUE_NAME);
    await waitForQueue(handlers);
    for (const round of [1, 2]) {
      const { name, data, opts } = toHandlerJob({ eventId, handler: 'own', round }, RETENTION);
      await (await handlers.queue.add(name, data, opts)).log(said);
    }
    await handlers.close();
  };

  test('nothing of the person is left in any table or job, what is others’ stays, and no redelivery brings anything back', async () => {
    const [ingest, worker] = await Promise.all([startIngest(settings), startWorker(settings)]);
    await deliverAll(ingest.url, person.past);
    await settled(person.past.length);
    worker.signal('SIGTERM');
    await worker.exited;
    const delayed: Sent = { id: newMessageId(), event: person.waiting[0]?.event ?? {} };
    await delay(delayed);
    await deliverAll(ingest.url, person.waiting);
    const bystanders = await readBystanders(database, person);
    expect((await sing()).length).toBeGreaterThan(40); // a search that finds nothing must at least find what is there

    const rehearsal = await erase(['--dry-run']);
    expect(rehearsal.code).toBe(0);
    const before = await sing();
    const { code, receipt, stdout } = await erase();
    expect(code).toBe(0);
    expect(await sing()).toEqual([]);
    expect(before.length).toBeGreaterThan(40); // the dry run left everything
    expect(canaries.findIn({ receipt: [stdout, rehearsal.stdout] })).toEqual([]);
    for (const name of ['rows', 'scrubbedRows', 'jobs', 'scrubbedJobs', 'payloads'] as const) {
      expect({ [name]: receipt[name] }).toEqual({ [name]: rehearsal.receipt[name] });
    }
    expect(receipt).toMatchObject({
      userId: person.id,
      complete: true,
      clerk: 'not asked',
      rows: {
        users: 1,
        organization_memberships: 1,
        sessions: 1,
        email_messages: 1,
        sms_messages: 1,
        organization_invitations: 1,
        waitlist_entries: 1,
      },
      scrubbedRows: {
        users: 1,
        organization_invitations: 1,
        organization_domains: 1,
        subscriptions: 1,
        payment_attempts: 1,
      },
    });
    expect(await readBystanders(database, person)).toEqual(bystanders);
    expect(await findTombstone(database, person.id)).toMatchObject({ deleted: true, erased: true });

    const again = await erase();
    expect(again).toMatchObject({ code: 0, receipt: { rows: {}, payloads: 0, jobs: {} } });
    expect(again.receipt['erasedAt']).toBe(receipt['erasedAt']);

    await startWorker(settings);
    for (const job of await open.queue.getDelayed()) await job.promote();
    await isIdle();
    const invitation = await database.query(
      `SELECT email FROM clerk.organization_invitations WHERE id = $1`,
      [person.invitationId],
    );
    expect(invitation).toEqual([{ email: person.invitedEmail }]); // it waited, is somebody else's, and came through
    expect(await sing()).toEqual([]);

    const tables = await readMirror(database);
    await open.queue.clean(0, 1_000, 'completed'); // so that the queue takes every event as if it were new
    const known = person.past.filter((sent) => !person.byAddressOnly.includes(sent));
    await deliverAll(ingest.url, [...known, ...person.waiting, delayed]);
    await isIdle();
    expect(await sing()).toEqual([]);
    expect(await readMirror(database)).toEqual(tables);
  }, 120_000);

  test('what handlers said of the person goes, from rows and from jobs; others keep their reasons', async () => {
    const worker = await startWorker({ ...settings, WORKER_TASKS: 'mirror' });
    const [own, ...past] = person.past;
    if (!own) throw new Error('The person has no past.');
    await enqueueAll([own, ...past]);
    await settled(person.past.length);
    worker.signal('SIGTERM');
    await worker.exited;
    const said = `no such ${canaries.plant('name')}`;
    await database.query(
      `INSERT INTO clerk.handler_runs (event_id, handler, round, created_at, finished_at, outcome, error) VALUES
         ($1, 'own', 2, now(), now(), 'failed', $2), ('msg_other', 'naming', 1, now(), now(), 'failed', $3),
         ('msg_other', 'other', 1, now(), now(), 'failed', 'The provider answered 500.')
       ON CONFLICT (event_id, handler) DO NOTHING`,
      [own.id, said, `for <${person.email.toUpperCase()}>`],
    );
    await addRunJobs(own.id, said);
    const rehearsal = await erase(['--dry-run']);
    const { code, receipt } = await erase();
    expect({ code, receipt }).toMatchObject({
      code: 0,
      receipt: { handlerReasons: 2, skippedHandlerRuns: 2 },
    });
    expect(rehearsal.receipt).toMatchObject({ handlerReasons: 2, skippedHandlerRuns: 2 });
    expect(await sing()).toEqual([]);
    const runs = await database.query(
      `SELECT handler, error FROM clerk.handler_runs WHERE handler IN ('own', 'naming', 'other') ORDER BY handler`,
    );
    expect(runs).toEqual([
      { handler: 'naming', error: 'The reason was erased, with a person.' },
      { handler: 'other', error: 'The provider answered 500.' },
      { handler: 'own', error: 'The reason was erased, with a person.' },
    ]);
    expect((await erase()).receipt).toMatchObject({ handlerReasons: 0, skippedHandlerRuns: 0 });
  }, 60_000);

  test('waits for what a worker has in its hands, and leaves nothing of it either', async () => {
    const worker = await startWorker(settings);
    const isOf = (type: string) => (sent: Sent) => sent.event['type'] === type;
    await enqueueAll(person.past.filter(isOf('organization.created')));
    await settled(1);
    const blocker = await database.connect();
    await blocker.query('BEGIN');
    await blocker.query('SELECT 1 FROM clerk.entity_versions WHERE entity_id = $1 FOR UPDATE', [
      person.organizationId,
    ]);
    await enqueueAll(person.past.filter(isOf('organizationMembership.created')));
    const countWaiting = async () =>
      (
        await database.query(
          `SELECT 1 FROM pg_stat_activity WHERE datname = $1 AND wait_event_type = 'Lock'`,
          [database.name],
        )
      ).length;
    await waitFor(
      'the worker to hold the person’s event',
      async () => (await countWaiting()) === 1,
    );
    const running = erase();
    await waitFor('the erasure to wait for the worker', async () => (await countWaiting()) > 1);
    await blocker.query('COMMIT');
    const { code, receipt } = await running;
    expect({ code, receipt }).toMatchObject({
      code: 0,
      receipt: { complete: true, activeJobs: 0 },
    });
    await isIdle();
    expect(await sing()).toEqual([]);
    worker.signal('SIGTERM');
    await worker.exited;
  }, 120_000);

  test('a job in the hands of a worker is waited for, no longer than asked', async () => {
    const [sent] = person.past;
    if (!sent) throw new Error('The person has no past.');
    const delivery = { id: sent.id, body: JSON.stringify(sent.event), receivedAt: Date.now() };
    const { name, data, opts } = toJob(delivery, 'user.created', RETENTION);
    await open.queue.add(name, data, opts);
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { worker, close } = openBackend(settings, database).openWorker(() => held, {
      concurrency: 1,
    });
    await waitFor('the job to be taken', async () => (await open.queue.getActiveCount()) === 1);
    const judge = () => ({ isOwn: true, scrubbed: {} });
    const asked = { judge, isRehearsal: false };
    const nothing = { removed: {}, scrubbed: {}, active: 1 };
    expect(await eraseJobs(open, { ...asked, patienceMs: 0 })).toEqual(nothing);
    const waiting = eraseJobs(open, { ...asked, patienceMs: 20_000 });
    release();
    expect(await waiting).toEqual({ removed: { completed: 1 }, scrubbed: {}, active: 0 });
    expect(await open.queue.getJob(sent.id)).toBeUndefined();
    await worker.close();
    await close();
  }, 60_000);

  test('an erasure that was interrupted goes on when it is run again, with what bears an address only already gone', async () => {
    const worker = await startWorker(settings);
    await enqueueAll(person.past);
    await settled(person.past.length);
    worker.signal('SIGTERM');
    await worker.exited;
    await database.query('CREATE TABLE orders (user_id text REFERENCES clerk.users (id))');
    await database.query('INSERT INTO orders VALUES ($1)', [person.id]);
    const refused = await erase();
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(/violates foreign key constraint "orders_user_id_fkey"/);
    expect(await findTombstone(database, person.id)).not.toMatchObject({ erased: true });
    // Only the user's own data tells the addresses by which to find these again.
    const [unnamed] = await database.query<{ n: number }>(
      `SELECT count(*)::integer AS n FROM clerk.webhook_events WHERE payload IS NOT NULL AND id = ANY($1)`,
      [person.byAddressOnly.map(({ id }) => id)],
    );
    expect(unnamed?.n).toBe(0);
    expect((await sing()).length).toBeGreaterThan(0);

    await database.query('DROP TABLE orders');
    expect(await erase()).toMatchObject({ code: 0, receipt: { complete: true } });
    expect(await sing()).toEqual([]);
  }, 90_000);

  test('an address that another user has by now stays theirs', async () => {
    await startWorker(settings);
    const heir = sampleId('user');
    const event = sampleEvent('user.created', { entityId: heir });
    const data = {
      ...event.data,
      email_addresses: [{ id: 'idn_9', email_address: person.email }],
      primary_email_address_id: 'idn_9',
    };
    const invitation = sampleEvent('organizationInvitation.created');
    const invited = { ...invitation, data: { ...invitation.data, email_address: person.email } };
    await enqueueAll([
      ...person.past.slice(0, 1),
      { id: newMessageId(), event: { ...event, data } },
      { id: newMessageId(), event: invited },
    ]);
    await settled(3);
    const { code, receipt } = await erase();
    expect({ code, receipt }).toMatchObject({
      code: 0,
      receipt: { sharedAddresses: 1, payloads: 1 },
    });
    const rows = await database.query('SELECT id FROM clerk.users WHERE email = $1', [
      person.email,
    ]);
    expect(rows).toEqual([{ id: heir }]);
    expect(
      await database.query('SELECT 1 FROM clerk.organization_invitations WHERE email = $1', [
        person.email,
      ]),
    ).toHaveLength(1);
  }, 60_000);
});

describe('asks Clerk first', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createDatabase();
  });
  afterAll(() => database.drop());

  test('and refuses while Clerk has the user, with a wrong key, with another instance’s key, and without an answer', async () => {
    const clerk = await startClerkApi({ size: { users: 1 } });
    const user = String(clerk.instance.readAll('users')[0]?.['id']);
    const gone = sampleId('user');
    const ask = async (userId: string, settings: object = {}) => {
      const asked = {
        DATABASE_URL: database.url,
        CLERK_SECRET_KEY: clerk.secretKey,
        CLERK_API_URL: clerk.url,
        ...settings,
      };
      const { code, stdout, stderr } = await runToExit(eraseCommand, [userId, '--json'], asked);
      const erased = (await findTombstone(database, userId))?.erased ?? false;
      return { code, stdout, stderr, erased };
    };
    try {
      const refused = await ask(user);
      expect(refused).toMatchObject({ code: 1, stdout: '', erased: false });
      expect(refused.stderr).toMatch(/Clerk still has .* Delete the user at Clerk first/);

      const CLERK_SECRET_KEY = clerk.secretKey.replace(/.$/, 'x');
      expect(await ask(gone, { CLERK_SECRET_KEY })).toMatchObject({ code: 2, erased: false });
      expect(await ask(gone, UNANSWERED)).toMatchObject({ code: 2, erased: false });
      const foreign = await ask(gone, { CLERK_INSTANCE_ID: 'ins_another' });
      expect(foreign).toMatchObject({ code: 1, erased: false });
      expect(foreign.stderr).toMatch(/is a key of the instance .* ins_another/);

      const answered = await ask(gone);
      expect(answered).toMatchObject({ code: 0, erased: true });
      expect(JSON.parse(answered.stdout)).toMatchObject({ clerk: 'gone', complete: true });
    } finally {
      await clerk.stop();
    }
    const { stderr, code } = await runCommand(['erase', gone], { DATABASE_URL: database.url });
    expect({ code, stderr }).toMatchObject({ code: 2 });
    expect(stderr).toMatch(/CLERK_SECRET_KEY is not set/);
  }, 60_000);

  test('and takes one id of a user, nothing else', async () => {
    for (const args of [[], ['ann@example.com'], ['org_1'], ['user_1', 'user_2']]) {
      const environment = { DATABASE_URL: database.url };
      const { code, stderr } = await runToExit(eraseCommand, args, environment);
      expect({ args, code }).toEqual({ args, code: 2 });
      expect(stderr).toMatch(/Which user\?/);
    }
  }, 60_000);
});

const RETENTION = {
  attempts: 1,
  completedAgeSeconds: 86_400,
  completedCount: 1_000,
  failedAgeSeconds: 86_400,
};

async function findTombstone({ query }: TestDatabase, userId: string) {
  const [row] = await query<{ deleted: boolean; erased: boolean }>(
    `SELECT deleted_at IS NOT NULL AS deleted, erased_at IS NOT NULL AS erased FROM clerk.entity_versions
     WHERE entity_type = 'user' AND entity_id = $1`,
    [userId],
  );
  return row;
}

/** What is others' and does not mention the person but by the id. */
async function readBystanders({ query }: TestDatabase, person: PlantedPerson): Promise<unknown[]> {
  return [
    await query('SELECT * FROM clerk.organizations WHERE id = $1', [person.organizationId]),
    await query(
      `SELECT id, email, first_name, last_name, username, phone, public_metadata, private_metadata,
         unsafe_metadata ->> 'plan' AS plan FROM clerk.users WHERE id = $1`,
      [person.friendId],
    ),
    await query(
      'SELECT id, amount, currency, status, user_id, payer_id FROM clerk.payment_attempts',
    ),
    await query('SELECT id, status, user_id, payer_id FROM clerk.subscriptions'),
    await query('SELECT id, inviter_id FROM clerk.organization_invitations WHERE inviter_id = $1', [
      person.id,
    ]),
  ];
}

async function readMirror({ query }: TestDatabase): Promise<string[]> {
  const tables = await query<{ name: string }>(
    `SELECT format('clerk.%I', tablename) AS name FROM pg_tables WHERE schemaname = 'clerk'
     AND tablename NOT IN ('webhook_events', 'entity_versions')`,
  );
  const rows = await Promise.all(
    tables.map(({ name }) =>
      query<{ row: string }>(`SELECT '${name} ' || to_jsonb(t)::text AS row FROM ${name} t`),
    ),
  );
  return rows
    .flat()
    .map(({ row }) => row)
    .sort();
}

async function readEverything(
  { REDIS_URL, QUEUE_PREFIX }: Settings,
  { query }: TestDatabase,
): Promise<Record<string, string[]>> {
  const places: Record<string, string[]> = {};
  const tables = await query<{ name: string }>(
    `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname IN ('clerk', 'bullmq', 'public')`,
  );
  for (const { name } of tables) {
    const rows = await query<{ row: string }>(`SELECT t::text AS row FROM ${name} t`);
    places[name] = rows.map(({ row }) => row);
  }
  if (!REDIS_URL) return places;
  const redis = new Redis(REDIS_URL);
  try {
    for (const key of await redis.keys(`${QUEUE_PREFIX}:*`)) {
      places[key] = [JSON.stringify(await readKey(redis, key))];
    }
  } finally {
    redis.disconnect();
  }
  return places;
}

async function readKey(redis: Redis, key: string): Promise<unknown> {
  const type = await redis.type(key);
  if (type === 'string') return redis.get(key);
  if (type === 'hash') return redis.hgetall(key);
  if (type === 'list') return redis.lrange(key, 0, -1);
  if (type === 'set') return redis.smembers(key);
  if (type === 'zset') return redis.zrange(key, 0, -1, 'WITHSCORES');
  if (type === 'stream') return redis.xrange(key, '-', '+');
  throw new Error(`${key} is a ${type}, which this test cannot search.`);
}
