/** Real workers that run handlers: what one does to the mirror and to the others, how a run ends, and who runs it. */
import { Job } from 'bullmq';
import { type OpenQueue } from '../../src/queue/contract.js';
import { HANDLER_QUEUE_NAME } from '../../src/queue/handler-job.js';
import { BACKENDS, openBackend, queueSettings, waitForQueue } from '../support/backends.js';
import { buildWithHandlers, type Build } from '../support/build.js';
import { deliver } from '../support/clerk.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { killAll, startIngest, startWorker } from '../support/processes.js';
import { startTrialServer, type TrialServer } from '../support/trial-server.js';
import { waitFor } from '../support/wait.js';

const TIME = Date.UTC(2026, 0, 1);
const CROWD = { redis: 1_000, postgres: 200 };
const AT_ONCE = 50;
const PATIENCE_MS = 120_000;
const FOREVER = new Promise<number>(() => undefined);

let build: Build;
let database: TestDatabase;
let trial: TrialServer;
let open: OpenQueue<typeof HANDLER_QUEUE_NAME> | undefined;

beforeAll(async () => {
  build = await buildWithHandlers('tests/fixtures/handlers/index.ts');
});
afterAll(() => build.remove());
beforeEach(async () => {
  trial = await startTrialServer();
  database = await createDatabase();
});
afterEach(async () => {
  await open?.close();
  open = undefined;
  await killAll();
  await trial.close();
  await database.drop();
});

describe.each(BACKENDS)('with the queue in %s', (kind) => {
  let settings: Record<string, string>;
  let url: string;

  beforeEach(async () => {
    const queue = queueSettings(kind);
    settings = { DATABASE_URL: database.url, TRIAL_URL: trial.url, ...queue };
    ({ url } = await startIngest(settings));
    open = openBackend(queue, database).openQueue(HANDLER_QUEUE_NAME);
    await waitForQueue(open);
  });

  const send = async (type: string, data: { id: string } & Record<string, string>) => {
    const event = { type, timestamp: TIME, data: { updated_at: TIME, ...data } };
    expect((await deliver(url, event, `msg_${data.id}`)).status).toBe(200);
  };
  const start = (more: Record<string, string> = {}) => startWorker({ ...settings, ...more }, build);

  test('handlers that hang, throw for ever and are slow keep nobody waiting: neither the mirror nor another handler', async () => {
    const size = CROWD[kind];
    trial.answer(({ handler }) => (handler === 'slow' ? FOREVER : handler === 'throw' ? 500 : 200));
    await start({ HANDLER_CONCURRENCY: '5' });
    for (let n = 0; n < size; n += AT_ONCE) {
      const ids = Array.from({ length: AT_ONCE }, (_, i) => `org_${n + i}`);
      await Promise.all(ids.map((id) => send('organization.created', { id })));
    }
    await waitFor(
      'the mirror',
      async () => (await count('SELECT 1 FROM clerk.organizations')) === size,
      PATIENCE_MS,
    );
    await waitFor(
      'the handler that is well',
      async () => (await countRuns('record', 'done')) === size,
      PATIENCE_MS,
    );
    expect(trial.calls.filter(({ handler }) => handler === 'slow').length).toBeLessThanOrEqual(5);
    expect(trial.calls.filter(({ handler }) => handler === 'hang').length).toBeLessThanOrEqual(5);
    for (const handler of ['slow', 'hang', 'throw'])
      expect(await countRuns(handler, 'done')).toBe(0);
    await waitFor('each to have had a turn', () =>
      ['slow', 'hang', 'throw'].every((name) =>
        trial.calls.some(({ handler }) => handler === name),
      ),
    );
  }, 240_000);

  test('an attempt that takes too long fails, whether or not the function heeds its signal', async () => {
    trial.answer(({ handler }) => (handler === 'slow' ? FOREVER : 200));
    await start({ HANDLER_TIMEOUT: '1s', HANDLER_ATTEMPTS: '2' });
    await send('organization.created', { id: 'org_1' });
    for (const handler of ['slow', 'hang']) {
      const run = await waitFor(`${handler} to fail for good`, async () => {
        const found = await readRun('msg_org_1', handler);
        return found?.outcome === 'failed' ? found : null;
      });
      expect(run).toMatchObject({
        attempts: 2,
        error: 'It took longer than HANDLER_TIMEOUT (1 s).',
      });
      expect(callsOf(handler).map(({ attempt }) => attempt)).toEqual([1, 2]);
      expect(new Set(callsOf(handler).map(({ key }) => key))).toEqual(
        new Set([`msg_org_1.${handler}`]),
      );
    }
  });

  test('what fails for good says why, names nobody, and runs again when its job is retried', async () => {
    const worker = await start({ HANDLER_ATTEMPTS: '1' });
    await send('user.deleted', { id: 'user_1', external_id: 'Ada Lovelace' });
    const run = await waitFor('the failure', async () => {
      const found = await readRun('msg_user_1', 'quote');
      return found?.outcome === 'failed' ? found : null;
    });
    expect(run.error).toMatch(/^no ••• at •••/);
    const job = await waitFor('the job to fail', async () => {
      const found = await open?.queue.getJob('msg_user_1.quote.1');
      return (await found?.isFailed()) ? found : null;
    });
    expect(job.data).toEqual({ version: 1, eventId: 'msg_user_1', handler: 'quote', round: 1 });
    const told = [run.error, job.failedReason, ...(job.stacktrace ?? []), worker.output()].join(
      '\n',
    );
    for (const word of ['Ada', 'example.com', '7946']) expect(told).not.toContain(word);
    expect(told).toMatch(/handlers\/index\.[jt]s:\d+/);
    // Of its neighbour's success it makes nothing.
    expect((await readRun('msg_user_1', 'record'))?.outcome).toBe('done');

    await job.retry('failed', { resetAttemptsMade: true, resetAttemptsStarted: true });
    await waitFor('another failure', async () => {
      const again = await readRun('msg_user_1', 'quote');
      return again?.outcome === 'failed' && Number(again.finished_at) > Number(run.finished_at);
    });
  });

  test('an event that is redelivered, replayed or retried at the board runs no handler again', async () => {
    await start();
    await send('user.created', { id: 'user_1' });
    await waitFor(
      'its handlers',
      async () => (await count(`SELECT 1 FROM clerk.handler_runs WHERE outcome = 'done'`)) === 2,
    );
    await send('user.created', { id: 'user_1' });
    const events = openBackend(settings as never, database).openQueue(); // the same settings, read as a backend's
    await waitForQueue(events);
    const eventJob = await waitFor('the event to be done', async () => {
      const job = await events.queue.getJob('msg_user_1');
      return (await job?.isCompleted()) ? job : null;
    });
    await eventJob.retry('completed');
    const handlerJob = await waitFor('the run to be done', async () => {
      const job = await open?.queue.getJob('msg_user_1.welcome.1');
      return (await job?.isCompleted()) ? job : null;
    });
    await handlerJob.retry('completed');
    await waitFor('both to be done again', async () => {
      const again = await Job.fromId(events.queue, 'msg_user_1');
      const run = await Job.fromId(open?.queue ?? events.queue, 'msg_user_1.welcome.1');
      return (
        (await again?.isCompleted()) &&
        (await run?.isCompleted()) &&
        run?.returnvalue?.outcome === 'nothing to do'
      );
    });
    await events.close();
    expect(trial.calls).toHaveLength(2);
  });

  test('an event whose payload is gone is skipped, with the reason', async () => {
    const mirror = await start({ WORKER_TASKS: 'mirror' });
    await send('user.created', { id: 'user_1' });
    await waitFor('its rows', async () => (await count('SELECT 1 FROM clerk.handler_runs')) === 2);
    mirror.signal('SIGTERM');
    expect(await mirror.exited).toBe(0);
    await database.query('UPDATE clerk.webhook_events SET payload = NULL');
    await start();
    await waitFor(
      'both to be skipped',
      async () =>
        (await countRuns('record', 'skipped')) + (await countRuns('welcome', 'skipped')) === 2,
    );
    expect((await readRun('msg_user_1', 'welcome'))?.error).toMatch(/pruned or erased/);
    expect(trial.calls).toEqual([]);
  });

  test('a run whose job the queue has lost is put there again', async () => {
    const mirror = await start({ WORKER_TASKS: 'mirror' });
    await send('user.created', { id: 'user_1' });
    await waitFor('its rows', async () => (await count('SELECT 1 FROM clerk.handler_runs')) === 2);
    mirror.signal('SIGTERM');
    expect(await mirror.exited).toBe(0);
    await database.query(
      `UPDATE clerk.handler_runs SET relayed_at = now() - interval '11 minutes'`,
    );
    await start();
    await waitFor(
      'the handlers',
      async () => (await count(`SELECT 1 FROM clerk.handler_runs WHERE outcome = 'done'`)) === 2,
    );
    expect(trial.calls).toHaveLength(2);
  });

  test('a worker for the mirror alone runs none, and one for handlers alone applies none', async () => {
    const handlers = await start({ WORKER_TASKS: 'handlers' });
    await send('user.created', { id: 'user_1' });
    const mirror = await start({ WORKER_TASKS: 'mirror' });
    await waitFor('the handlers', async () => (await countRuns('welcome', 'done')) === 1);
    expect(handlers.output()).not.toContain('"applied"');
    expect(mirror.output()).toContain('"applied"');
    expect(mirror.output()).not.toContain('handler done');
    expect(handlers.output()).toContain('handler done');
  });

  test('a worker that is told to stop lets handlers finish, hands back those that do not, and uses up no attempt', async () => {
    let finish: (status: number) => void = () => undefined;
    const held = new Promise<number>((resolve) => (finish = resolve));
    trial.answer(({ handler }) =>
      handler === 'slow' ? held : handler === 'throw' ? FOREVER : 200,
    );
    const first = await start({ HANDLER_ATTEMPTS: '1', SHUTDOWN_GRACE: '8s' });
    await send('organization.created', { id: 'org_1' });
    await waitFor('all to be at work', () =>
      ['slow', 'hang', 'throw'].every((name) => callsOf(name).length === 1),
    );
    first.signal('SIGTERM');
    await waitFor('the stop to begin', () => first.output().includes('stopping'));
    finish(200);
    await waitFor('the one that ends', async () => (await countRuns('slow', 'done')) === 1);
    expect(await first.exited).toBe(0);
    expect(await countRuns('throw', 'failed')).toBe(0);
    trial.answer(() => 200);
    await start({ HANDLER_ATTEMPTS: '1', SHUTDOWN_GRACE: '8s' });
    await waitFor('what was handed back', async () => (await countRuns('throw', 'done')) === 1);
    expect(callsOf('throw').map(({ attempt }) => attempt)).toEqual([1, 2]);
    expect(callsOf('slow')).toHaveLength(1);
  });
});

const callsOf = (name: string) => trial.calls.filter(({ handler }) => handler === name);

async function count(sql: string): Promise<number> {
  return (await database.query(sql)).length;
}

async function countRuns(handler: string, outcome: string): Promise<number> {
  const rows = await database.query(
    'SELECT 1 FROM clerk.handler_runs WHERE handler = $1 AND outcome = $2',
    [handler, outcome],
  );
  return rows.length;
}

interface Run {
  outcome: string | null;
  attempts: number;
  error: string | null;
  finished_at: Date | null;
}

async function readRun(eventId: string, handler: string): Promise<Run | undefined> {
  const [row] = await database.query<Run & Record<string, unknown>>(
    'SELECT * FROM clerk.handler_runs WHERE event_id = $1 AND handler = $2',
    [eventId, handler],
  );
  return row;
}
