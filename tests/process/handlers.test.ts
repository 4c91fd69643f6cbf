/** Real workers that run handlers: what one does to the mirror and to the others, how a run ends, who runs it, and what is told of it. */
import { Job } from 'bullmq';
import { type OpenQueue } from '../../src/queue/contract.js';
import { HANDLER_QUEUE_NAME } from '../../src/queue/handler-job.js';
import {
  BACKENDS,
  openBackend,
  queueSettings,
  waitForQueue,
  type BackendKind,
} from '../support/backends.js';
import { ask, change } from '../support/board.js';
import { buildWithHandlers, type Build } from '../support/build.js';
import { deliver } from '../support/clerk.js';
import { closeAll, closeLater, openDatabase } from '../support/closing.js';
import { type TestDatabase } from '../support/database.js';
import { readMetrics, type Readings } from '../support/metrics.js';
import { startBoard, startIngest, startWorker, type RunningProcess } from '../support/processes.js';
import { startTrialServer, type Call, type TrialServer } from '../support/trial-server.js';
import { waitFor } from '../support/wait.js';

const TIME = Date.UTC(2026, 0, 1);
/** More in a long run: HANDLER_CROWD=1000. */
const CROWD = { redis: Number(process.env['HANDLER_CROWD'] ?? 200), postgres: 200 };
const AT_ONCE = 50;
const PATIENCE_MS = 120_000;
/** A test waits for all before it on its backend. */
const TURN_MS = 400_000;
const FOREVER = new Promise<number>(() => undefined);
const RUNS = '/queues/api/queues/clerk-handlers';

/** One database, queue and ingest for all tests of a backend: each has events of its own, and stops the workers that it starts. */
interface Scene {
  database: TestDatabase;
  trial: TrialServer;
  open: OpenQueue<typeof HANDLER_QUEUE_NAME>;
  events: OpenQueue;
  settings: Record<string, string>;
  workers: RunningProcess[];
  send: (type: string, data: { id: string } & Record<string, string>) => Promise<void>;
  start: (more?: Record<string, string>) => Promise<RunningProcess>;
  readRun: (eventId: string, handler: string) => Promise<Run | undefined>;
  isDone: (eventId: string, handlers: readonly string[]) => Promise<boolean>;
  callsOf: (handler: string, eventId: string) => Call[];
}

let build: Build;
const scenes = new Map<BackendKind, Scene>();
const turns = new Map<BackendKind, Promise<unknown>>();

beforeAll(async () => {
  build = await buildWithHandlers('tests/fixtures/handlers/index.ts');
  closeLater(build.remove);
  await Promise.all(BACKENDS.map(async (kind) => scenes.set(kind, await openScene(kind))));
}, 60_000);
afterAll(closeAll);

describe('one worker', () => {
  interface Watched {
    worker: RunningProcess;
    board: RunningProcess;
  }
  const watched = new Map<BackendKind, Watched>();
  const inTurn = (kind: BackendKind, work: (scene: Scene & Watched) => Promise<void>) =>
    takeTurn(kind, (scene) => work({ ...scene, ...find(watched, kind) }));

  beforeAll(async () => {
    const bounds = { HANDLER_TIMEOUT: '1s', HANDLER_ATTEMPTS: '2' };
    await Promise.all(
      BACKENDS.map(async (kind) => {
        const { start, settings } = find(scenes, kind);
        const [worker, board] = await Promise.all([start(bounds), startBoard(settings)]);
        watched.set(kind, { worker, board });
      }),
    );
  }, 60_000);
  afterAll(() => Promise.all([...scenes.values()].map(killWorkers)));

  test.concurrent.each(BACKENDS)(
    'an attempt that takes too long fails, whether or not the function heeds its signal, and is counted, with the queue in %s',
    (kind) =>
      inTurn(kind, async ({ trial, worker, send, readRun, callsOf }) => {
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
        expect(grownBy('handler_duration_seconds', { handler: 'hang' }, '_sum')).toBeGreaterThan(
          1.5,
        );
        expect(grownBy('handler_lag_seconds', { handler: 'slow' }, '_count')).toBe(0);
        expect(grownBy('handler_lag_seconds', { handler: 'record' }, '_count')).toBe(1);
        expect(grownBy('handler_runs_failed', { handler: 'hang' })).toBe(1);
        expect(grownBy('handler_queue_jobs', { state: 'failed' })).toBe(2);
        expect(after.valueOf('handler_runs_unfinished')).toBe(0);
        expect(after.valueOf('handler_runs_unrelayed')).toBe(0);
      }),
    TURN_MS,
  );

  test.concurrent.each(BACKENDS)(
    'what fails for good says why, names nobody, and runs again when it is retried at the board, with the queue in %s',
    (kind) =>
      inTurn(kind, async ({ worker, board, open, send, readRun }) => {
        await send('user.deleted', { id: 'user_1', external_id: 'Ada Lovelace' });
        const run = await waitFor('the failure', async () => {
          const found = await readRun('msg_user_1', 'quote');
          return found?.outcome === 'failed' ? found : null;
        });
        expect(run.error).toMatch(/^no ••• at •••/);
        const id = 'msg_user_1.quote.1';
        await waitFor(
          'the job to fail',
          async () => (await open.queue.getJobState(id)) === 'failed',
        );
        const job = await open.queue.getJob(id);
        expect(job?.data).toEqual({
          version: 1,
          eventId: 'msg_user_1',
          handler: 'quote',
          round: 1,
        });
        const shown = (await ask(board, `${RUNS}/${id}`)).text;
        expect(JSON.parse(shown)).toMatchObject({
          job: { name: 'quote', data: job?.data, failedReason: run.error },
        });
        const stack = job?.stacktrace?.join('\n') ?? '';
        const told = [run.error, job?.failedReason, stack, worker.output(), shown].join('\n');
        // The number as a word of its own: times and ids may have the same digits.
        for (const word of [/Ada/, /example\.com/, /\b7946\b/]) expect(told).not.toMatch(word);
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
      }),
    TURN_MS,
  );

  test.concurrent.each(BACKENDS)(
    'an event that is redelivered, replayed or retried at the board runs no handler again, with the queue in %s',
    (kind) =>
      inTurn(kind, async ({ trial, worker, board, open, events, send, isDone }) => {
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
      }),
    TURN_MS,
  );
});

describe('workers that come and go', () => {
  const inTurn = (kind: BackendKind, work: (scene: Scene) => Promise<void>) =>
    takeTurn(kind, (scene) => work(scene).finally(() => killWorkers(scene)));

  test.concurrent.each(BACKENDS)(
    'one for the mirror alone runs no handler, one for handlers alone applies no event, skips what is pruned, and finds lost jobs, with the queue in %s',
    (kind) =>
      inTurn(kind, async ({ database, trial, start, send, readRun, isDone }) => {
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
      }),
    TURN_MS,
  );

  test.concurrent.each(BACKENDS)(
    'one that is told to stop lets handlers finish, hands back those that do not, and uses up no attempt, with the queue in %s',
    (kind) =>
      inTurn(kind, async ({ trial, start, send, readRun, isDone, callsOf }) => {
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
      }),
    TURN_MS,
  );

  // The last: what it leaves on the queue would keep the others waiting.
  test.concurrent.each(BACKENDS)(
    'handlers that hang, throw for ever and are slow keep nobody waiting: neither the mirror nor another handler, with the queue in %s',
    (kind) =>
      inTurn(kind, async ({ database, trial, start, send }) => {
        const size = CROWD[kind];
        trial.answer(({ handler }) =>
          handler === 'slow' ? FOREVER : handler === 'throw' ? 500 : 200,
        );
        // Nobody's attempt ends, however long all of it takes.
        const worker = await start({ HANDLER_TIMEOUT: '10m' });
        const before = trial.calls.length;
        for (let n = 0; n < size; n += AT_ONCE) {
          const ids = Array.from({ length: AT_ONCE }, (_, i) => `org_crowd_${n + i}`);
          await Promise.all(ids.map((id) => send('organization.created', { id })));
        }
        await waitFor(
          'the mirror',
          async () => (await countOrganizations(database)) === size,
          PATIENCE_MS,
        );
        await waitFor(
          'the handler that is well',
          async () => (await countDone(database, 'record')) === size,
          PATIENCE_MS,
        );
        const called = (name: string) =>
          trial.calls.slice(before).filter(({ handler }) => handler === name).length;
        // HANDLER_CONCURRENCY.
        for (const handler of ['slow', 'hang']) expect(called(handler)).toBeLessThanOrEqual(10);
        for (const handler of ['slow', 'hang', 'throw'])
          expect(await countDone(database, handler)).toBe(0);
        await waitFor('each to have had a turn', () =>
          ['slow', 'hang', 'throw'].every((name) => called(name) > 0),
        );
        const sentAway = (await readMetrics(worker)).countsOf('handler_sent_away_total', 'handler');
        expect(Object.keys(sentAway)).toEqual(expect.arrayContaining(['hang', 'slow']));
      }),
    TURN_MS,
  );
});

async function openScene(kind: BackendKind): Promise<Scene> {
  const [trial, database] = await Promise.all([startTrialServer(), openDatabase()]);
  closeLater(trial.close);
  const queue = queueSettings(kind);
  const settings = { DATABASE_URL: database.url, TRIAL_URL: trial.url, ...queue };
  const { url } = await startIngest(settings);
  const backend = openBackend(queue, database);
  const [open, events] = [backend.openQueue(HANDLER_QUEUE_NAME), backend.openQueue()];
  closeLater(open.close);
  closeLater(events.close);
  await Promise.all([open, events].map(waitForQueue));
  const workers: RunningProcess[] = [];
  const readRun: Scene['readRun'] = async (eventId, handler) => {
    const [row] = await database.query<Run & Record<string, unknown>>(
      'SELECT * FROM clerk.handler_runs WHERE event_id = $1 AND handler = $2',
      [eventId, handler],
    );
    return row;
  };
  return {
    ...{ database, trial, open, events, settings, workers, readRun },
    send: async (type, data) => {
      const event = { type, timestamp: TIME, data: { updated_at: TIME, ...data } };
      expect((await deliver(url, event, `msg_${data.id}`)).status).toBe(200);
    },
    start: async (more = {}) => {
      const worker = await startWorker({ ...settings, ...more }, build);
      workers.push(worker);
      return worker;
    },
    isDone: async (eventId, handlers) => {
      const runs = await Promise.all(handlers.map((handler) => readRun(eventId, handler)));
      return runs.every((run) => run?.outcome === 'done');
    },
    callsOf: (name, event) =>
      trial.calls.filter(({ handler, eventId }) => handler === name && eventId === event),
  };
}

/** The tests of one backend follow each other; those of the other go on beside them. */
function takeTurn(kind: BackendKind, work: (scene: Scene) => Promise<void>): Promise<void> {
  const scene = find(scenes, kind);
  const turn = (turns.get(kind) ?? Promise.resolve())
    .then(() => work(scene))
    .finally(() => scene.trial.answer(() => 200));
  turns.set(
    kind,
    turn.catch(() => undefined), // told by its own test
  );
  return turn;
}

function find<T>(known: ReadonlyMap<BackendKind, T>, kind: BackendKind): T {
  const found = known.get(kind);
  if (!found) throw new Error(`Nothing was started with the queue in ${kind}.`);
  return found;
}

async function killWorkers({ workers }: Scene): Promise<void> {
  const ending = workers.splice(0);
  for (const { signal } of ending) signal('SIGKILL');
  await Promise.all(ending.map(({ exited }) => exited));
}

async function countOrganizations({ query }: TestDatabase): Promise<number> {
  const rows = await query(`SELECT 1 FROM clerk.organizations WHERE id LIKE 'org_crowd_%'`);
  return rows.length;
}

/** Of the crowd. */
async function countDone({ query }: TestDatabase, handler: string): Promise<number> {
  const rows = await query(
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
