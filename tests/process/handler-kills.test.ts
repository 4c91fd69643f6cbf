/** Workers killed by SIGKILL at every step between the commit that applies an event and the end of its handlers. */
import { buildWithHandlers, type Build } from '../support/build.js';
import { BACKENDS, queueSettings, type BackendKind } from '../support/backends.js';
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

const HOLD = `
  CREATE FUNCTION public.hold() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE step text := CASE WHEN TG_OP = 'INSERT' THEN 'written'
      WHEN NEW.relayed_at IS DISTINCT FROM OLD.relayed_at THEN 'relayed'
      WHEN NEW.finished_at IS NOT NULL THEN 'finished' ELSE 'begun' END;
    BEGIN PERFORM pg_advisory_xact_lock_shared(hashtext(step || ' ' || TG_NAME)); RETURN NEW; END $$;
  CREATE TRIGGER before BEFORE INSERT OR UPDATE ON clerk.handler_runs
    FOR EACH ROW EXECUTE FUNCTION public.hold();
  CREATE CONSTRAINT TRIGGER after AFTER INSERT OR UPDATE ON clerk.handler_runs
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.hold()`;

/** A backend of the queue, with a database of its own. */
interface Scene {
  database: TestDatabase;
  trial: TrialServer;
  settings: Record<string, string>;
  /** @returns the event's id. */
  send: (name: string) => Promise<string>;
  /** Ids of all that were sent. */
  sent: readonly string[];
}

let build: Build;
const opened: Scene[] = [];

beforeAll(async () => {
  build = await buildWithHandlers('tests/fixtures/handlers/index.ts');
});
afterAll(async () => {
  await killAll();
  for (const { trial, database } of opened) {
    await trial.close();
    await database.drop();
  }
  build.remove();
});

// Nearly all of it is waiting for the locks of the dead: on both backends at once it takes as long as on one.
test(`every handler of every event runs, each time under one and the same key, with the queue in ${BACKENDS.join(' and in ')}`, async () => {
  await Promise.all(
    BACKENDS.map(async (kind) => {
      const scene = await openScene(kind);
      const lost: string[] = [];
      for (const step of STEPS) {
        for (const fate of FATES) lost.push(...(await killAt(scene, step, fate)));
      }
      const id = await killInTheMiddle(scene);
      await expectAllDone(scene);
      // The kills hit what they were meant to: an attempt that was begun, or done and not written down, is made again.
      const { calls } = scene.trial;
      const attempts = calls.filter(({ eventId }) => eventId === id).map((call) => call.attempt);
      expect(Math.max(...attempts)).toBeGreaterThan(1);
      expect(lost).not.toEqual([]);
      for (const key of lost)
        expect(calls.filter((call) => call.key === key).length).toBeGreaterThan(1);
    }),
  );
}, 240_000);

async function openScene(kind: BackendKind): Promise<Scene> {
  const [trial, database] = await Promise.all([startTrialServer(), createDatabase()]);
  await database.query(HOLD);
  const settings = { DATABASE_URL: database.url, TRIAL_URL: trial.url, ...queueSettings(kind) };
  const sent: string[] = [];
  const { url } = await startIngest(settings);
  const send = async (name: string) => {
    const id = `msg_${name.replaceAll(' ', '_')}`;
    const data = { id: `user_${sent.length}`, updated_at: TIME };
    const event = { type: 'user.created', timestamp: TIME, data };
    expect((await deliver(url, event, id)).status).toBe(200);
    sent.push(id);
    return id;
  };
  const scene = { database, trial, settings, send, sent };
  opened.push(scene);
  return scene;
}

/** @returns keys of runs that were called, and whose end the worker's death undid. */
async function killAt(
  { database, settings, send, trial }: Scene,
  step: Step,
  fate: (typeof FATES)[number],
): Promise<string[]> {
  const release = await hold(database, step, fate);
  await send(`${step} ${fate}`);
  const worker = await startWorker(settings, build);
  await waitFor(`a worker that waits: ${step}, ${fate}`, () => findWaiting(database), TAKE_OVER_MS);
  await kill(worker);
  if (fate === 'rolled back') await endWaiting(database);
  await release();
  await waitFor('its transactions to end', () => hasEnded(database));
  return step === 'finished' && fate === 'rolled back' ? findCalledInVain(database, trial) : [];
}

async function expectAllDone({ database, trial, settings, sent }: Scene): Promise<void> {
  await startWorker(settings, build);
  await waitFor(
    'every run to be done',
    async () => (await countUndone(database)) === 0,
    TAKE_OVER_MS,
  );
  const wanted = sent.flatMap((event) => ['record', 'welcome'].map((name) => `${event}.${name}`));
  const found = trial.calls.map(({ eventId, handler }) => `${eventId}.${handler}`);
  expect([...new Set(found)].sort()).toEqual(wanted.sort());
  expect(
    trial.calls.filter(({ key, eventId, handler }) => key !== `${eventId}.${handler}`),
  ).toEqual([]);
  expect(await countRuns(database)).toBe(wanted.length);
}

/** While the functions themselves are at work. */
async function killInTheMiddle({ trial, settings, send }: Scene): Promise<string> {
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
async function findCalledInVain(database: TestDatabase, trial: TrialServer): Promise<string[]> {
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
async function hold(
  database: TestDatabase,
  step: Step,
  fate: (typeof FATES)[number],
): Promise<() => Promise<void>> {
  const trigger = fate === 'committed' ? 'after' : 'before';
  const blocker = await database.connect();
  await blocker.query('SELECT pg_advisory_lock(hashtext($1))', [`${step} ${trigger}`]);
  return async () => {
    await blocker.query('SELECT pg_advisory_unlock_all()');
  };
}

async function findWaiting(database: TestDatabase): Promise<boolean> {
  const rows = await database.query(
    `SELECT 1 FROM pg_stat_activity WHERE datname = $1 AND wait_event = 'advisory'`,
    [database.name],
  );
  return rows.length > 0;
}

/** Postgres does not notice the death of a client whose statement waits. */
async function endWaiting(database: TestDatabase): Promise<void> {
  await database.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND wait_event = 'advisory'`,
    [database.name],
  );
  await waitFor('the statements that wait to end', async () => !(await findWaiting(database)));
}

async function hasEnded(database: TestDatabase): Promise<boolean> {
  const rows = await database.query(
    `SELECT 1 FROM pg_stat_activity WHERE datname = $1 AND application_name = 'clerk-sync'`,
    [database.name],
  );
  return rows.length === 0;
}

async function countUndone(database: TestDatabase): Promise<number> {
  const [row] = await database.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM clerk.webhook_events e FULL JOIN clerk.handler_runs r ON r.event_id = e.id
     WHERE r.outcome IS DISTINCT FROM 'done'`,
  );
  return row?.n ?? -1;
}

async function countRuns(database: TestDatabase): Promise<number> {
  const [row] = await database.query<{ n: number }>(
    'SELECT count(*)::int AS n FROM clerk.handler_runs',
  );
  return row?.n ?? -1;
}
