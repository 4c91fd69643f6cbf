/** A worker that is stopped in mid-transaction (a paused container, a laptop's lid) and wakes later. */
import { BACKENDS, openBackend, queueSettings, waitForQueue } from '../support/backends.js';
import { deliver } from '../support/clerk.js';
import { closeAll, openDatabase } from '../support/closing.js';
import { type TestDatabase } from '../support/database.js';
import { startIngest, startWorker } from '../support/processes.js';
import { waitFor } from '../support/wait.js';

const TIMEOUT_SECONDS = 3;
/** After the timeout the others need a retry's pause, and this machine may be busy. */
const MARGIN_MS = 4_000;
/** A job's lock, two rounds of the search for stalled ones, and the margin. */
const TAKE_OVER_MS = 30_000;
const USER = 'user_frozen';
const START = Date.UTC(2026, 0, 1);

afterAll(closeAll);

test.concurrent.each(BACKENDS)(
  'a frozen worker stops the others for no longer than the timeouts, and survives its waking, with the queue in %s',
  async (kind) => {
    const database = await openDatabase();
    const queue = queueSettings(kind);
    const settings = {
      DATABASE_URL: database.url,
      DATABASE_IDLE_TIMEOUT: `${TIMEOUT_SECONDS}s`,
      DATABASE_LOCK_TIMEOUT: `${TIMEOUT_SECONDS}s`,
      ...queue,
    };
    const [ingest, ...workers] = await Promise.all([
      startIngest(settings),
      startWorker(settings),
      startWorker(settings),
    ]);
    const send = async (version: number) => {
      const time = START + version * 1000;
      const data = { id: USER, updated_at: time, first_name: `v${version}` };
      const event = { type: 'user.updated', timestamp: time, data };
      expect((await deliver(ingest.url, event, `msg_${version}`)).status).toBe(200);
    };
    await send(1);
    await waitFor('the first version', async () => (await readOutcomes(database))['msg_1']);

    const blocker = await database.connect();
    await blocker.query('BEGIN');
    await blocker.query(`SELECT 1 FROM clerk.entity_versions WHERE entity_id = $1 FOR UPDATE`, [
      USER,
    ]);
    await send(2);
    await waitFor('a worker to wait for the lock', () =>
      countWorkers(database, `wait_event_type = 'Lock'`),
    );
    const open = openBackend(queue, database).openQueue();
    await waitForQueue(open);
    const owner = (await open.queue.getJob('msg_2'))?.processedBy;
    const frozen = workers.find(({ child }) => owner === `worker-${String(child.pid)}`);
    const other = workers.find((worker) => worker !== frozen);
    if (!frozen || !other) throw new Error(`No worker of ours has the job: ${String(owner)}`);
    frozen.signal('SIGSTOP');
    await blocker.query('COMMIT');
    await waitFor('its transaction to stay open', () =>
      countWorkers(database, `state = 'idle in transaction'`),
    );

    await send(3);
    await waitFor(
      'the other worker to get past it',
      async () => (await readOutcomes(database))['msg_3'],
      TIMEOUT_SECONDS * 1000 + MARGIN_MS,
    );
    await waitFor(
      'the other worker to take over what the frozen one held',
      async () => (await readOutcomes(database))['msg_2'],
      TAKE_OVER_MS,
    );
    frozen.signal('SIGCONT');

    await send(4);
    await waitFor('the next version', async () => (await readOutcomes(database))['msg_4']);
    other.signal('SIGTERM');
    expect(await other.exited).toBe(0);
    await send(5);
    await waitFor('the woken worker to work', async () => (await readOutcomes(database))['msg_5']);
    const next = await waitFor('its job to be done', async () => {
      const job = await open.queue.getJob('msg_5');
      return (await job?.isCompleted()) ? job : undefined;
    });
    expect(next.processedBy).toBe(owner);
    expect(await readOutcomes(database)).toEqual({
      msg_1: 'applied',
      msg_2: 'stale', // its first transaction was rolled back, and the third version came first
      msg_3: 'applied',
      msg_4: 'applied',
      msg_5: 'applied',
    });
    expect(await database.query('SELECT first_name FROM clerk.users')).toEqual([
      { first_name: 'v5' },
    ]);
    expect(await open.queue.getJobCountByTypes('failed')).toBe(0);
    expect((await open.queue.getJob('msg_2'))?.attemptsMade).toBe(1);
    expect([frozen.child.exitCode, frozen.child.signalCode]).toEqual([null, null]);
    await open.close();
  },
  120_000,
);

async function countWorkers({ query, name }: TestDatabase, condition: string): Promise<number> {
  const rows = await query(
    `SELECT 1 FROM pg_stat_activity WHERE datname = $1 AND application_name = 'clerk-sync' AND ${condition}`,
    [name],
  );
  return rows.length;
}

async function readOutcomes({ query }: TestDatabase): Promise<Record<string, string>> {
  const rows = await query<{ id: string; outcome: string }>(
    'SELECT id, outcome FROM clerk.webhook_events',
  );
  return Object.fromEntries(rows.map(({ id, outcome }) => [id, outcome]));
}
