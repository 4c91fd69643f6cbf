/** Workers killed by SIGKILL at every step between the commit that applies an event and the end of its handlers. */
import { buildWithHandlers, type Build } from '../support/build.js';
import { BACKENDS, queueSettings } from '../support/backends.js';
import { deliver } from '../support/clerk.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { killAll, startIngest, startWorker, type RunningProcess } from '../support/processes.js';
import { startTrialServer, type TrialServer } from '../support/trial-server.js';
import { waitFor } from '../support/wait.js';

/** A job's lock, rounds of the search for stalled ones, and a busy machine. */
const TAKE_OVER_MS = 60_000;
const TIME = Date.UTC(2026, 0, 1);

/** Each writes the run's row: its insertion with the event, the queue knows it, an attempt begins, it is done. */
const STEPS = ['written', 'relayed', 'begun', 'finished'] as const;
type Step = (typeof STEPS)[number];
/** Whether what the dead worker had asked for is still done: the database may have it, and nobody hears so. */
const FATES = ['rolled back', 'committed'] as const;

let build: Build;
let database: TestDatabase;
let trial: TrialServer;

beforeAll(async () => {
  build = await buildWithHandlers('tests/fixtures/handlers/index.ts');
});
afterAll(() => build.remove());
beforeEach(async () => {
  trial = await startTrialServer();
  database = await createDatabase();
  await database.query(`
    CREATE FUNCTION public.hold() RETURNS trigger LANGUAGE plpgsql AS $$
      DECLARE step text := CASE WHEN TG_OP = 'INSERT' THEN 'written'
        WHEN NEW.relayed_at IS DISTINCT FROM OLD.relayed_at THEN 'relayed'
        WHEN NEW.finished_at IS NOT NULL THEN 'finished' ELSE 'begun' END;
      BEGIN PERFORM pg_advisory_xact_lock_shared(hashtext(step || ' ' || TG_NAME)); RETURN NEW; END $$;
    CREATE TRIGGER before BEFORE INSERT OR UPDATE ON clerk.handler_runs
      FOR EACH ROW EXECUTE FUNCTION public.hold();
    CREATE CONSTRAINT TRIGGER after AFTER INSERT OR UPDATE ON clerk.handler_runs
      DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.hold()`);
});
afterEach(async () => {
  await killAll();
  await trial.close();
  await database.drop();
});

test.each(BACKENDS)(
  'every handler of every event runs, each time under one and the same key, with the queue in %s',
  async (kind) => {
    const queue = queueSettings(kind);
    const settings = { DATABASE_URL: database.url, TRIAL_URL: trial.url, ...queue };
    const { url } = await startIngest(settings);
    const sent: string[] = [];
    const send = async (name: string) => {
      const id = `msg_${name.replaceAll(' ', '_')}`;
      const data = { id: `user_${sent.length}`, updated_at: TIME };
      const event = { type: 'user.created', timestamp: TIME, data };
      expect((await deliver(url, event, id)).status).toBe(200);
      sent.push(id);
      return id;
    };
    const lost: string[] = [];
    for (const step of STEPS) {
      for (const fate of FATES) {
        const release = await hold(step, fate);
        await send(`${step} ${fate}`);
        const worker = await startWorker(settings, build);
        await waitFor(`a worker that waits: ${step}, ${fate}`, findWaiting, TAKE_OVER_MS);
        await kill(worker);
        if (fate === 'rolled back') await endWaiting();
        await release();
        await waitFor('its transactions to end', hasEnded);
        if (step === 'finished' && fate === 'rolled back') lost.push(...(await findCalledInVain()));
      }
    }
    const id = await killInTheMiddle(settings, send);

    await startWorker(settings, build);
    await waitFor('every run to be done', async () => (await countUndone()) === 0, TAKE_OVER_MS);
    const wanted = sent.flatMap((event) => ['record', 'welcome'].map((name) => `${event}.${name}`));
    const found = trial.calls.map(({ eventId, handler }) => `${eventId}.${handler}`);
    expect([...new Set(found)].sort()).toEqual(wanted.sort());
    expect(
      trial.calls.filter(({ key, eventId, handler }) => key !== `${eventId}.${handler}`),
    ).toEqual([]);
    expect(await countRuns()).toBe(wanted.length);
    // The kills hit what they were meant to: an attempt that was begun, or done and not written down, is made again.
    const callsOf = (key: string) => trial.calls.filter((call) => call.key === key);
    const attempts = trial.calls
      .filter(({ eventId }) => eventId === id)
      .map((call) => call.attempt);
    expect(Math.max(...attempts)).toBeGreaterThan(1);
    expect(lost).not.toEqual([]);
    for (const key of lost) expect(callsOf(key).length).toBeGreaterThan(1);
  },
  240_000,
);

/** While the functions themselves are at work. */
async function killInTheMiddle(
  settings: Record<string, string>,
  send: (name: string) => Promise<string>,
): Promise<string> {
  const id = await send('in the middle');
  const isCalled = () => trial.calls.some(({ eventId }) => eventId === id);
  trial.answer(({ eventId }) => (eventId === id ? new Promise<number>(() => undefined) : 200));
  const worker = await startWorker(settings, build);
  await waitFor('a handler to be at work', isCalled, TAKE_OVER_MS);
  await kill(worker);
  trial.answer(() => 200);
  return id;
}

/** Keys of runs whose function was called, and whose rows do not say that it is done. */
async function findCalledInVain(): Promise<string[]> {
  const undone = await database.query<{ key: string }>(
    `SELECT event_id || '.' || handler AS key FROM clerk.handler_runs WHERE outcome IS NULL`,
  );
  const called = new Set(trial.calls.map(({ key }) => key));
  return undone.map(({ key }) => key).filter((key) => called.has(key));
}

async function kill(worker: RunningProcess): Promise<void> {
  worker.signal('SIGKILL');
  await worker.exited;
}

/** Before the row is written, or, with its commit: then the database does it although the worker is dead. */
async function hold(step: Step, fate: (typeof FATES)[number]): Promise<() => Promise<void>> {
  const trigger = fate === 'committed' ? 'after' : 'before';
  const blocker = await database.connect();
  await blocker.query('SELECT pg_advisory_lock(hashtext($1))', [`${step} ${trigger}`]);
  return async () => {
    await blocker.query('SELECT pg_advisory_unlock_all()');
  };
}

async function findWaiting(): Promise<boolean> {
  const rows = await database.query(
    `SELECT 1 FROM pg_stat_activity WHERE datname = $1 AND wait_event = 'advisory'`,
    [database.name],
  );
  return rows.length > 0;
}

/** Postgres does not notice the death of a client whose statement waits. */
async function endWaiting(): Promise<void> {
  await database.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND wait_event = 'advisory'`,
    [database.name],
  );
  await waitFor('the statements that wait to end', async () => !(await findWaiting()));
}

async function hasEnded(): Promise<boolean> {
  const rows = await database.query(
    `SELECT 1 FROM pg_stat_activity WHERE datname = $1 AND application_name = 'clerk-sync'`,
    [database.name],
  );
  return rows.length === 0;
}

async function countUndone(): Promise<number> {
  const [row] = await database.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM clerk.webhook_events e FULL JOIN clerk.handler_runs r ON r.event_id = e.id
     WHERE r.outcome IS DISTINCT FROM 'done'`,
  );
  return row?.n ?? -1;
}

async function countRuns(): Promise<number> {
  const [row] = await database.query<{ n: number }>(
    'SELECT count(*)::int AS n FROM clerk.handler_runs',
  );
  return row?.n ?? -1;
}
