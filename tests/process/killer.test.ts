/** An event that ends every worker that applies it. The death comes from outside: SIGKILL, each time the event's row is being written. */
import { openBackend, queueSettings, waitForQueue, BACKENDS } from '../support/backends.js';
import { deliver } from '../support/clerk.js';
import { closeAll, openDatabase } from '../support/closing.js';
import { type TestDatabase } from '../support/database.js';
import { startIngest, startWorker, type RunningProcess } from '../support/processes.js';
import { waitFor } from '../support/wait.js';

const KILLER = 'user_killer';
/** A job's lock, two rounds of the search for stalled ones, and a busy machine. */
const TAKE_OVER_MS = 40_000;
const MOST_DEATHS = 12;

afterAll(closeAll);

// At the same time: nearly all of it is waiting for the locks of the dead.
test.concurrent.each(BACKENDS)(
  'ends as failed, with a ledger row that says why, and what comes later lands, with the queue in %s',
  async (kind) => {
    const database = await openHeldUpDatabase();
    const readOutcome = (id: string) => readOutcomeIn(database, id);
    const queue = queueSettings(kind);
    const settings = { DATABASE_URL: database.url, STALLED_LIMIT: '1', ...queue };
    const ingest = await startIngest(settings);
    await send(ingest.url, KILLER);
    for (const death of [1, 2]) {
      const victim = await startWorker(settings);
      await waitFor(`death ${death}`, () => findVictim(database), TAKE_OVER_MS);
      await kill(victim, database);
    }
    const worker = await startWorker(settings);
    await waitFor(
      'the failure',
      async () => (await readOutcome(KILLER)) === 'failed',
      TAKE_OVER_MS,
    );
    const [row] = await database.query<{ error: string }>(
      'SELECT error FROM clerk.webhook_events WHERE entity_id = $1',
      [KILLER],
    );
    expect(row?.error).toMatch(/stalled/);
    const open = openBackend(queue, database).openQueue();
    await waitForQueue(open);
    expect(await (await open.queue.getJob(`msg_${KILLER}`))?.isFailed()).toBe(true);
    await open.close();

    await send(ingest.url, 'user_later');
    await waitFor('a later user', async () => (await readOutcome('user_later')) === 'applied');
    expect(worker.child.exitCode).toBeNull();
  },
  180_000,
);

test.concurrent(
  'does not take along what came with it',
  async () => {
    const database = await openHeldUpDatabase();
    const readOutcome = (id: string) => readOutcomeIn(database, id);
    const settings = { DATABASE_URL: database.url, ...queueSettings(BACKENDS[0] ?? 'postgres') };
    const ingest = await startIngest(settings);
    const neighbours = ['user_before', 'user_after'];
    for (const id of ['user_before', KILLER, 'user_after']) await send(ingest.url, id);
    const haveLanded = async () =>
      (await Promise.all(neighbours.map(readOutcome))).every((outcome) => outcome === 'applied');
    let deaths = 0;
    while (!(await haveLanded())) {
      expect(++deaths).toBeLessThan(MOST_DEATHS);
      const worker = await startWorker(settings);
      await waitFor(
        'another death, or the neighbours',
        async () => (await findVictim(database)) || (await haveLanded()),
        TAKE_OVER_MS,
      );
      await kill(worker, database);
    }
    expect(await readOutcome(KILLER)).toBeUndefined();
  },
  600_000,
);

/** The row of the killer cannot be written: what writes it waits. */
async function openHeldUpDatabase(): Promise<TestDatabase> {
  const database = await openDatabase();
  await database.query(`
    CREATE FUNCTION clerk.wait() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN PERFORM pg_advisory_xact_lock(42); RETURN NEW; END $$;
    CREATE TRIGGER wait BEFORE INSERT OR UPDATE ON clerk.users FOR EACH ROW
      WHEN (NEW.id = '${KILLER}') EXECUTE FUNCTION clerk.wait()`);
  await (await database.connect()).query('SELECT pg_advisory_lock(42)');
  return database;
}

async function send(url: string, id: string): Promise<void> {
  const time = Date.UTC(2026, 0, 1);
  const event = { type: 'user.created', timestamp: time, data: { id, updated_at: time } };
  expect((await deliver(url, event, `msg_${id}`)).status).toBe(200);
}

async function findVictim({ query, name }: TestDatabase): Promise<boolean> {
  const rows = await query(
    `SELECT 1 FROM pg_stat_activity WHERE datname = $1 AND wait_event = 'advisory'`,
    [name],
  );
  return rows.length > 0;
}

/** Postgres does not notice the death of a client whose statement waits: what is left of it is ended as well. */
async function kill(victim: RunningProcess, database: TestDatabase): Promise<void> {
  victim.signal('SIGKILL');
  await victim.exited;
  await database.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND wait_event = 'advisory'`,
    [database.name],
  );
  await waitFor('its statement to end', async () => !(await findVictim(database)));
}

async function readOutcomeIn(
  { query }: TestDatabase,
  entityId: string,
): Promise<string | undefined> {
  const [row] = await query<{ outcome: string }>(
    'SELECT outcome FROM clerk.webhook_events WHERE entity_id = $1',
    [entityId],
  );
  return row?.outcome;
}
