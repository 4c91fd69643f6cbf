/** Postgres and Redis really stopped and started again, with the real ingest and workers at work. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type JobState } from 'bullmq';
import {
  openBackend,
  queueSettings,
  waitForQueue,
  type QueueSettings,
} from '../support/backends.js';
import { sampleEvent } from '../../src/clerk/samples/index.js';
import { deliver } from '../support/clerk.js';
import { closeAll, closeLater } from '../support/closing.js';
import { makeHistory, readTables, shuffle } from '../support/crowd-history.js';
import { abandonLoads, startLoad, type Load } from '../support/load.js';
import { expectTables, type ModelEvent } from '../support/model.js';
import { startPostgres, type PostgresServer } from '../support/postgres-server.js';
import {
  startIngest,
  startWorker,
  type RunningIngest,
  type RunningProcess,
} from '../support/processes.js';
import { startRedis } from '../support/redis-server.js';
import { waitFor } from '../support/wait.js';

/** Minutes in a long run: OUTAGE_SECONDS=300. */
const OUTAGE_MS = Number(process.env['OUTAGE_SECONDS'] ?? 20) * 1000;
const PER_SECOND = 40;
/** "Within seconds", on a machine that has other things to do. */
const RETURN_MS = 8_000;
const REDIS_RETURN_MS = 3_000;
/** Between two questions that are refused at once: the answers cost CPU that others wait for. */
const REFUSAL_PAUSE_MS = 100;
/** No answer may take longer, whatever is away. */
const ANSWER_MS = 5_000;

const hasRedis = process.env['TEST_REDIS_URL'] !== undefined;

afterAll(async () => {
  abandonLoads();
  await closeAll();
}, 60_000);

// Each with a Postgres of its own, and all that one waits for is time for the others.
(hasRedis ? test.concurrent : test.skip)(
  'Postgres stopped under load, with the queue in Redis: Clerk notices nothing, no attempt is used up, all rows land',
  async () => {
    const postgres = await openPostgres();
    const queue = queueSettings('redis');
    const { ingest, workers } = await startProcesses(postgres, queue);
    const load = startLoad({
      url: () => ingest.url,
      events: history(OUTAGE_MS),
      perSecond: PER_SECOND,
    });
    await waitFor('the first rows', async () => (await countSettled(postgres)) > 20);

    await postgres.stop();
    const outageEnds = Date.now() + OUTAGE_MS;
    for (const worker of workers) {
      await waitFor('the worker to say why it is not ready', async () => {
        const { status, reason } = await readReadiness(worker);
        return status === 503 && reason.includes('The database is not ready');
      });
    }
    while (Date.now() < outageEnds) {
      expect((await readReadiness(ingest)).status).toBe(200);
      await sleep(250);
    }
    await postgres.start();

    const before = await countSettled(postgres);
    await waitFor(
      'the workers to go on',
      async () => (await countSettled(postgres)) > before,
      RETURN_MS,
    );
    for (const worker of workers) {
      await waitFor('ready', async () => (await readReadiness(worker)).status === 200, RETURN_MS);
    }
    await load.finish();
    expect(load.refusals).toEqual([]);
    expect(load.slowestMs()).toBeLessThan(ANSWER_MS);
    await expectAllApplied(postgres, load.accepted);
    expect(await readJobs(postgres, queue)).toEqual({ failed: 0, attempts: [1] });
    expectAlive([ingest, ...workers]);
  },
  120_000 + 3 * OUTAGE_MS,
);

test.concurrent(
  'Postgres stopped and started five times, with the queue in it: refused meanwhile, and nothing fails',
  async () => {
    const postgres = await openPostgres();
    const queue = queueSettings('postgres');
    const { ingest, workers } = await startProcesses(postgres, {
      ...queue,
      WORKER_CONCURRENCY: '20',
    });
    const events = history(0);
    const accepted: ModelEvent[] = [];
    // Once longer than a job's lock lasts, and once without a shutdown.
    const rounds = [
      { downMs: 1_000, end: postgres.stop, isHeldUp: true },
      { downMs: 12_000, end: postgres.stop, isHeldUp: true },
      { downMs: 1_000, end: postgres.crash, isHeldUp: true },
      { downMs: 3_000, end: postgres.stop, isHeldUp: false },
      { downMs: 1_000, end: postgres.crash, isHeldUp: false },
    ];
    for (const { downMs, end, isHeldUp } of rounds) {
      if (isHeldUp) await holdUpWorkers(postgres);
      const burst = events.splice(0, 100);
      for (const { status } of await Promise.all(
        burst.map((event) => deliver(ingest.url, event)),
      )) {
        expect(status).toBe(200);
      }
      accepted.push(...burst);
      if (isHeldUp)
        await waitFor('jobs that wait and jobs that are under way', () => areBothKinds(postgres));

      await end();
      const upAgain = Date.now() + downMs;
      do {
        await expectRefusal(ingest);
        await sleep(REFUSAL_PAUSE_MS);
      } while (Date.now() < upAgain);
      await postgres.start();

      const before = await countSettled(postgres);
      const load = startLoad({
        url: () => ingest.url,
        events: events.splice(0, 20),
        perSecond: PER_SECOND,
      });
      await waitFor('ingest to take events', () => load.accepted.length > 0, RETURN_MS);
      await waitFor(
        'the workers to go on',
        async () => (await countSettled(postgres)) > before,
        RETURN_MS,
      );
      await waitFor('all to be sent', () => load.accepted.length + load.refusals.length >= 20);
      await load.finish();
      accepted.push(...load.accepted);
    }
    await expectAllApplied(postgres, accepted);
    expect(await readJobs(postgres, queue)).toEqual({ failed: 0, attempts: [1] });
    expectAlive([ingest, ...workers]);
  },
  180_000,
);

test.concurrent(
  'Processes that start before Postgres, with the queue in it, begin by themselves once it is there',
  async () => {
    const postgres = await openPostgres();
    const settings = { DATABASE_URL: postgres.url, ...queueSettings('postgres') };
    await postgres.stop();
    const starting = startWorker(settings);
    const ingest = await startIngest(settings);
    const events = history(0).slice(0, 1);
    await expectRefusal(ingest);
    await postgres.start();
    const worker = await starting;
    const load = startLoad({ url: () => ingest.url, events, perSecond: PER_SECOND });
    await waitFor('ingest to take events', () => load.accepted.length > 0, RETURN_MS);
    await waitFor('the worker to begin', async () => (await countSettled(postgres)) > 0, RETURN_MS);
    await expectAllApplied(postgres, load.accepted);
    expectAlive([ingest, worker]);
  },
  60_000,
);

// Alone: it allows a Redis that is back the least time.
(hasRedis ? test : test.skip)(
  'Redis killed and started twice under load: what was acknowledged lands',
  async () => {
    const postgres = await openPostgres();
    const redis = await startRedis();
    if (!redis)
      throw new Error('This test starts and stops a Redis of its own: install redis-server.');
    closeLater(redis.stop);
    const queue = queueSettings('redis', redis.url);
    const { ingest, workers } = await startProcesses(postgres, queue);
    const load = startLoad({
      url: () => ingest.url,
      events: history(20_000),
      perSecond: PER_SECOND,
    });
    for (const downMs of [500, 4_000]) {
      const settled = await countSettled(postgres);
      await waitFor(
        'events to be applied',
        async () => (await countSettled(postgres)) > settled + 20,
      );
      await redis.kill();
      await sleep(downMs);
      const [taken, applied] = [load.accepted.length, await countSettled(postgres)];
      await redis.start();
      await waitFor('ingest to go on', () => load.accepted.length > taken, REDIS_RETURN_MS);
      await waitFor(
        'the workers to go on',
        async () => (await countSettled(postgres)) > applied,
        REDIS_RETURN_MS,
      );
    }
    await load.finish();
    expect(load.refusals.length).toBeGreaterThan(0);
    expect(load.refusals.filter(({ status, retryAfter }) => status !== 503 || !retryAfter)).toEqual(
      [],
    );
    expect(load.slowestMs()).toBeLessThan(ANSWER_MS);
    await expectAllApplied(postgres, load.accepted);
    expect(await readJobs(postgres, queue)).toEqual({ failed: 0, attempts: [1] });
    expectAlive([ingest, ...workers]);
  },
  120_000,
);

async function openPostgres(): Promise<PostgresServer> {
  const postgres = await startPostgres();
  closeLater(postgres.close);
  return postgres;
}

/** More than can be sent in the time. */
function history(ms: number): ModelEvent[] {
  const users = 200 + Math.ceil((PER_SECOND * ms) / 1000);
  return shuffle(makeHistory({ users, organizations: 20, memberships: users }));
}

async function startProcesses(
  postgres: PostgresServer,
  settings: Record<string, string | undefined> | QueueSettings,
) {
  const all = { DATABASE_URL: postgres.url, ...settings };
  const [ingest, ...workers] = await Promise.all([
    startIngest(all),
    startWorker(all),
    startWorker(all),
  ]);
  return { ingest, workers };
}

/** Until the server stops, no batch gets further than this lock. */
async function holdUpWorkers(postgres: PostgresServer): Promise<void> {
  const blocker = await postgres.connect();
  await blocker.query('BEGIN');
  await blocker.query('LOCK TABLE clerk.entity_versions IN ACCESS EXCLUSIVE MODE');
}

async function areBothKinds(postgres: PostgresServer): Promise<boolean> {
  const [row] = await postgres.query<{ states: string }>(
    `SELECT count(DISTINCT state) AS states FROM bullmq.job WHERE state IN ('active', 'waiting')`,
  );
  return Number(row?.states) === 2;
}

async function countSettled(postgres: PostgresServer): Promise<number> {
  const [row] = await postgres.query<{ n: string }>(
    'SELECT count(*) AS n FROM clerk.webhook_events',
  );
  return Number(row?.n);
}

async function readReadiness({ opsUrl }: RunningProcess) {
  const response = await fetch(`${opsUrl}/readyz`);
  const body = (await response.json()) as { reason?: string }; // our own answer
  return { status: response.status, reason: body.reason ?? '' };
}

async function expectRefusal(ingest: RunningIngest): Promise<void> {
  const asked = Date.now();
  const answer = await deliver(ingest.url, sampleEvent('user.created'));
  expect(answer.status).toBe(503);
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(Date.now() - asked).toBeLessThan(ANSWER_MS);
}

/** Each event once in the ledger, none of them failed, and the rows that the model expects. */
async function expectAllApplied(
  postgres: PostgresServer,
  accepted: Load['accepted'],
): Promise<void> {
  await waitFor(
    'all events',
    async () => (await countSettled(postgres)) >= accepted.length,
    60_000,
  );
  const outcomes = await postgres.query<{ outcome: string; n: string }>(
    'SELECT outcome, count(*) AS n FROM clerk.webhook_events GROUP BY outcome',
  );
  expect(outcomes.reduce((sum, { n }) => sum + Number(n), 0)).toBe(accepted.length);
  const known = outcomes.map(({ outcome }) => outcome);
  expect(['applied', 'stale', 'tombstoned']).toEqual(expect.arrayContaining(known));
  expect(await readTables(postgres)).toEqual(expectTables(accepted));
}

/** Once no job is left to do: how many failed, and the distinct numbers of attempts that the others took. */
async function readJobs(
  postgres: PostgresServer,
  queue: QueueSettings,
): Promise<{ failed: number; attempts: number[] }> {
  const open = openBackend(queue, postgres).openQueue();
  await waitForQueue(open);
  const unfinished: JobState[] = ['waiting', 'active', 'delayed'];
  await waitFor(
    'no job to be left',
    async () => (await open.queue.getJobCountByTypes(...unfinished)) === 0,
    60_000,
  );
  const jobs = await open.queue.getJobs(['completed']);
  const failed = await open.queue.getJobCountByTypes('failed');
  await open.close();
  return { failed, attempts: [...new Set(jobs.map(({ attemptsMade }) => attemptsMade))].sort() };
}

function expectAlive(processes: readonly RunningProcess[]): void {
  for (const { child } of processes) {
    expect([child.exitCode, child.signalCode]).toEqual([null, null]);
  }
}
