/** The real ingest and the real worker, from a signed request to the row; and what a stop in the middle costs: nothing. */
import { sampleEvent, sampleId } from '../../src/clerk/samples/index.js';
import {
  BACKENDS,
  openBackend,
  queueSettings,
  waitForQueue,
  type BackendKind,
  type QueueSettings,
} from '../support/backends.js';
import { deliver, newMessageId } from '../support/clerk.js';
import { closeAll, openDatabase } from '../support/closing.js';
import { type TestDatabase } from '../support/database.js';
import { startIngest, startWorker, type RunningProcess } from '../support/processes.js';
import { waitFor } from '../support/wait.js';

/** For processes that start together on two cores. */
import.meta.jest.setTimeout(120_000);

interface Scene {
  database: TestDatabase;
  queue: QueueSettings;
  settings: Record<string, string>;
  /** Of the ingest. */
  url: string;
  worker: RunningProcess;
}

/** For the tests that stop no worker and hold up nobody else's rows. */
const shared = new Map<BackendKind, Scene>();

beforeAll(async () => {
  await Promise.all(BACKENDS.map(async (kind) => shared.set(kind, await openScene(kind))));
});
afterAll(closeAll);

// At the same time: where a worker dies, the rest is waiting for its locks.
test.concurrent.each(BACKENDS)(
  'SIGKILL in the middle of a batch loses nothing: another worker takes it over, with the queue in %s',
  async (kind) => {
    const scene = await openScene(kind);
    const { database, settings, worker } = scene;
    const users = Array.from({ length: 20 }, () => sampleId('user'));
    const release = await holdUpBatch(scene, users);
    worker.signal('SIGKILL');
    await worker.exited;
    await release();
    await startWorker(settings);
    const areThere = async () => (await countUsers(scene, users)) === users.length;
    await waitFor('all users', areThere, 40_000);
    const failed = await database.query(
      `SELECT 1 FROM clerk.webhook_events WHERE outcome = 'failed'`,
    );
    expect(failed).toHaveLength(0);
  },
);

test.concurrent.each(BACKENDS)(
  'a signed event becomes a row, and a redelivery of it a duplicate, with the queue in %s',
  async (kind) => {
    const scene = findShared(kind);
    const [user, id] = [sampleId('user'), newMessageId()];
    const send = () => deliver(scene.url, named(user, 'Ada'), id);
    expect((await send()).body).toEqual({ status: 'queued', id });
    await waitFor('the user', () => countUsers(scene, [user]));
    expect((await send()).body).toEqual({ status: 'duplicate', id });
    expect(await readOutcome(scene, id)).toBe('applied');
  },
);

test.concurrent.each(BACKENDS)(
  'an event that failed for good lands when it is delivered again, with all its attempts, with the queue in %s',
  async (kind) => {
    const scene = findShared(kind);
    const { database, queue, url } = scene;
    const [user, id] = [sampleId('user'), newMessageId()];
    await database.query(`
      CREATE FUNCTION clerk.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused for a test'; END $$;
      CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON clerk.users FOR EACH ROW
        WHEN (NEW.id = '${user}') EXECUTE FUNCTION clerk.refuse()`);
    await deliver(url, named(user, 'Grace'), id);
    await waitFor(
      'the failure in the ledger',
      async () => (await readOutcome(scene, id)) === 'failed',
    );
    const open = openBackend(queue, database).openQueue();
    await waitForQueue(open);
    await waitFor('the job to fail', async () => (await open.queue.getJob(id))?.isFailed());
    expect((await open.queue.getJob(id))?.failedReason).toMatch(/SQLSTATE P0001/);
    await database.query('DROP TRIGGER refuse ON clerk.users');
    const again = await deliver(url, named(user, 'Grace'), id);
    expect(again.body).toEqual({ status: 'requeued', id });
    await waitFor('the user', () => countUsers(scene, [user]));
    await waitFor('the job to complete', async () => (await open.queue.getJob(id))?.isCompleted());
    expect((await open.queue.getJob(id))?.attemptsMade).toBe(1);
    expect(await readOutcome(scene, id)).toBe('applied');
    await open.close();
  },
);

test.concurrent.each(BACKENDS)(
  'SIGTERM in the middle of a batch finishes the batch and loses nothing, with the queue in %s',
  async (kind) => {
    const scene = await openScene(kind);
    const { settings, worker } = scene;
    const users = Array.from({ length: 20 }, () => sampleId('user'));
    const release = await holdUpBatch(scene, users);
    worker.signal('SIGTERM');
    await waitFor('the worker to begin stopping', () => worker.output().includes('stopping'));
    await release();
    expect(await worker.exited).toBe(0);
    await startWorker(settings);
    await waitFor('all users', async () => (await countUsers(scene, users)) === users.length);
  },
);

test.concurrent.each(BACKENDS)(
  'a worker that waits for the database hands its events back when it is stopped, with the queue in %s',
  async (kind) => {
    const scene = await openScene(kind, { DATABASE_LOCK_TIMEOUT: '1s' });
    const { database, settings, worker } = scene;
    const users = [sampleId('user')];
    const release = await holdUpBatch(scene, users);
    worker.signal('SIGTERM');
    expect(await worker.exited).toBe(0);
    await release();
    await startWorker(settings);
    await waitFor('the user', () => countUsers(scene, users));
    const [entry] = await database.query<{ outcome: string }>(
      'SELECT outcome FROM clerk.webhook_events',
    );
    expect(entry?.outcome).toBe('applied');
  },
);

async function openScene(kind: BackendKind, more: Record<string, string> = {}): Promise<Scene> {
  const database = await openDatabase();
  const queue = queueSettings(kind);
  const settings = { DATABASE_URL: database.url, ...queue };
  const [{ url }, worker] = await Promise.all([
    startIngest(settings),
    startWorker({ ...settings, ...more }),
  ]);
  return { database, queue, settings, url, worker };
}

function findShared(kind: BackendKind): Scene {
  const scene = shared.get(kind);
  if (!scene) throw new Error(`Nothing was started with the queue in ${kind}.`);
  return scene;
}

function named(entityId: string, first_name: string) {
  const event = sampleEvent('user.updated', { entityId });
  return { ...event, data: { ...event.data, first_name } };
}

async function countUsers({ database }: Scene, ids: string[]): Promise<number> {
  const rows = await database.query('SELECT 1 FROM clerk.users WHERE id = ANY($1)', [ids]);
  return rows.length;
}

async function readOutcome({ database }: Scene, id: string): Promise<string | undefined> {
  const [row] = await database.query<{ outcome: string }>(
    'SELECT outcome FROM clerk.webhook_events WHERE id = $1',
    [id],
  );
  return row?.outcome;
}

/** Posts the users while the table is locked, and returns once the worker's batch waits for that lock. */
async function holdUpBatch(
  { database, url, worker }: Scene,
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
