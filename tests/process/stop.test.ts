/** Ingest and worker told to stop while something is under way, or while what they need is away. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { sampleEvent, sampleId } from '../../src/clerk/samples/index.js';
import { createSigner } from '../../src/clerk/signature.js';
import { countEffects, waitForCalm } from '../support/aftermath.js';
import { BACKENDS, queueSettings } from '../support/backends.js';
import { deliver, newMessageId, SECRET } from '../support/clerk.js';
import { closeAll, closeLater, openDatabase } from '../support/closing.js';
import { type TestDatabase } from '../support/database.js';
import { startIngest, startWorker, type RunningProcess } from '../support/processes.js';
import { startRedis } from '../support/redis-server.js';
import { waitFor } from '../support/wait.js';

/** For processes that start together on two cores. */
import.meta.jest.setTimeout(120_000);

const testWithRedis = process.env['TEST_REDIS_URL'] ? test.concurrent.each : test.skip.each;

afterAll(closeAll);

test.concurrent.each(BACKENDS)(
  'ingest that is told to stop is not ready first, takes no new connection, and answers what it has begun, with the queue in %s',
  async (kind) => {
    const database = await openDatabase();
    const ingest = await startIngest({ DATABASE_URL: database.url, ...queueSettings(kind) });
    const { port, pathname } = new URL(ingest.url);
    const body = JSON.stringify(sampleEvent('user.created'));
    const headers = Object.entries(createSigner(SECRET)(newMessageId(), body));
    const socket = connect(Number(port), '127.0.0.1');
    let answer = '';
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
    socket.write(
      [
        `POST ${pathname} HTTP/1.1`,
        'Host: ingest',
        `Content-Length: ${Buffer.byteLength(body)}`,
        ...headers.map(([name, value]) => `${name}: ${value}`),
        '',
        body.slice(0, 20),
      ].join('\r\n'),
    );
    // What came later was answered: half a request is there.
    expect((await deliver(ingest.url, sampleEvent('user.created'))).status).toBe(200);

    ingest.signal('SIGTERM');
    await waitFor('it to be stopping', () => isStopping(ingest));
    await waitFor('new connections to be refused', () => refuses(Number(port)));
    expect(await isStopping(ingest)).toBe(true);
    socket.write(body.slice(20));
    await once(socket, 'end');
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n(?:.+\r\n)*Connection: close\r\n[^]*"queued"/);
    expect(await ingest.exited).toBe(0);
  },
);

test.concurrent(
  'ingest goes on for SHUTDOWN_DELAY, not ready, each answer the last on its connection',
  async () => {
    const database = await openDatabase();
    const queue = queueSettings(BACKENDS[0] ?? 'postgres');
    const settings = { DATABASE_URL: database.url, SHUTDOWN_DELAY: '3s', ...queue };
    const ingest = await startIngest(settings);
    ingest.signal('SIGTERM');
    await waitFor('it to be stopping', () => isStopping(ingest));
    // The second needs a connection of its own.
    for (let n = 0; n < 2; n++) {
      const { status, headers } = await deliver(ingest.url, sampleEvent('user.created'));
      expect([status, headers.get('connection')]).toEqual([200, 'close']);
    }
    expect(await ingest.exited).toBe(0);
  },
);

test.concurrent(
  'a worker told to stop finishes a transaction however long it takes within the grace, and tells the queue',
  async () => {
    const database = await openDatabase();
    const queue = queueSettings(BACKENDS[0] ?? 'postgres');
    const settings = { DATABASE_URL: database.url, ...queue };
    const [ingest, worker] = await Promise.all([startIngest(settings), startWorker(settings)]);
    const release = await holdUpBatch(database, ingest.url);
    worker.signal('SIGTERM');
    await waitFor('it to be stopping', () => isStopping(worker));
    await waitFor('its transaction to be older than what a queue has for its answer', () =>
      countTransactions(database, `now() - xact_start > interval '5 s'`),
    );
    await release();
    expect(await worker.exited).toBe(0);
    const jobs = await waitForCalm(database, { queue, events: 1 });
    expect(jobs).toEqual({ failed: 0, attempts: [1], stalls: [0] });
  },
);

test.concurrent(
  'a worker whose transaction outlasts the grace says so and ends with 1',
  async () => {
    const database = await openDatabase();
    const queue = queueSettings(BACKENDS[0] ?? 'postgres');
    const limits = { SHUTDOWN_GRACE: '3s', DATABASE_LOCK_TIMEOUT: '60s' };
    const settings = { DATABASE_URL: database.url, ...limits, ...queue };
    const [ingest, worker] = await Promise.all([startIngest(settings), startWorker(settings)]);
    const release = await holdUpBatch(database, ingest.url);
    worker.signal('SIGTERM');
    await waitFor('it to be stopping', () => isStopping(worker));
    expect(await worker.exited).toBe(1);
    expect(worker.output()).toMatch(/"resource":"consumer","msg":"does not close in time/);
    await release();
  },
);

testWithRedis(['killed', 'frozen'] as const)(
  'a worker told to stop while its Redis is %s finishes its transaction and ends with 0; nothing is lost or done twice',
  async (how) => {
    const redis = await startRedis();
    if (!redis) throw new Error('This test kills a Redis of its own: install redis-server.');
    closeLater(redis.stop);
    const database = await openDatabase();
    await countEffects(database);
    const queue = queueSettings('redis', redis.url);
    const settings = { DATABASE_URL: database.url, ...queue };
    const [ingest, worker] = await Promise.all([startIngest(settings), startWorker(settings)]);
    const release = await holdUpBatch(database, ingest.url);
    if (how === 'killed') await redis.kill();
    else redis.freeze();
    worker.signal('SIGTERM');
    await waitFor('it to be stopping', () => isStopping(worker));
    await release();
    expect(await worker.exited).toBe(0);
    expect(worker.output()).toMatch(/the queue does not answer; the jobs/);
    const effects = 'SELECT n FROM public.effects';
    expect(await database.query(effects)).toEqual([{ n: 1 }]);

    if (how === 'killed') await redis.start();
    else redis.thaw();
    await startWorker(settings);
    const jobs = await waitForCalm(database, { queue, events: 1 });
    expect(jobs).toMatchObject({ failed: 0, attempts: [1] });
    expect(await database.query(effects)).toEqual([{ n: 1 }]);
  },
);

/** Posts an event whose row cannot be written until the lock is released, and returns once the worker waits for that. */
async function holdUpBatch(database: TestDatabase, url: string): Promise<() => Promise<void>> {
  const blocker = await database.connect();
  await blocker.query('BEGIN');
  await blocker.query('LOCK TABLE clerk.users IN EXCLUSIVE MODE');
  const event = sampleEvent('user.created', { entityId: sampleId('user') });
  expect((await deliver(url, event)).status).toBe(200);
  await waitFor('the worker to wait for the lock', () =>
    countTransactions(database, `wait_event_type = 'Lock'`),
  );
  return async () => {
    await blocker.query('COMMIT');
  };
}

async function countTransactions(
  { query, name }: TestDatabase,
  condition: string,
): Promise<number> {
  const rows = await query(
    `SELECT 1 FROM pg_stat_activity WHERE datname = $1 AND application_name = 'clerk-sync' AND ${condition}`,
    [name],
  );
  return rows.length;
}

async function isStopping({ opsUrl }: RunningProcess): Promise<boolean> {
  const response = await fetch(`${opsUrl}/readyz`);
  const body = (await response.json()) as { reason?: string }; // our own answer
  return response.status === 503 && body.reason === 'stopping';
}

async function refuses(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return false;
  } catch {
    return true;
  } finally {
    socket.destroy();
  }
}
