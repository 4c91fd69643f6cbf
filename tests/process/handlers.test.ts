/** Real workers that run handlers: what one does to the mirror and to the others, how a run ends, who runs it, and what is told of it. */
import { Job } from 'bullmq';
import { type OpenQueue } from '../../src/queue/contract.js';
import { HANDLER_QUEUE_NAME } from '../../src/queue/handler-job.js';
import { BACKENDS, openBackend, queueSettings, waitForQueue } from '../support/backends.js';
import { ask, change } from '../support/board.js';
import { buildWithHandlers, type Build } from '../support/build.js';
import { deliver } from '../support/clerk.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { readMetrics, type Readings } from '../support/metrics.js';
import {
  killAll,
  startBoard,
  startIngest,
  startWorker,
  type RunningProcess,
} from '../support/processes.js';
import { startTrialServer, type TrialServer } from '../support/trial-server.js';
import { waitFor } from '../support/wait.js';

const TIME = Date.UTC(2026, 0, 1);
const CROWD = { redis: 1_000, postgres: 200 };
const AT_ONCE = 50;
const PATIENCE_MS = 120_000;
const FOREVER = new Promise<number>(() => undefined);
const RUNS = '/queues/api/queues/clerk-handlers';

let build: Build;
let database: TestDatabase;
let trial: TrialServer;
let open: OpenQueue<typeof HANDLER_QUEUE_NAME>;
let events: OpenQueue;

beforeAll(async () => {
  build = await buildWithHandlers('tests/fixtures/handlers/index.ts');
});
afterAll(() => build.remove());

// One database, queue and ingest for all tests of a backend: each has events of its own, and stops the workers that it starts.
describe.each(BACKENDS)('with the queue in %s', (kind) => {
  let settings: Record<string, string>;
  let url: string;
  let workers: RunningProcess[] = [];

  beforeAll(async () => {
    trial = await startTrialServer();
    database = await createDatabase();
    const queue = queueSettings(kind);
    settings = { DATABASE_URL: database.url, TRIAL_URL: trial.url, ...queue };
    ({ url } = await startIngest(settings));
    const backend = openBackend(queue, database);
    open = backend.openQueue(HANDLER_QUEUE_NAME);
    events = backend.openQueue();
    await Promise.all([open, events].map(waitForQueue));
  });
  afterEach(() => trial.answer(() => 200));
  afterAll(async () => {
    await Promise.all([open.close(), events.close()]);
    await killAll();
    await trial.close();
    await database.drop();
  });

  const send = async (type: string, data: { id: string } & Record<string, string>) => {
    const event = { type, timestamp: TIME, data: { updated_at: TIME, ...data } };
    expect((await deliver(url, event, `msg_${data.id}`)).status).toBe(200);
  };
  const start = async (more: Record<string, string> = {}) => {
    const worker = await startWorker({ ...settings, ...more }, build);
    workers.push(worker);
    return worker;
  };
  const killWorkers = async () => {
    for (const { signal } of workers) signal('SIGKILL');
    await Promise.all(workers.map(({ exited }) => exited));
    workers = [];
  };

  describe('one worker', () => {
    let worker: RunningProcess;
    let board: RunningProcess;

    beforeAll(async () => {
      const bounds = { HANDLER_TIMEOUT: '1s', HANDLER_ATTEMPTS: '2' };
      [worker, board] = await Promise.all([start(bounds), startBoard(settings)]);
    });
    afterAll(killWorkers);

    test('an attempt that takes too long fails, whether or not the function heeds its signal, and is counted', async () => {
      trial.answer(({ handler }) => (handler === 'slow' ? FOREVER : 200));
      const before = await readMetrics(worker);
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
        const calls = callsOf(handler, 'msg_org_1');
        expect(calls.map(({ attempt }) => attempt)).toEqual([1, 2]);
        expect(new Set(calls.map(({ key }) => key))).toEqual(new Set([`msg_org_1.${handler}`]));
      }
      const after = await waitFor('all to be told', async () => {
        const now = await readMetrics(worker);
        return now.valueOf('handler_queue_jobs', { state: 'active' }) === 0 ? now : null;
      });
      const grownBy = (...of: Parameters<Readings['valueOf']>) =>
        (after.valueOf(...of) ?? 0) - (before.valueOf(...of) ?? 0);
      expect(grownBy('handler_runs_relayed_total')).toBe(4);
      expect(grownBy('handler_runs_total', { handler: 'slow', outcome: 'failed' })).toBe(1);
      expect(grownBy('handler_runs_total', { handler: 'record', outcome: 'done' })).toBe(1);
      expect(grownBy('handler_retries_total', { handler: 'hang' })).toBe(1);
      expect(grownBy('handler_duration_seconds', { handler: 'hang' }, '_count')).toBe(2);
      expect(grownBy('handler_duration_seconds', { handler: 'hang' }, '_sum')).toBeGreaterThan(1.5);
      expect(grownBy('handler_lag_seconds', { handler: 'slow' }, '_count')).toBe(0);
      expect(grownBy('handler_lag_seconds', { handler: 'record' }, '_count')).toBe(1);
      expect(grownBy('handler_runs_failed', { handler: 'hang' })).toBe(1);
      expect(grownBy('handler_queue_jobs', { state: 'failed' })).toBe(2);
      expect(after.valueOf('handler_runs_unfinished')).toBe(0);
      expect(after.valueOf('handler_runs_unrelayed')).toBe(0);
    });

    test('what fails for good says why, names nobody, and runs again when it is retried at the board', async () => {
      await send('user.deleted', { id: 'user_1', external_id: 'Ada Lovelace' });
      const run = await waitFor('the failure', async () => {
        const found = await readRun('msg_user_1', 'quote');
        return found?.outcome === 'failed' ? found : null;
      });
      expect(run.error).toMatch(/^no ••• at •••/);
      const id = 'msg_user_1.quote.1';
      await waitFor('the job to fail', async () => (await open.queue.getJobState(id)) === 'failed');
      const job = await open.queue.getJob(id);
      expect(job?.data).toEqual({ version: 1, eventId: 'msg_user_1', handler: 'quote', round: 1 });
      const shown = (await ask(board, `${RUNS}/${id}`)).text;
      expect(JSON.parse(shown)).toMatchObject({
        job: { name: 'quote', data: job?.data, failedReason: run.error },
      });
      const stack = job?.stacktrace?.join('\n') ?? '';
      const told = [run.error, job?.failedReason, stack, worker.output(), shown].join('\n');
      for (const word of ['Ada', 'example.com', '7946']) expect(told).not.toContain(word);
      for (const text of [stack, shown]) expect(text).toMatch(/handlers\/index\.[jt]s:\d+/);
      // Of its neighbour's success it makes nothing.
      expect((await readRun('msg_user_1', 'record'))?.outcome).toBe('done');

      expect((await change(board, 'PUT', `${RUNS}/${id}/retry`)).status).toBe(204);
      const again = await waitFor('another failure', async () => {
        const found = await readRun('msg_user_1', 'quote');
        const isNew = Number(found?.finished_at) > Number(run.finished_at);
        return found?.outcome === 'failed' && isNew ? found : null;
      });
      expect(again.attempts).toBe(2); // all of them once more
    });

    test('an event that is redelivered, replayed or retried at the board runs no handler again', async () => {
      await send('user.created', { id: 'user_2' });
      await waitFor('its handlers', () => isDone('msg_user_2', ['record', 'welcome']));
      await send('user.created', { id: 'user_2' });
      const isCompleted = async (queue: Pick<OpenQueue, 'queue'> | typeof open, id: string) =>
        (await queue.queue.getJobState(id)) === 'completed';
      await waitFor('the event to be done', () => isCompleted(events, 'msg_user_2'));
      const path = '/queues/api/queues/clerk-webhooks/msg_user_2/retry';
      expect((await change(board, 'PUT', path)).status).toBe(204);
      await waitFor('the event to be taken once more', () =>
        /"id":"msg_user_2",.*"msg":"repeated"/.test(worker.output()),
      );
      const run = 'msg_user_2.welcome.1';
      await waitFor('the run to be done', () => isCompleted(open, run));
      await (await open.queue.getJob(run))?.retry('completed');
      await waitFor('nothing to be done', async () => {
        const job = await Job.fromId(open.queue, run);
        return (await job?.isCompleted()) && job?.returnvalue?.outcome === 'nothing to do';
      });
      expect(trial.calls.filter(({ eventId }) => eventId === 'msg_user_2')).toHaveLength(2);
    });
  });

  describe('workers that come and go', () => {
    afterEach(killWorkers);

    test('one for the mirror alone runs no handler, one for handlers alone applies no event, skips what is pruned, and finds lost jobs', async () => {
      const mirror = await start({ WORKER_TASKS: 'mirror' });
      for (const id of ['user_pruned', 'user_lost', 'user_well'])
        await send('user.created', { id });
      const isWritten = async () =>
        (
          await database.query(
            `SELECT 1 FROM clerk.handler_runs WHERE event_id IN ('msg_user_pruned', 'msg_user_lost', 'msg_user_well')`,
          )
        ).length === 6;
      await waitFor('its rows', isWritten);
      const waiting = await readMetrics(mirror);
      expect(waiting.valueOf('handler_runs_unrelayed')).toBe(6);
      expect(waiting.valueOf('handler_runs_unfinished', { handler: 'welcome' })).toBe(3);
      await database.query(
        `UPDATE clerk.webhook_events SET payload = NULL WHERE id = 'msg_user_pruned'`,
      );
      // As if they had been relayed, and the queue had forgotten them.
      await database.query(
        `UPDATE clerk.handler_runs SET relayed_at = now() - interval '11 minutes' WHERE event_id = 'msg_user_lost'`,
      );
      const handlers = await start({ WORKER_TASKS: 'handlers' });
      const both = ['record', 'welcome'];
      await waitFor('the handlers', () => isDone('msg_user_well', both));
      await waitFor('those whose jobs were lost', () => isDone('msg_user_lost', both));
      for (const handler of both) {
        const run = await waitFor('what is pruned to be skipped', async () => {
          const found = await readRun('msg_user_pruned', handler);
          return found?.outcome === 'skipped' ? found : null;
        });
        expect(run.error).toMatch(/pruned or erased/);
      }
      const called = trial.calls.map(({ eventId }) => eventId);
      for (const id of ['msg_user_well', 'msg_user_lost'])
        expect(called.filter((eventId) => eventId === id)).toHaveLength(2);
      expect(called).not.toContain('msg_user_pruned');
      expect(handlers.output()).not.toContain('"applied"');
      expect(mirror.output()).toContain('"applied"');
      expect(mirror.output()).not.toContain('handler done');
      expect(handlers.output()).toContain('handler done');
    });

    test('one that is told to stop lets handlers finish, hands back those that do not, and uses up no attempt', async () => {
      let finish: (status: number) => void = () => undefined;
      const held = new Promise<number>((resolve) => (finish = resolve));
      trial.answer(({ handler }) =>
        handler === 'slow' ? held : handler === 'throw' ? FOREVER : 200,
      );
      const bounds = { HANDLER_ATTEMPTS: '1', SHUTDOWN_GRACE: '4s' };
      const first = await start(bounds);
      await send('organization.created', { id: 'org_stop' });
      await waitFor('all to be at work', () =>
        ['slow', 'hang', 'throw'].every((name) => callsOf(name, 'msg_org_stop').length === 1),
      );
      first.signal('SIGTERM');
      await waitFor('the stop to begin', () => first.output().includes('stopping'));
      finish(200);
      await waitFor('the one that ends', () => isDone('msg_org_stop', ['slow']));
      expect(await first.exited).toBe(0);
      expect((await readRun('msg_org_stop', 'throw'))?.outcome).toBeNull();
      trial.answer(() => 200);
      await start(bounds);
      await waitFor('what was handed back', () => isDone('msg_org_stop', ['throw']));
      expect(callsOf('throw', 'msg_org_stop').map(({ attempt }) => attempt)).toEqual([1, 2]);
      expect(callsOf('slow', 'msg_org_stop')).toHaveLength(1);
    });

    // The last: what it leaves on the queue would keep the others waiting.
    test('handlers that hang, throw for ever and are slow keep nobody waiting: neither the mirror nor another handler', async () => {
      const size = CROWD[kind];
      trial.answer(({ handler }) =>
        handler === 'slow' ? FOREVER : handler === 'throw' ? 500 : 200,
      );
      const worker = await start();
      const before = trial.calls.length;
      for (let n = 0; n < size; n += AT_ONCE) {
        const ids = Array.from({ length: AT_ONCE }, (_, i) => `org_crowd_${n + i}`);
        await Promise.all(ids.map((id) => send('organization.created', { id })));
      }
      await waitFor('the mirror', async () => (await countOrganizations()) === size, PATIENCE_MS);
      await waitFor(
        'the handler that is well',
        async () => (await countDone('record')) === size,
        PATIENCE_MS,
      );
      const called = (name: string) =>
        trial.calls.slice(before).filter(({ handler }) => handler === name).length;
      // HANDLER_CONCURRENCY, and nobody's attempt has ended.
      for (const handler of ['slow', 'hang']) expect(called(handler)).toBeLessThanOrEqual(10);
      for (const handler of ['slow', 'hang', 'throw']) expect(await countDone(handler)).toBe(0);
      await waitFor('each to have had a turn', () =>
        ['slow', 'hang', 'throw'].every((name) => called(name) > 0),
      );
      const sentAway = (await readMetrics(worker)).countsOf('handler_sent_away_total', 'handler');
      expect(Object.keys(sentAway)).toEqual(expect.arrayContaining(['hang', 'slow']));
    }, 240_000);
  });
});

const callsOf = (name: string, event: string) =>
  trial.calls.filter(({ handler, eventId }) => handler === name && eventId === event);

async function isDone(eventId: string, handlers: readonly string[]): Promise<boolean> {
  const runs = await Promise.all(handlers.map((handler) => readRun(eventId, handler)));
  return runs.every((run) => run?.outcome === 'done');
}

async function countOrganizations(): Promise<number> {
  const rows = await database.query(
    `SELECT 1 FROM clerk.organizations WHERE id LIKE 'org_crowd_%'`,
  );
  return rows.length;
}

/** Of the crowd. */
async function countDone(handler: string): Promise<number> {
  const rows = await database.query(
    `SELECT 1 FROM clerk.handler_runs WHERE handler = $1 AND outcome = 'done' AND event_id LIKE 'msg_org_crowd_%'`,
    [handler],
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
