/**
 * Every alert of ops/prometheus/alerts.yml fires on its real fault, and none while all is well: a real Prometheus, real processes,
 * real faults, one after the other. Only time is shorter: see the tables.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { parse, stringify } from 'yaml';
import { sampleEvent } from '../../src/clerk/samples/index.js';
import { createSigner } from '../../src/clerk/signature.js';
import { fullNameOf } from '../../src/metric-table.js';
import { type OpenQueue } from '../../src/queue/contract.js';
import { HANDLER_QUEUE_NAME } from '../../src/queue/handler-job.js';
import { openBackend, queueSettings, waitForQueue } from '../support/backends.js';
import { buildWithHandlers, type Build } from '../support/build.js';
import { deliver, newMessageId, post } from '../support/clerk.js';
import { UNTIL_RECONCILED } from '../support/metrics.js';
import { startPostgres, type PostgresServer } from '../support/postgres-server.js';
import {
  killAll,
  startBoard,
  startIngest,
  startWorker,
  type RunningIngest,
  type RunningProcess,
} from '../support/processes.js';
import {
  EVALUATION_MS,
  hasPrometheus,
  startPrometheus,
  type PrometheusServer,
} from '../support/prometheus-server.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { startTrialServer, type TrialServer } from '../support/trial-server.js';
import { waitFor } from '../support/wait.js';

const OPS = path.resolve(import.meta.dirname, '../../ops');

/** How long ranges become: several scrapes. What is not listed fails. */
const RANGES: Readonly<Record<string, string>> = {
  '5m': '8s',
  '15m': '8s',
  '1h': '8s',
  '7d': '1h',
};
/** How long `for` becomes: longer than one scrape that failed. */
const HOLDS: Readonly<Record<string, string>> = { '1m': '3s', '2m': '3s', '5m': '3s', '10m': '3s' };
/** Thresholds that stand for time, or for what comes in that time. All others are the real ones. */
const THRESHOLDS: Readonly<Record<string, [from: string, to: string]>> = {
  ClerkSyncSilence: ['21600', '6'],
  ClerkSyncBacklog: ['120', '3'],
  ClerkSyncDatabaseFaults: ['10', '3'],
  ClerkSyncHandlersNotRelayed: ['120', '3'],
  ClerkSyncHandlerLate: ['1800', '8'],
};
/** Its fault would need more than five slow transactions at once, of a worker that runs two: ops/prometheus/alerts-test.yml shows it. */
const SHOWN_ELSEWHERE = ['ClerkSyncPoolWaiting'];

const SETTLE_MS = 40_000;
const BEAT_MS = 250;
const NO_PROMETHEUS = `
******************************************************************************
  No prometheus was found, so THE ALERTS ARE NOT SHOWN TO FIRE. To run these
  tests: apt-get install prometheus, and a redis-server.
******************************************************************************
`;

const isPossible = hasPrometheus && process.env['TEST_REDIS_URL'] !== undefined;
if (!hasPrometheus) process.stderr.write(NO_PROMETHEUS);
if (!isPossible && process.env['CI'] === 'true') {
  test('alerts can be tried: Prometheus and Redis are there', () => {
    throw new Error(NO_PROMETHEUS);
  });
}

let redis: RedisServer;
let postgres: PostgresServer;
let prometheus: PrometheusServer;
let ingest: RunningIngest;
let worker: RunningProcess;
let board: RunningProcess;
let queue: OpenQueue;
let handlerQueue: OpenQueue<typeof HANDLER_QUEUE_NAME>;
let build: Build;
let trial: TrialServer;
let settings: Record<string, string>;
let heart: { stop: () => Promise<void> };
/** Alerts that have fired on their fault. */
const shown = new Set<string>(SHOWN_ELSEWHERE);
/** What closes all that is open, in the order in which it was opened. */
const closing: (() => unknown)[] = [];
/** What undoes the faults that stand, in the order in which they were caused. */
const mending: (() => unknown)[] = [];

(isPossible ? describe : describe.skip)('the alerts', () => {
  beforeAll(async () => {
    closing.push(killAll);
    postgres = await startPostgres();
    closing.push(postgres.close);
    const started = await startRedis();
    if (!started) throw new Error('This test stops a Redis of its own: install redis-server.');
    redis = started;
    closing.push(redis.stop);
    const place = queueSettings('redis', redis.url);
    build = await buildWithHandlers('tests/fixtures/handlers/index.ts');
    closing.push(build.remove);
    trial = await startTrialServer();
    closing.push(trial.close);
    settings = {
      ...place,
      DATABASE_URL: postgres.url,
      TRIAL_URL: trial.url,
      BODY_LIMIT: '100kb',
      HANDLER_ATTEMPTS: '2',
      // Those that hang do so until the end.
      HANDLER_TIMEOUT: '10m',
    };
    queue = openBackend(place, postgres).openQueue();
    handlerQueue = openBackend(place, postgres).openQueue(HANDLER_QUEUE_NAME);
    closing.push(queue.close, handlerQueue.close);
    await Promise.all([queue, handlerQueue].map(waitForQueue));
    [ingest, worker, board] = await Promise.all([
      startIngest(settings),
      startWorker(settings, build),
      startBoard(settings),
    ]);
    heart = repeat(sendEvents(1));
    closing.push(() => heart.stop());
    prometheus = await startPrometheus(shorten(read('prometheus/alerts.yml')), targets());
    closing.push(prometheus.stop);
    // First of all: a request to a process that hangs ends with it.
    closing.push(killAll);
  }, 120_000);
  afterAll(async () => {
    for (const close of closing.reverse()) await close();
  }, 60_000);
  beforeEach(expectCalm, 60_000);
  afterEach(async () => {
    for (const mend of mending.splice(0).reverse()) await mend();
  }, 60_000);

  test('none fires while all is well, and the dashboard shows something in every panel', async () => {
    for (const { title, query, mayBeEmpty } of readPanels()) {
      const found = await waitFor(`data of "${title}": ${query}`, async () => {
        const count = await prometheus.count(query);
        return count > 0 || mayBeEmpty ? { count } : undefined;
      });
      expect(found).toBeDefined();
    }
    // Longer than every range and `for` of the shortened rules.
    await waitForEvaluations(10, (firing) => expect(firing).toEqual([]));
  }, 60_000);

  test('a wrong secret, bodies that are too large, events that Clerk sends hours late, a process without CPU', async () => {
    const late = sendEvents(2, Date.now() - 3 * 3_600_000);
    const knocks = Array.from({ length: 10 }, () => knock);
    const trouble = repeat(() =>
      Promise.all([...knocks, late, sendTooLarge].map((attempt) => attempt())),
    );
    const starving = repeat(async () => {
      board.signal('SIGSTOP');
      await sleep(650);
      board.signal('SIGCONT');
    });
    mending.push(trouble.stop, starving.stop);
    await expectFired(
      ['ClerkSyncRejected', 'ClerkSyncTooLarge', 'ClerkSyncLag', 'ClerkSyncEventLoopDelay'],
      ['ClerkSyncInstanceDown'],
    );
  }, 60_000);

  test('events that fail for good, attempts that fail, and transactions that are lost', async () => {
    await postgres.query(`
      CREATE FUNCTION clerk.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.entity_id LIKE 'user_defect%' THEN RAISE EXCEPTION 'a defect'; END IF;
        IF NEW.entity_id = 'user_busy' THEN RAISE serialization_failure; END IF;
        RETURN NEW; END $$;
      CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON clerk.webhook_events FOR EACH ROW EXECUTE FUNCTION clerk.refuse()`);
    const sent: string[] = [];
    mending.push(async () => {
      await postgres.query('DROP TRIGGER refuse ON clerk.webhook_events');
      // A defect whose attempt the drop cuts in two fails for good as well, and may be the last to do so.
      await waitFor('all that was refused to be settled', () => areSettled(sent), SETTLE_MS);
      await queue.queue.clean(0, 0, 'failed');
    });
    const poison = Array.from({ length: 15 }, () => ({ type: 'user.created', data: 'poison' }));
    const defects = poison.map((_, n) => ({
      type: 'user.updated',
      data: { id: `user_defect${n}` },
    }));
    sent.push(...(await Promise.all([...poison, ...defects].map(sendUntilTaken))));
    // Last: whatever shares a batch with it waits for several tries of that batch.
    sent.push(await sendUntilTaken({ type: 'user.updated', data: { id: 'user_busy' } }));
    await waitFor('a lost transaction', () => worker.output().includes('will be tried again'));
    await expectFired(
      [
        'ClerkSyncDeadLetters',
        'ClerkSyncDeadLettersRising',
        'ClerkSyncRetries',
        'ClerkSyncDatabaseFaults',
      ],
      ['ClerkSyncBacklog'],
    );
  }, 120_000);

  test('handlers that fail, that nobody tells the queue of, and whose queue somebody paused', async () => {
    trial.answer(({ handler }) => (handler === 'throw' ? 500 : 200));
    const organizations = Array.from({ length: 15 }, () => sampleEvent('organization.created'));
    mending.push(async () => {
      trial.answer(() => 200);
      await postgres.query(
        `UPDATE clerk.handler_runs SET outcome = 'done' WHERE handler IN ('hang', 'throw')`,
      );
    });
    await Promise.all(organizations.map(sendUntilTaken));
    await waitFor('all that throws to have failed', async () => {
      const failed = await postgres.query(
        `SELECT 1 FROM clerk.handler_runs WHERE outcome = 'failed'`,
      );
      return failed.length === organizations.length;
    });
    await handlerQueue.queue.pause();
    mending.push(() => handlerQueue.queue.resume());
    await postgres.query(`
      CREATE FUNCTION clerk.refuse_relay() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a relay that cannot'; END $$;
      CREATE TRIGGER refuse_relay BEFORE UPDATE OF relayed_at ON clerk.handler_runs FOR EACH ROW EXECUTE FUNCTION clerk.refuse_relay()`);
    mending.push(() => postgres.query('DROP TRIGGER refuse_relay ON clerk.handler_runs'));
    await expectFired([
      'ClerkSyncHandlerFailed',
      'ClerkSyncHandlerRetries',
      'ClerkSyncHandlersPaused',
      'ClerkSyncHandlerLate',
      'ClerkSyncHandlersNotRelayed',
    ]);
  }, 120_000);

  test('a queue that somebody paused, in a Redis that evicts and keeps no append-only file', async () => {
    await queue.queue.pause();
    mending.push(() => queue.queue.resume());
    await configureRedis({ 'maxmemory-policy': 'allkeys-lru', appendonly: 'no' });
    mending.push(() => configureRedis({ 'maxmemory-policy': 'noeviction', appendonly: 'yes' }));
    await expectFired([
      'ClerkSyncQueuePaused',
      'ClerkSyncBacklog',
      'ClerkSyncQueueEvicting',
      'ClerkSyncQueueNotDurable',
      'ClerkSyncNotReady',
    ]);
  }, 60_000);

  test('a database that is away, then the worker as well, and its jobs taken back by another', async () => {
    const isAway = ['ClerkSyncDatabaseDown', 'ClerkSyncNotReady', 'ClerkSyncBacklog'];
    // At work when the worker dies.
    await sendUntilTaken(sampleEvent('organization.created'));
    await waitFor('a handler to hang', async () => (await handlerQueue.queue.getActiveCount()) > 0);
    mending.push(() =>
      postgres.query(`UPDATE clerk.handler_runs SET outcome = 'done' WHERE handler = 'hang'`),
    );
    const late = ['ClerkSyncHandlerLate', 'ClerkSyncHandlersNotRelayed'];
    await postgres.stop();
    await expectFired(isAway, late);
    worker.signal('SIGKILL');
    await worker.exited;
    const isGone = ['ClerkSyncNoWorker', 'ClerkSyncInstanceDown'];
    await expectFired(isGone, [...isAway, ...late]);
    await postgres.start();
    worker = await startWorker(settings, build);
    prometheus.setTargets(targets());
    await expectFired(
      ['ClerkSyncStalls', 'ClerkSyncHandlerStalls'],
      [...isAway, ...isGone, ...late, 'ClerkSyncHandlerRetries'],
    );
  }, 240_000);

  test('a Redis that is away', async () => {
    await redis.kill();
    mending.push(redis.start);
    await expectFired(
      ['ClerkSyncQueueDown', 'ClerkSyncUnavailable', 'ClerkSyncNotReady'],
      ['ClerkSyncHandlerLate', 'ClerkSyncHandlersNotRelayed'],
    );
  }, 60_000);

  test('an ingest that hangs; and a silence that a restart does not hide', async () => {
    ingest.signal('SIGSTOP');
    await expectFired(['ClerkSyncIngestDown', 'ClerkSyncInstanceDown', 'ClerkSyncSilence']);
    ingest.signal('SIGKILL');
    await heart.stop();
    ingest = await startIngest(settings);
    mending.push(() => {
      heart = repeat(sendEvents(1));
    });
    prometheus.setTargets(targets());
    const { host } = new URL(ingest.opsUrl);
    const isSeen = `clerk_sync_process_start_time_seconds{process="ingest", instance="${host}"}`;
    await waitFor('the new ingest to be seen', () => prometheus.count(isSeen));
    // Were the silence counted from the restart, it would be over for a while.
    await waitForEvaluations(3, (firing) => expect(firing).toContain('ClerkSyncSilence'));
  }, 120_000);

  test('and that was every alert there is', () => {
    const alerts = parseRules(read('prometheus/alerts.yml')).map(({ alert }) => alert);
    expect([...shown].sort()).toEqual(alerts.sort());
  });
});

/** Waits until each of `must` has fired. Whatever else fires and is not among `may` is a false alarm. */
async function expectFired(must: readonly string[], may: readonly string[] = []): Promise<void> {
  const fired = new Set<string>();
  const isComplete = () => must.every((name) => fired.has(name));
  await waitPatiently(async () => {
    for (const name of await listFiring()) fired.add(name);
    return isComplete();
  });
  const missing = must.filter((name) => !fired.has(name));
  const surprising = [...fired].filter((name) => !must.includes(name) && !may.includes(name));
  expect({ missing, surprising }).toEqual({ missing: [], surprising: [] });
  for (const name of must) shown.add(name);
}

async function expectCalm(): Promise<void> {
  let firing: string[] = [];
  await waitPatiently(async () => {
    firing = await listFiring();
    return firing.length === 0;
  });
  expect(firing).toEqual([]);
}

/** Ends when time is up, too: what is missing then is for the caller to say. */
async function waitPatiently(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + SETTLE_MS;
  await waitFor('alerts', async () => (await condition()) || Date.now() > deadline, Infinity);
}

/** Waits until all rules were evaluated this often; `observe` is told again and again what fires. */
async function waitForEvaluations(
  count: number,
  observe: (firing: string[]) => void,
): Promise<void> {
  const end = Date.now() + count * EVALUATION_MS;
  await waitFor('the rules to be evaluated', async () => {
    observe(await listFiring());
    return (await prometheus.lastEvaluation()) > end;
  });
}

const listFiring = () => prometheus.firing();

function targets() {
  return {
    'clerk-sync-ingest': [ingest.opsUrl],
    'clerk-sync-worker': [worker.opsUrl],
    'clerk-sync-board': [board.opsUrl],
  };
}

/** Over and over until it is stopped. What fails, because somebody stopped a process, is tried again. */
function repeat(work: () => Promise<unknown>, pauseMs = BEAT_MS): { stop: () => Promise<void> } {
  let isStopped = false;
  const run = async () => {
    while (!isStopped) {
      await work().catch(() => undefined); // see above
      await sleep(pauseMs);
    }
  };
  const running = run();
  return {
    stop: async () => {
      isStopped = true;
      await running;
    },
  };
}

const send = (event: object) => deliver(ingest.url, event);

/** As Svix does: again, under the same id, until it is taken. @returns the id. */
async function sendUntilTaken(event: object): Promise<string> {
  const id = newMessageId();
  await waitFor('an event to be taken', async () => {
    return (await deliver(ingest.url, event, id)).status === 200;
  });
  return id;
}

/** Whether each is applied or failed for good. Ends the pause before another attempt of whatever is neither. */
async function areSettled(ids: readonly string[]): Promise<boolean> {
  await queue.queue.promoteJobs();
  const states = await Promise.all(ids.map((id) => queue.queue.getJobState(id)));
  return states.every((state) => state === 'completed' || state === 'failed');
}

function sendEvents(count: number, now?: number): () => Promise<unknown> {
  return () =>
    Promise.all(
      Array.from({ length: count }, () => send(sampleEvent('user.created', now ? { now } : {}))),
    );
}

/** Signed with somebody else's secret. */
function knock(): Promise<unknown> {
  const sign = createSigner(`whsec_${Buffer.alloc(32, 1).toString('base64')}`);
  const body = JSON.stringify(sampleEvent('user.created'));
  return post(ingest.url, { ...sign(newMessageId(), body) }, body);
}

function sendTooLarge(): Promise<unknown> {
  return send({ type: 'user.created', data: { x: 'x'.repeat(200_000) } });
}

async function configureRedis(values: Record<string, string>): Promise<void> {
  const client = new Redis(redis.url);
  for (const [name, value] of Object.entries(values)) await client.config('SET', name, value);
  client.disconnect();
}

const read = (file: string) => readFileSync(path.join(OPS, file), 'utf8');

interface Rule {
  alert: string;
  expr: string;
  for?: string;
}

interface Rules {
  groups: { rules: Rule[] }[];
}

function parseRules(text: string): Rule[] {
  return (parse(text) as Rules).groups.flatMap(({ rules }) => rules); // promtool checks the file
}

/** The same rules in a shorter time. */
function shorten(text: string): string {
  const rules = parse(text) as Rules; // as above
  for (const rule of rules.groups.flatMap((group) => group.rules)) {
    rule.expr = rule.expr.replace(
      /(\[|\boffset )(\w+)/g,
      (_, before: string, range: string) => before + lookUp(RANGES, range),
    );
    if (rule.for) rule.for = lookUp(HOLDS, rule.for);
    const [from, to] = THRESHOLDS[rule.alert] ?? [];
    if (from === undefined || to === undefined) continue;
    const parts = rule.expr.split(`> ${from}`);
    if (parts.length !== 2) throw new Error(`${rule.alert} has no single threshold of ${from}.`);
    rule.expr = parts.join(`> ${to}`);
  }
  return stringify(rules);
}

function lookUp(table: Readonly<Record<string, string>>, duration: string): string {
  const shorter = table[duration];
  if (shorter === undefined) throw new Error(`${duration} is in none of this test's tables.`);
  return shorter;
}

interface Panel {
  title: string;
  type: string;
  targets?: { expr: string }[];
}

/** Of panels that show what went wrong, no data is the good news. */
const SHOWS_TROUBLE = /> 0$/;

function readPanels(): { title: string; query: string; mayBeEmpty: boolean }[] {
  const { panels } = JSON.parse(read('grafana/clerk-sync.json')) as { panels: Panel[] };
  return panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({
      title,
      query: expr.replaceAll('$__rate_interval', '6s').replaceAll('$__range', '1m'),
      mayBeEmpty:
        (SHOWS_TROUBLE.test(expr) && !title.startsWith('Events')) ||
        UNTIL_RECONCILED.some((name) => expr.includes(fullNameOf(name))),
    })),
  );
}
