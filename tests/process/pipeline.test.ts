/** The real ingest and the real worker, from a signed request to the row; and what a stop in the middle costs: nothing. */
import { sampleEvent, sampleId } from '../../src/clerk/samples/index.js';
import {
  BACKENDS,
  openBackend,
  queueSettings,
  waitForQueue,
  type QueueSettings,
} from '../support/backends.js';
import { deliver, newMessageId } from '../support/clerk.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { killAll, startIngest, startWorker, type RunningProcess } from '../support/processes.js';
import { waitFor } from '../support/wait.js';

describe.each(BACKENDS)('with the queue in %s', (kind) => {
  let database: TestDatabase;
  let queue: QueueSettings;
  let settings: Record<string, string>;

  beforeEach(async () => {
    database = await createDatabase();
    queue = queueSettings(kind);
    settings = { DATABASE_URL: database.url, ...queue };
  });
  afterEach(async () => {
    await killAll();
    await database.drop();
  });

  const findUser = async (id: string) =>
    (
      await database.query<{ first_name: string }>(
        'SELECT first_name FROM clerk.users WHERE id = $1',
        [id],
      )
    )[0];
  const outcomeOf = async (id: string) =>
    (
      await database.query<{ outcome: string }>(
        'SELECT outcome FROM clerk.webhook_events WHERE id = $1',
        [id],
      )
    )[0]?.outcome;
  const named = (entityId: string, first_name: string, version = 0) => {
    const event = sampleEvent('user.updated', { entityId, version });
    return { ...event, data: { ...event.data, first_name } };
  };

  test('a signed event becomes a row, and a redelivery of it a duplicate', async () => {
    const [ingest] = await Promise.all([startIngest(settings), startWorker(settings)]);
    const [user, id] = [sampleId('user'), newMessageId()];
    expect((await deliver(ingest.url, named(user, 'Ada'), id)).body).toEqual({
      status: 'queued',
      id,
    });
    await waitFor('the user', () => findUser(user));
    expect((await deliver(ingest.url, named(user, 'Ada'), id)).body).toEqual({
      status: 'duplicate',
      id,
    });
    expect(await outcomeOf(id)).toBe('applied');
  });

  test('an event that failed for good lands when it is delivered again, with all its attempts', async () => {
    const [ingest] = await Promise.all([startIngest(settings), startWorker(settings)]);
    const [user, id] = [sampleId('user'), newMessageId()];
    await database.query(`
      CREATE FUNCTION clerk.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused for a test'; END $$;
      CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON clerk.users FOR EACH ROW EXECUTE FUNCTION clerk.refuse()`);
    await deliver(ingest.url, named(user, 'Grace'), id);
    await waitFor('the failure in the ledger', async () => (await outcomeOf(id)) === 'failed');
    const open = openBackend(queue, database).openQueue();
    await waitForQueue(open);
    await waitFor('the job to fail', async () => (await open.queue.getJob(id))?.isFailed());
    expect((await open.queue.getJob(id))?.failedReason).toMatch(/SQLSTATE P0001/);
    await database.query('DROP TRIGGER refuse ON clerk.users');
    expect((await deliver(ingest.url, named(user, 'Grace'), id)).body).toEqual({
      status: 'requeued',
      id,
    });
    await waitFor('the user', () => findUser(user));
    await waitFor('the job to complete', async () => (await open.queue.getJob(id))?.isCompleted());
    expect((await open.queue.getJob(id))?.attemptsMade).toBe(1);
    expect(await outcomeOf(id)).toBe('applied');
    await open.close();
  });

  test('SIGTERM in the middle of a batch finishes the batch and loses nothing', async () => {
    const [ingest, worker] = await Promise.all([startIngest(settings), startWorker(settings)]);
    const users = Array.from({ length: 20 }, () => sampleId('user'));
    const release = await holdUpBatch(ingest.url, worker, users);
    worker.signal('SIGTERM');
    await waitFor('the worker to begin stopping', () => worker.output().includes('stopping'));
    await release();
    expect(await worker.exited).toBe(0);
    await startWorker(settings);
    await waitFor('all users', async () => (await countUsers(users)) === users.length);
  });

  test('SIGKILL in the middle of a batch loses nothing: another worker takes it over', async () => {
    const [ingest, worker] = await Promise.all([startIngest(settings), startWorker(settings)]);
    const users = Array.from({ length: 20 }, () => sampleId('user'));
    const release = await holdUpBatch(ingest.url, worker, users);
    worker.signal('SIGKILL');
    await worker.exited;
    await release();
    await startWorker(settings);
    await waitFor('all users', async () => (await countUsers(users)) === users.length, 40_000);
    const failed = await database.query(
      `SELECT 1 FROM clerk.webhook_events WHERE outcome = 'failed'`,
    );
    expect(failed).toHaveLength(0);
  }, 60_000);

  test('a worker that waits for the database hands its events back when it is stopped', async () => {
    const [ingest, worker] = await Promise.all([
      startIngest(settings),
      startWorker({ ...settings, DATABASE_LOCK_TIMEOUT: '1s' }),
    ]);
    const users = [sampleId('user')];
    const release = await holdUpBatch(ingest.url, worker, users);
    worker.signal('SIGTERM');
    expect(await worker.exited).toBe(0);
    await release();
    await startWorker(settings);
    await waitFor('the user', async () => (await countUsers(users)) === 1);
    const [entry] = await database.query<{ outcome: string }>(
      'SELECT outcome FROM clerk.webhook_events',
    );
    expect(entry?.outcome).toBe('applied');
  }, 60_000);

  const countUsers = async (ids: string[]) =>
    (await database.query('SELECT 1 FROM clerk.users WHERE id = ANY($1)', [ids])).length;

  /** Posts the users while the table is locked, and returns once the worker's batch waits for that lock. */
  async function holdUpBatch(
    url: string,
    worker: RunningProcess,
    users: string[],
  ): Promise<() => Promise<void>> {
    const blocker = await database.connect();
    await blocker.query('BEGIN');
    await blocker.query('LOCK TABLE clerk.users IN EXCLUSIVE MODE');
    for (const user of users) expect((await deliver(url, named(user, 'held up'))).status).toBe(200);
    await waitFor(`worker ${String(worker.child.pid)} to wait for the lock`, async () => {
      const waiting = await database.query(
        `SELECT 1 FROM pg_stat_activity WHERE datname = $1 AND wait_event_type = 'Lock'`,
        [database.name],
      );
      return waiting.length > 0;
    });
    return async () => {
      await blocker.query('COMMIT');
    };
  }
});
