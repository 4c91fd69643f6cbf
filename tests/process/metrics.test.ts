/** What the real processes say of themselves: /metrics counts exactly what happened, the log has a line for each event, and neither shows anything personal. */
import { request } from 'node:http';
import { sampleEvent } from '../../src/clerk/samples/index.js';
import { createSigner } from '../../src/clerk/signature.js';
import { METRICS, fullNameOf, type MetricName, type ProcessName } from '../../src/metric-table.js';
import { isRecord } from '../../src/record.js';
import {
  BACKENDS,
  openBackend,
  queueSettings,
  waitForQueue,
  type BackendKind,
  type QueueSettings,
} from '../support/backends.js';
import { createCanaries, type Canaries } from '../support/canaries.js';
import { deliver, newMessageId, post, SECRET } from '../support/clerk.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { readMetrics, UNTIL_RECONCILED, type Readings } from '../support/metrics.js';
import { startPostgres } from '../support/postgres-server.js';
import {
  killAll,
  startIngest,
  startWorker,
  type RunningIngest,
  type RunningProcess,
} from '../support/processes.js';
import { startRedis } from '../support/redis-server.js';
import { waitFor } from '../support/wait.js';

type Json = Record<string, unknown>;
type LogLine = Json & { id?: string; msg: string };

const START = Date.now() - 60_000;

let database: TestDatabase;
let ingest: RunningIngest;
let worker: RunningProcess;
let personal: Canaries;

beforeEach(async () => {
  database = await createDatabase();
  personal = createCanaries('pii');
});
afterEach(async () => {
  await killAll();
  await database.drop();
});

describe.each(BACKENDS)('with the queue in %s', (kind) => {
  test('/metrics of ingest and worker says exactly what happened, and so does the log', async () => {
    const queue = queueSettings(kind);
    await start({ ...queue, DATABASE_URL: database.url, BODY_LIMIT: '20kb', LOG_FORMAT: 'json' });
    const begun = Date.now() / 1000;
    const happened = await makeEverythingHappen(queue);

    const atIngest = await readMetrics(ingest);
    expect(atIngest.countsOf('webhook_requests_total', 'outcome')).toEqual({
      queued: 10,
      duplicate: 1,
      requeued: 1,
      rejected: 3,
      too_large: 1,
      aborted: 1,
    });
    expect(atIngest.valueOf('webhook_duration_seconds', {}, '_count')).toBe(17);
    const verified = atIngest.valueOf('last_verified_event_timestamp_seconds') ?? 0;
    expect(begun <= verified && verified <= Date.now() / 1000).toBe(true);

    const atWorker = await waitFor('the handler to be told', async () => {
      const now = await readMetrics(worker);
      return now.valueOf('handler_queue_jobs', { state: 'completed' }) === 1 ? now : null;
    });
    expect(atWorker.countsOf('events_total', 'outcome')).toEqual({
      applied: 5,
      stale: 1,
      tombstoned: 1,
      ignored: 1,
      failed: 2,
      repeated: 1,
    });
    expect(atWorker.countsOf('events_total', 'type')).toEqual({
      'user.created': 3,
      'user.updated': 4,
      'user.deleted': 1,
      'session.created': 2,
      other: 1,
    });
    expect(atWorker.valueOf('events_total', { type: 'other', outcome: 'ignored' })).toBe(1);
    expect(atWorker.countsOf('dead_letters_total', 'type')).toEqual({ 'user.created': 2 });
    expect(atWorker.countsOf('job_retries_total', 'type')).toEqual({ 'user.updated': 2 });
    expect(atWorker.countsOf('database_faults_total', 'fault')).toEqual({ contention: 2 });
    expect(atWorker.valueOf('jobs_stalled_total')).toBe(0);
    expect(atWorker.valueOf('event_lag_seconds', {}, '_count')).toBe(5);
    expect(atWorker.valueOf('event_lag_seconds', {}, '_sum')).toBeGreaterThan(5 * 59);
    // Each in a transaction of its own.
    expect(atWorker.valueOf('batch_events', {}, '_sum')).toBe(11);
    expect(atWorker.valueOf('batch_duration_seconds', {}, '_count')).toBe(11);
    // One user was created; the rest of the runs is in tests/process/handlers.test.ts.
    const handler = 'log-sign-ups';
    expect(atWorker.countsOf('handler_runs_total', 'handler')).toEqual({ [handler]: 1 });
    expect(atWorker.countsOf('handler_runs_total', 'outcome')).toEqual({ done: 1 });
    expect(atWorker.valueOf('handler_duration_seconds', { handler }, '_count')).toBe(1);
    expect(atWorker.valueOf('handler_lag_seconds', { handler }, '_count')).toBe(1);
    expect(atWorker.valueOf('handler_runs_relayed_total')).toBe(1);
    expect(atWorker.valueOf('handler_runs_unfinished', { handler })).toBe(0);
    expect(atWorker.valueOf('handler_runs_unfinished', { handler: 'other' })).toBe(0);
    expect(atWorker.valueOf('database_up')).toBe(1);
    expect(atWorker.valueOf('database_pool_connections', { state: 'open' })).toBeGreaterThan(0);
    expect(atWorker.valueOf('database_pool_connections', { state: 'waiting' })).toBe(0);

    for (const readings of [atIngest, atWorker]) {
      expect(readings.countsOf('queue_jobs', 'state')).toEqual({ completed: 8, failed: 1 });
      expect(readings.valueOf('ready')).toBe(1);
      expect(readings.valueOf('queue_up')).toBe(1);
      expect(readings.valueOf('queue_paused')).toBe(0);
      expect(readings.valueOf('queue_oldest_waiting_seconds')).toBe(0);
    }
    expectComplete('ingest', atIngest, kind);
    expectComplete('worker', atWorker, kind);

    expectLog(happened);
    expect(
      personal.findIn({
        "ingest's metrics": [atIngest.text],
        "the worker's metrics": [atWorker.text],
        "ingest's log": [ingest.output()],
        "the worker's log": [worker.output()],
      }),
    ).toEqual([]);
    // A search that finds nothing must at least find what is there.
    expect(personal.findIn({ 'the ledger': await readLedger() })).not.toEqual([]);
    expect(atWorker.text).not.toContain('somethingNew');

    await expectPauseToBeSeen(queue);
  }, 60_000);

  test('with the queue away, /metrics still answers, says so, and claims nothing about its jobs', async () => {
    const server = await startQueueServer(kind);
    try {
      await start({ ...server.queue, DATABASE_URL: server.databaseUrl });
      expect((await readMetrics(ingest)).valueOf('queue_jobs')).toBeDefined();
      await server.stop();
      expect((await deliver(ingest.url, sampleEvent('user.created'))).status).toBe(503);
      for (const process of [ingest, worker]) {
        const readings = await waitFor('the process to notice', async () => {
          const now = await readMetrics(process);
          return now.valueOf('queue_up') === 0 && now;
        });
        expect(readings.valueOf('ready')).toBe(0);
        const absent = ['queue_jobs', 'queue_paused', 'queue_oldest_waiting_seconds'] as const;
        const ofHandlers = ['handler_queue_jobs', 'handler_queue_paused'] as const;
        for (const name of [...absent, ...ofHandlers, 'redis_persistence'] as const) {
          expect([name, readings.valueOf(name)]).toEqual([name, undefined]);
        }
      }
      expect((await readMetrics(ingest)).countsOf('webhook_requests_total', 'outcome')).toEqual({
        unavailable: 1,
      });
      const isDatabaseAway = kind === 'postgres';
      expect((await readMetrics(worker)).valueOf('database_up')).toBe(isDatabaseAway ? 0 : 1);

      await server.start();
      for (const process of [ingest, worker]) {
        await waitFor('the process to see it again', async () => {
          const now = await readMetrics(process);
          return now.valueOf('ready') === 1 && now.valueOf('queue_jobs') !== undefined;
        });
      }
    } finally {
      await killAll();
      await server.close();
    }
  }, 60_000);
});

test('on request the log is for people, and shows as little', async () => {
  await start({ ...queueSettings('postgres'), DATABASE_URL: database.url, LOG_FORMAT: 'pretty' });
  const id = newMessageId();
  await deliver(ingest.url, makeUser('user.created', 'user_pretty', 0), id);
  await deliver(ingest.url, { type: 'user.created', data: personal.plant('data that is text') });
  for (const [process, word] of [
    [ingest, 'received'],
    [worker, 'applied'],
    [worker, 'failed'],
  ] as const) {
    await waitFor(`the line "${word}"`, () => process.output().includes(word));
  }
  for (const process of [ingest, worker]) {
    expect(process.output()).toMatch(new RegExp(`^ +id: "${id}"$`, 'm'));
    for (const line of process.output().split('\n')) expect(line).not.toMatch(/^\{/);
    expect(personal.findIn({ 'the log': [process.output()] })).toEqual([]);
  }
});

async function start(settings: Record<string, string>): Promise<void> {
  [ingest, worker] = await Promise.all([startIngest(settings), startWorker(settings)]);
}

/** An event that is to be in the worker's log, once for each outcome. */
interface Logged {
  id: string;
  type: string;
  entityId: string | null;
  outcomes: string[];
}

/** Each thing that can become of a request or an event, one after the other, so that each is alone in its batch. */
async function makeEverythingHappen(queue: QueueSettings): Promise<Logged[]> {
  await plantTriggers();
  const logged: Logged[] = [];
  const send = async (event: Json & { type: string }, outcome: string, id = newMessageId()) => {
    const before = countLines(id, outcome);
    const { status } = await deliver(ingest.url, event, id);
    expect(status).toBe(200);
    await waitFor(`${event.type} to be ${outcome}`, () => countLines(id, outcome) > before);
    const data = event['data'];
    const entityId = isRecord(data) && typeof data['id'] === 'string' ? data['id'] : null;
    const known = logged.find((entry) => entry.id === id);
    if (known) known.outcomes.push(outcome);
    else logged.push({ id, type: event.type, entityId, outcomes: [outcome] });
    return id;
  };
  const user = 'user_everything';
  const created = await send(makeUser('user.created', user, 1), 'applied');
  await deliver(ingest.url, makeUser('user.created', user, 1), created); // a duplicate
  await send(makeUser('user.updated', user, 0), 'stale');
  await send({ type: 'user.deleted', timestamp: START, data: { id: user } }, 'applied');
  await send(makeUser('user.updated', user, 2), 'tombstoned');
  await send({ ...makeUser('user.created', 'new_1', 0), type: 'somethingNew.created' }, 'ignored');
  const text = personal.plant('data that is text');
  const poison = { type: 'user.created', timestamp: START, data: text };
  const failed = await send(poison, 'failed');
  await waitFor('the job to have failed', () => isSettled(queue, failed));
  await send(poison, 'failed', failed); // requeued
  await send(makeUser('user.updated', 'user_retried', 0), 'applied');
  await send(makeUser('user.updated', 'user_conflict', 0), 'applied');
  const session = sampleEvent('session.created', { now: START });
  const repeated = await send({ ...session }, 'applied');
  await waitFor('the job to be done', () => isSettled(queue, repeated));
  await forgetJob(queue, repeated);
  await send({ ...session }, 'repeated', repeated);
  await waitFor('the job to be done', () => isSettled(queue, repeated));

  await knockInVain();
  return logged;
}

/** Every kind of refusal, and a sender who leaves. */
async function knockInVain(): Promise<void> {
  const sign = createSigner(SECRET);
  const body = JSON.stringify(makeUser('user.created', 'user_refused', 0));
  const forged = createSigner(`whsec_${Buffer.alloc(32, 1).toString('base64')}`);
  const ask = async (wanted: number, headers: Record<string, string>, sent: string) =>
    expect((await post(ingest.url, headers, sent)).status).toBe(wanted);
  await ask(400, forged(newMessageId(), body), body);
  const noEvent = personal.plant('a body that is no event');
  await ask(400, sign(newMessageId(), noEvent), noEvent);
  expect((await fetch(ingest.url)).status).toBe(405);
  const large = JSON.stringify({ type: 'user.created', data: { x: 'x'.repeat(30_000) } });
  await ask(413, sign(newMessageId(), large), large);
  // Another path is nobody's request.
  expect((await fetch(ingest.url.replace('webhooks', 'elsewhere'))).status).toBe(404);
  const leaving = request(ingest.url, {
    method: 'POST',
    headers: { ...sign(newMessageId(), body), 'content-length': body.length },
  });
  leaving.on('error', () => undefined); // its own doing
  leaving.write(body.slice(0, 10), () => leaving.destroy());
  await waitFor('the aborted request to be counted', async () => {
    const { aborted } = (await readMetrics(ingest)).countsOf('webhook_requests_total', 'outcome');
    return aborted === 1;
  });
}

/** A ledger that fails two attempts of one user, and a table that loses two transactions of another. Each reason quotes the row. */
async function plantTriggers(): Promise<void> {
  await database.query(`
    CREATE SEQUENCE clerk.refusals; CREATE SEQUENCE clerk.conflicts;
    CREATE FUNCTION clerk.refuse_entry() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      -- The batch's own, then the failure with its payload and without.
      IF NEW.entity_id IS NOT DISTINCT FROM 'user_retried' AND nextval('clerk.refusals') <= 2 * 3 THEN
        RAISE EXCEPTION '%', NEW; END IF;
      RETURN NEW; END $$;
    CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON clerk.webhook_events FOR EACH ROW EXECUTE FUNCTION clerk.refuse_entry();
    CREATE FUNCTION clerk.conflict() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF NEW.id = 'user_conflict' AND nextval('clerk.conflicts') <= 2 THEN
        RAISE serialization_failure USING MESSAGE = NEW::text; END IF;
      RETURN NEW; END $$;
    CREATE TRIGGER conflict BEFORE INSERT OR UPDATE ON clerk.users FOR EACH ROW EXECUTE FUNCTION clerk.conflict()`);
}

/** A later `version` is a later state. All that is personal is a canary. */
function makeUser(type: 'user.created' | 'user.updated', id: string, version: number) {
  const event = sampleEvent(type, { entityId: id, now: START, version });
  const plant = (what: string) => personal.plant(`${what} of ${id}`);
  return {
    ...event,
    data: {
      ...event.data,
      first_name: plant('the first name'),
      username: plant('the username'),
      email_addresses: [{ id: 'idn_1', email_address: `${plant('the address')}@example.com` }],
      primary_email_address_id: 'idn_1',
      phone_numbers: [{ id: 'idn_2', phone_number: plant('the number') }],
      private_metadata: { note: plant('metadata') },
    },
    event_attributes: { http_request: { client_ip: plant('the IP'), user_agent: plant('agent') } },
  };
}

function readLog(process: RunningProcess): LogLine[] {
  return process
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as LogLine); // pino's own lines
}

/** Lines that say what became of an event have the outcome as their message. */
function countLines(id: string, outcome: string): number {
  return readLog(worker).filter((line) => line.id === id && line.msg === outcome).length;
}

function expectLog(happened: readonly Logged[]): void {
  // Handlers have outcomes, too.
  const told = readLog(worker).filter((line) => 'outcome' in line && !('handler' in line));
  expect(told).toHaveLength(happened.flatMap(({ outcomes }) => outcomes).length);
  for (const { id, type, entityId, outcomes } of happened) {
    const lines = told.filter((line) => line.id === id);
    expect(lines.map(({ msg }) => msg)).toEqual(outcomes);
    const isNew = type === 'somethingNew.created';
    const entityType = isNew ? 'something_new' : type.split('.')[0];
    for (const line of lines) {
      expect(line).toMatchObject({ type, entityType, entityId });
      expect(line).toMatchObject({ queuedMs: expect.any(Number), lagMs: expect.any(Number) });
      expect(line['outcome']).toBe(line.msg === 'repeated' ? 'applied' : line.msg);
    }
  }
  const received = readLog(ingest).filter(({ msg }) => msg === 'received');
  expect(received.map(({ status }) => status).sort()).toEqual(
    ['duplicate', ...Array<string>(10).fill('queued'), 'requeued'].sort(),
  );
  expect(new Set(received.map(({ id }) => id))).toEqual(new Set(happened.map(({ id }) => id)));
  const refused = readLog(ingest).filter(({ msg }) => msg === 'refused');
  expect(refused.map(({ status }) => status)).toEqual([400, 400, 413, 400]);
}

/** Every metric that the process has, each with a value, and none that it has not. */
function expectComplete(name: ProcessName, readings: Readings, kind: BackendKind): void {
  for (const metric of Object.keys(METRICS) as MetricName[]) {
    const known = METRICS[metric]; // the table holds no other keys
    const { processes, kind: type } = known;
    const isOurs = (processes as readonly ProcessName[]).includes(name);
    const isUnknown =
      UNTIL_RECONCILED.includes(metric) || (metric === 'redis_persistence' && kind === 'postgres');
    const full = fullNameOf(metric);
    const samples = readings.samples.filter(
      (sample) => sample.name.replace(type === 'histogram' ? /_count$/ : /$/, '') === full,
    );
    expect([metric, samples.length > 0]).toEqual([metric, isOurs && !isUnknown]);
    expect(readings.text.includes(`# TYPE ${full} ${type}\n`)).toBe(isOurs);
    for (const { labels } of samples) expect(labels['process']).toBe(name);
    for (const [label, values] of Object.entries('values' in known ? known.values : {})) {
      const said = new Set(samples.map(({ labels }) => labels[label]));
      if (isOurs && !isUnknown)
        expect([metric, [...said].sort()]).toEqual([metric, [...values].sort()]);
    }
  }
}

async function isSettled(queue: QueueSettings, id: string): Promise<boolean> {
  const open = openBackend(queue, database).openQueue();
  await waitForQueue(open);
  const state = await open.queue.getJobState(id);
  await open.close();
  return state === 'completed' || state === 'failed';
}

/** As the queue does by itself after 28 hours. */
async function forgetJob(queue: QueueSettings, id: string): Promise<void> {
  const open = openBackend(queue, database).openQueue();
  await waitForQueue(open);
  await (await open.queue.getJob(id))?.remove();
  await open.close();
}

async function readLedger(): Promise<string[]> {
  const rows = await database.query<{ row: string }>(
    'SELECT e::text AS row FROM clerk.webhook_events e',
  );
  return rows.map(({ row }) => row);
}

/** A queue that is paused, and what then waits in it, is seen at every process. */
async function expectPauseToBeSeen(queue: QueueSettings): Promise<void> {
  const open = openBackend(queue, database).openQueue();
  await waitForQueue(open);
  await open.queue.pause();
  const id = newMessageId();
  await deliver(ingest.url, sampleEvent('user.created'), id);
  for (const process of [ingest, worker]) {
    await waitFor('the oldest to have an age', async () => {
      const age = (await readMetrics(process)).valueOf('queue_oldest_waiting_seconds') ?? 0;
      return age > 0;
    });
    const readings = await readMetrics(process);
    expect(readings.valueOf('queue_paused')).toBe(1);
    expect(readings.valueOf('queue_jobs', { state: 'waiting' })).toBe(1);
  }
  expect(countLines(id, 'applied')).toBe(0);
  await open.queue.resume();
  await open.close();
  await waitFor('the event to be applied', () => countLines(id, 'applied'));
  await waitFor('nothing to wait', async () => {
    const readings = await readMetrics(ingest);
    return (
      readings.valueOf('queue_oldest_waiting_seconds') === 0 &&
      readings.valueOf('queue_paused') === 0
    );
  });
}

/** A server for the queue that may be stopped. The mirror stays up only where it is another one. */
async function startQueueServer(kind: BackendKind) {
  if (kind === 'postgres') {
    const server = await startPostgres();
    const { stop, start: startAgain, close, url } = server;
    return { queue: queueSettings(kind), databaseUrl: url, stop, start: startAgain, close };
  }
  const redis = await startRedis();
  if (!redis) throw new Error('This test stops a Redis of its own: install redis-server.');
  return {
    queue: queueSettings(kind, redis.url),
    databaseUrl: database.url,
    stop: redis.kill,
    start: redis.start,
    close: redis.stop,
  };
}
