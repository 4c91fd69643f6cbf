/** The real board, asked as its own page would, and as everybody else might. */
import { randomBytes } from 'node:crypto';
import { UnrecoverableError } from 'bullmq';
import { Redis } from 'ioredis';
import { sampleEvent, sampleId } from '../../src/clerk/samples/index.js';
import { type OpenQueue } from '../../src/queue/contract.js';
import { HANDLER_QUEUE_NAME } from '../../src/queue/handler-job.js';
import {
  BACKENDS,
  openBackend,
  queueSettings,
  waitForQueue,
  type QueueSettings,
} from '../support/backends.js';
import { API, ask, basic, change, fillRoute, listRoutes } from '../support/board.js';
import { createCanaries, makeEvents, makePoison } from '../support/canaries.js';
import { createSigner } from '../../src/clerk/signature.js';
import { deliver, newMessageId, post, SECRET } from '../support/clerk.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { findFreePort } from '../support/ports.js';
import {
  killAll,
  launchBoard,
  startBoard,
  startIngest,
  startWorker,
  type RunningProcess,
} from '../support/processes.js';
import { waitFor } from '../support/wait.js';

const USER = 'operator';
const PASSWORD = randomBytes(9).toString('hex');

describe('who may ask', () => {
  let database: TestDatabase;
  let settings: Record<string, string>;
  let open: RunningProcess;
  let locked: RunningProcess;

  beforeAll(async () => {
    database = await createDatabase();
    settings = { DATABASE_URL: database.url, ...queueSettings(BACKENDS[0] ?? 'postgres') };
    const credentials = { BOARD_USERNAME: USER, BOARD_PASSWORD: PASSWORD };
    [open, locked] = await Promise.all([
      startBoard(settings),
      startBoard({ ...settings, ...credentials, BOARD_HOST: '0.0.0.0' }),
    ]);
  });
  afterAll(async () => {
    await killAll();
    await database.drop();
  });

  test('with no worker anywhere it leads to its page, and says how it is', async () => {
    const root = await ask(open, '/');
    expect([root.status, root.headers.location]).toEqual([302, '/queues']);
    const page = await ask(open, '/queues');
    expect(page.status).toBe(200);
    for (const path of ['/healthz', '/readyz', '/metrics', '/queues/api/queues']) {
      expect([path, (await ask(open, path)).status]).toEqual([path, 200]);
    }
    expect((await ask(open, '/metrics')).text).toMatch(/^clerk_sync_queue_up\{.*\} 1$/m);
  });

  test('its answers may not be framed, sniffed, stored or embedded, and load nothing from elsewhere', async () => {
    const { headers, text } = await ask(open, '/queues');
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    });
    const policy = String(headers['content-security-policy']);
    expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self';/);
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    expect(text).not.toMatch(/https?:\/\/| style="|<style/);
    const data = await ask(open, '/queues/api/queues');
    expect(data.headers).toMatchObject({ 'cache-control': 'no-store' });
    expect(data.headers['x-powered-by']).toBeUndefined();
  });

  describe('without credentials', () => {
    test.each(['localhost', 'localhost:9', '127.0.0.1:1234', '127.9.9.9', '[::1]:4003'])(
      'it answers to the name %s',
      async (host) => {
        expect((await ask(open, '/queues/api/queues', { headers: { host } })).status).toBe(200);
      },
    );

    test.each([
      'rebound.example.com',
      'localhost.example.com',
      '10.0.0.7:4003',
      '127.0.0.1.nip.io',
    ])('it answers to no name such as %s, which somebody may have rebound', async (host) => {
      const headers = { host, origin: `http://${host}`, 'sec-fetch-site': 'same-origin' };
      for (const path of ['/queues', '/queues/api/queues', '/queues/static/favicon.ico']) {
        expect((await ask(open, path, { headers })).status).toBe(403);
      }
      const answer = await ask(open, `${API}/pause`, { method: 'PUT', headers });
      expect(answer.status).toBe(403);
      expect(answer.text).toMatch(/BOARD_USERNAME and BOARD_PASSWORD/);
    });
  });

  describe('with credentials', () => {
    test('it answers whoever has them, under any name', async () => {
      const headers = { ...basic(USER, PASSWORD), host: 'board.example.com' };
      for (const path of ['/queues', '/queues/api/queues', '/queues/static/favicon.ico']) {
        expect([path, (await ask(locked, path, { headers })).status]).toEqual([path, 200]);
      }
    });

    test.each<[string, Record<string, string>]>([
      ['none', {}],
      ['a wrong password', basic(USER, `${PASSWORD}x`)],
      ['a password that only begins right', basic(USER, PASSWORD.slice(0, -1))],
      ['a wrong name', basic('somebody', PASSWORD)],
      ['both the wrong way round', basic(PASSWORD, USER)],
      ['empty ones', basic('', '')],
      ['no colon', { authorization: `Basic ${Buffer.from(USER).toString('base64')}` }],
      ['another scheme', { authorization: `Bearer ${PASSWORD}` }],
    ])('%s: 401, whatever is asked for', async (_case, credentials) => {
      for (const path of ['/queues', '/queues/api/queues', '/queues/static/favicon.ico']) {
        const answer = await ask(locked, path, { headers: credentials });
        expect([path, answer.status]).toEqual([path, 401]);
        expect(answer.headers['www-authenticate']).toMatch(/^Basic realm=/);
      }
      const headers = { ...credentials, origin: locked.opsUrl };
      const answer = await ask(locked, `${API}/pause`, { method: 'PUT', headers });
      expect(answer.status).toBe(401);
    });

    test('health, readiness and metrics need none: they tell of no person', async () => {
      for (const path of ['/healthz', '/readyz', '/metrics']) {
        expect([path, (await ask(locked, path)).status]).toEqual([path, 200]);
      }
    });
  });

  describe('what changes something', () => {
    const plain = { 'content-type': 'text/plain' };

    test.each<[string, (board: RunningProcess) => Record<string, string>]>([
      ['comes from another site', () => ({ origin: 'https://evil.example.com', ...plain })],
      ['comes from another port of this machine', () => ({ origin: 'http://127.0.0.1:3000' })],
      ['comes from a page without an origin', () => ({ origin: 'null' })],
      [
        'has an origin that only begins right',
        () => ({ origin: 'http://localhost.evil.com', host: 'localhost' }),
      ],
      ['forges the origin', ({ opsUrl }) => ({ origin: opsUrl, 'sec-fetch-site': 'cross-site' })],
      ['comes from another subdomain', () => ({ 'sec-fetch-site': 'same-site' })],
      ['was typed in or is a bookmark', () => ({ 'sec-fetch-site': 'none' })],
      ['says nothing of where it comes from', () => plain],
    ])('and %s is refused', async (_case, from) => {
      for (const board of [open, locked]) {
        const headers = { ...from(board), ...basic(USER, PASSWORD) };
        for (const [method, path] of [
          ['PUT', `${API}/pause`],
          ['POST', `${API}/add`],
          ['DELETE', API],
        ]) {
          const body = JSON.stringify({ name: 'user.created', data: {} });
          const answer = await ask(board, path ?? '', { method: method ?? '', headers, body });
          expect([method, answer.status]).toEqual([method, 403]);
          expect(answer.text).toContain('Origin');
        }
      }
      expect((await ask(open, '/queues/api/queues')).text).toContain('"isPaused":false');
    });

    test.each<[string, (board: RunningProcess) => Record<string, string>]>([
      ['an origin', ({ opsUrl }) => ({ origin: opsUrl })],
      ['a browser’s word', () => ({ 'sec-fetch-site': 'same-origin' })],
      [
        'the origin behind a proxy that ends TLS',
        () => ({ origin: 'https://board.example.com', host: 'Board.example.com' }),
      ],
    ])('and comes from the board by %s is done', async (_case, from) => {
      const headers = { ...from(locked), ...basic(USER, PASSWORD) };
      for (const [action, isPaused] of [
        ['pause', true],
        ['resume', false],
      ] as const) {
        expect((await ask(locked, `${API}/${action}`, { method: 'PUT', headers })).status).toBe(
          200,
        );
        const { text } = await ask(open, '/queues/api/queues');
        expect(text).toContain(`"isPaused":${isPaused}`);
      }
    });

    test.each<[string, Record<string, string>]>([
      ['with its length', { 'content-length': '16385' }],
      ['without its length', { 'transfer-encoding': 'chunked' }],
    ])('and is too large, %s, is refused', async (_case, length) => {
      const headers = { origin: open.opsUrl, ...length };
      const body = 'x'.repeat(16 * 1024 + 1);
      const answer = await ask(open, `${API}/pause`, { method: 'PUT', headers, body });
      expect(answer.status).toBe(413);
    });
  });
});

describe('it does not start', () => {
  const REDIS_URL = 'redis://127.0.0.1:9';

  test.each<[string, Record<string, string>, string]>([
    [
      'where others can reach it, without credentials',
      { BOARD_HOST: '0.0.0.0' },
      'set BOARD_USERNAME and BOARD_PASSWORD',
    ],
    ['with a name alone', { BOARD_USERNAME: USER }, 'BOARD_PASSWORD is not'],
    ['with a password alone', { BOARD_PASSWORD: PASSWORD }, 'BOARD_USERNAME is not'],
    [
      'where others can reach it, with a password that is soon guessed',
      { BOARD_HOST: '::', BOARD_USERNAME: USER, BOARD_PASSWORD: 'elevenchars' },
      '12 or more',
    ],
  ])('%s', async (_case, settings, cure) => {
    const board = await launchBoard({ REDIS_URL, ...settings });
    expect(await board.exited).toBe(2);
    expect(board.output().trim().split('\n')).toEqual([expect.stringContaining(cure)]);
  });
});

test('with its queue away it stays up, says so, and quotes nothing', async () => {
  const REDIS_URL = `redis://:hidden-password@127.0.0.1:${await findFreePort()}`;
  const board = await launchBoard({ REDIS_URL });
  try {
    await waitFor('the board to listen', () =>
      ask(board, '/healthz').then(
        ({ status }) => status === 200,
        () => false,
      ),
    );
    const ready = await ask(board, '/readyz');
    expect([ready.status, ready.text]).toEqual([503, expect.stringContaining('queue')]);
    expect((await ask(board, '/queues')).status).toBe(200);
    const answer = await ask(board, '/queues/api/queues');
    expect([answer.status, answer.text]).toEqual([500, expect.not.stringContaining('hidden')]);
  } finally {
    await killAll();
  }
  expect(board.output()).not.toContain('hidden');
});

describe.each(BACKENDS)('with the queue in %s', (kind) => {
  let database: TestDatabase;
  let queue: QueueSettings;
  let settings: Record<string, string>;
  let open: OpenQueue;
  let board: RunningProcess;

  beforeEach(async () => {
    database = await createDatabase();
    queue = queueSettings(kind);
    settings = { DATABASE_URL: database.url, ...queue };
    open = openBackend(queue, database).openQueue();
    board = await startBoard(settings);
    await waitForQueue(open);
  });
  afterEach(async () => {
    await open.close();
    await killAll();
    await database.drop();
  });

  const stateOf = async (id: string) => (await open.queue.getJob(id))?.getState();
  const read = async (path: string) => JSON.parse((await ask(board, path)).text);
  const add = (id: string) =>
    open.queue.add(
      'user.created',
      { version: 1, id, body: JSON.stringify(sampleEvent('user.created')), receivedAt: 1 },
      { jobId: id, attempts: 3 },
    );
  const setStalls = async (id: string, stalls: number) => {
    if (kind === 'postgres') {
      await database.query('UPDATE bullmq.job SET stalled_count = $1 WHERE id = $2', [stalls, id]);
      return;
    }
    const redis = new Redis(queue.REDIS_URL ?? '');
    await redis.hset(open.queue.toKey(id), 'stc', stalls);
    redis.disconnect();
  };
  /** Takes every job that waits, and fails it with the message. */
  const failAll = async (message: (data: { body?: string }) => string) => {
    const { worker, close } = openBackend(queue, database).openWorker(
      async ({ data }) => {
        throw new UnrecoverableError(message(data));
      },
      { concurrency: 10 },
    );
    try {
      await waitFor('every job to fail', async () => {
        const counts = await open.queue.getJobCounts('waiting', 'active', 'delayed');
        return Object.values(counts).every((count) => count === 0);
      });
    } finally {
      await worker.close();
      await close();
    }
  };

  test('an event that failed for good is retried from the board with all its lives, and lands', async () => {
    const [ingest] = await Promise.all([startIngest(settings), startWorker(settings)]);
    await database.query(`
      CREATE FUNCTION clerk.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused for a test'; END $$;
      CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON clerk.users FOR EACH ROW EXECUTE FUNCTION clerk.refuse()`);
    const [one, other] = [sampleId('user'), sampleId('user')];
    const ids = [newMessageId(), newMessageId()] as const;
    for (const [index, entityId] of [one, other].entries()) {
      await deliver(ingest.url, sampleEvent('user.created', { entityId }), ids[index]);
    }
    for (const id of ids)
      await waitFor('the job to fail', async () => (await stateOf(id)) === 'failed');
    expect(await read(`/queues/api/queues?activeQueue=clerk-webhooks`)).toMatchObject({
      // Of a worker on Postgres there is no address, which Bull Board needs to tell.
      queues: [
        { hasWorkers: kind === 'redis' ? true : null, counts: { failed: 2 } },
        { name: 'clerk-handlers' },
      ],
    });
    const { job } = await read(`${API}/${ids[0]}`);
    expect(job).toMatchObject({
      name: 'user.created',
      failedReason: expect.stringContaining('SQLSTATE P0001'),
      data: {
        id: ids[0],
        body: { type: 'user.created', data: { id: one } },
      },
    });

    expect((await change(board, 'PUT', `${API}/pause`)).status).toBe(200);
    await database.query('DROP TRIGGER refuse ON clerk.users');
    for (const id of ids) await setStalls(id, 40);
    expect((await change(board, 'PUT', `${API}/${ids[0]}/retry`)).status).toBe(204);
    expect(await stateOf(ids[1])).toBe('failed');
    expect(JSON.parse((await change(board, 'PUT', `${API}/retry/failed`)).text)).toEqual({
      retried: 1,
      skipped: 0,
    });
    expect(board.output()).toMatch(new RegExp(`"id":"${ids[0]}".*asked for at the board`));
    for (const id of ids) {
      const retried = await open.queue.getJob(id);
      expect([id, retried?.attemptsMade, retried?.stalledCounter]).toEqual([id, 0, 0]);
    }
    expect((await change(board, 'PUT', `${API}/resume`)).status).toBe(200);
    await waitFor('both users', async () => {
      const rows = await database.query('SELECT 1 FROM clerk.users WHERE id = ANY($1)', [
        [one, other],
      ]);
      return rows.length === 2;
    });
    for (const id of ids)
      await waitFor('the job to be done', async () => (await stateOf(id)) === 'completed');
    expect((await change(board, 'PUT', `${API}/${ids[0]}/retry`)).status).toBe(204);
    await waitFor('it to be done once more', async () => (await stateOf(ids[0])) === 'completed');
  });

  test('what was accepted cannot be removed until it is completed or failed', async () => {
    const [failed, waiting, delayed] = [newMessageId(), newMessageId(), newMessageId()];
    await add(failed);
    await failAll(() => 'no');
    await waitFor('the failure', async () => (await stateOf(failed)) === 'failed');
    await add(waiting);
    await open.queue.add(
      'user.created',
      { version: 1, id: delayed, body: '{}', receivedAt: 1 },
      { jobId: delayed, delay: 60_000 },
    );
    for (const path of [
      'wait',
      'waiting',
      'delayed',
      'active',
      'paused',
      'prioritized',
      'waiting-children',
    ]) {
      expect([path, (await change(board, 'PUT', `${API}/clean/${path}`)).status]).toEqual([
        path,
        403,
      ]);
    }
    for (const id of [waiting, delayed]) {
      expect((await change(board, 'PUT', `${API}/${id}/clean`)).status).toBe(403);
    }
    expect([await stateOf(waiting), await stateOf(delayed)]).toEqual(['waiting', 'delayed']);
    expect((await change(board, 'PUT', `${API}/${failed}/clean`)).status).toBe(204);
    expect(await stateOf(failed)).toBeUndefined();
    expect((await change(board, 'PUT', `${API}/clean/completed`)).status).toBe(200);
    expect((await change(board, 'PUT', `${API}/${delayed}/promote`)).status).toBe(204);
    expect(await stateOf(delayed)).toBe('waiting');
  });

  test('nothing else that Bull Board can do is open: no event comes in unsigned, none is changed or lost', async () => {
    const [waiting, failed] = [newMessageId(), newMessageId()];
    await add(failed);
    await failAll(() => 'no');
    await add(waiting);
    const before = await readJobs(open);
    const body = JSON.stringify({
      name: 'user.deleted',
      data: { id: 'user_1' },
      jobData: { id: 'user_1' },
      force: true,
      concurrency: 1,
      max: 1,
      duration: 1,
      priority: 1,
      runAt: 1,
      every: 1000,
    });
    const headers = { origin: board.opsUrl, 'content-type': 'application/json' };
    const refused: string[] = [];
    for (const { method, route } of listRoutes()) {
      if (method === 'get' || ALLOWED_CHANGES.includes(`${method} ${route}`)) continue;
      for (const jobId of [waiting, failed]) {
        const path = fillRoute(route, { queueName: 'clerk-webhooks', jobId, schedulerId: 'any' });
        const answer = await ask(board, path, { method: method.toUpperCase(), headers, body });
        expect([route, answer.status]).toEqual([route, 403]);
        expect(answer.text).toContain('signed endpoint alone');
      }
      refused.push(route.replace(/.*:\w+\//, ''));
    }
    expect(refused).toEqual(expect.arrayContaining(['add', 'update-data', 'empty', 'obliterate']));
    expect(await readJobs(open)).toEqual(before);
    expect(await open.queue.getGlobalConcurrency()).toBeNull();
  });

  test('what is somebody’s is masked wherever the board shows it', async () => {
    const [hot, personal] = [createCanaries('hot'), createCanaries('pii')];
    const ingest = await startIngest(settings);
    for (const { id, body } of [
      ...makeEvents({ hot, personal }),
      ...makePoison({ hot, personal }),
    ]) {
      expect((await post(ingest.url, createSigner(SECRET)(id, body), body)).status).toBe(200);
    }
    const foreign = personal.plant('a foreign job');
    await open.queue.add(`${foreign} <${foreign}@example.com>`, { [foreign]: foreign } as never);
    // A worker of another make, whose reasons quote what they were given.
    await failAll(({ body = '' }) => {
      const [email] = /\w+@example\.com/.exec(body) ?? [];
      const [name] = /(?<="first_name":")pii\w+/.exec(body) ?? [];
      const [number] = /\+1555\d+/.exec(body) ?? [];
      return `${email} called ${name} at ${number}, ${foreign}@example.com, "${foreign} Inc."`;
    });
    for (const job of await open.queue.getJobs(['failed'])) {
      await job.log(personal.plant('a log'));
      await job.updateProgress({ [personal.plant('progress')]: personal.plant('progress') });
    }
    await open.queue.upsertJobScheduler(
      'a-scheduler',
      { every: 3_600_000 },
      { name: foreign, data: { note: personal.plant('a template') } as never },
    );

    const shown: Record<string, string[]> = { page: [] };
    const ids = [...(await readJobs(open)).keys()];
    expect(ids.length).toBeGreaterThan(50);
    for (const { method, route } of listRoutes()) {
      if (method !== 'get') continue;
      for (const jobId of route.includes(':jobId') ? ids : ['']) {
        const path = fillRoute(route, { queueName: 'clerk-webhooks', jobId });
        // Only the tree of jobs knows this parameter, and without it looks for none.
        (shown[route] ??= []).push((await ask(board, `${path}?root=node`)).text);
      }
    }
    for (const status of ['latest', 'failed', 'delayed', 'waiting']) {
      const query = `activeQueue=clerk-webhooks&jobsPerPage=100&status=${status}`;
      shown['page']?.push((await ask(board, `/queues/api/queues?${query}`)).text);
    }
    shown['log'] = [board.output()];
    expect([...hot.findIn(shown), ...personal.findIn(shown)]).toEqual([]);
    // The search finds what is there, and the board shows what may be shown.
    const stored = [JSON.stringify([...(await readJobs(open)).values()])];
    expect(personal.findIn({ stored }).length).toBeGreaterThan(50);
    for (const id of ids) expect(shown['page']?.join()).toContain(id);
    expect(shown['/api/queues/:queueName/:jobId']?.join()).toContain('"type":"session.created"');
  });

  test('a run of a handler shows ids, name and round, and nothing of what somebody else put into it', async () => {
    const personal = createCanaries('pii');
    const plant = (what: string) => personal.plant(what);
    const backend = openBackend(queue, database);
    const runs = backend.openQueue(HANDLER_QUEUE_NAME);
    const { worker, close } = backend.openWorker<typeof HANDLER_QUEUE_NAME>(
      async ({ data }) => {
        const word = (data as { note?: string }).note ?? plant('a reason');
        throw new UnrecoverableError(`no ${word}@example.com, "${word} Inc."`);
      },
      { queueName: HANDLER_QUEUE_NAME },
    );
    try {
      await waitForQueue(runs);
      const run = { version: 1 as const, eventId: 'msg_1', handler: 'welcome-email', round: 1 };
      const own = { jobId: 'msg_1.welcome-email.1', attempts: 1 };
      await runs.queue.add('welcome-email', run, own);
      const strange = {
        version: 1,
        eventId: `${plant('an event id')}@example.com`,
        handler: `Ms ${plant('a handler')}`,
        round: plant('a round'),
        note: plant('a note'),
      };
      await runs.queue.add(`Ms ${plant('a name')}`, strange as never, { jobId: 'strange' });
      await runs.queue.add(`Ms ${plant('a name')}`, { note: plant('a note') } as never, {
        jobId: 'foreign',
      });
      await waitFor('all to fail', async () => (await runs.queue.getFailedCount()) === 3);
      const shown: Record<string, string[]> = { page: [] };
      for (const { method, route } of listRoutes()) {
        if (method !== 'get') continue;
        for (const jobId of [own.jobId, 'strange', 'foreign']) {
          const path = fillRoute(route, { queueName: HANDLER_QUEUE_NAME, jobId });
          (shown[route] ??= []).push((await ask(board, `${path}?root=node`)).text);
        }
      }
      const list = '/queues/api/queues?activeQueue=clerk-handlers&jobsPerPage=100';
      for (const status of ['latest', 'failed'])
        shown['page']?.push((await ask(board, `${list}&status=${status}`)).text);
      expect(personal.findIn(shown)).toEqual([]);
      expect(
        personal.findIn({ stored: [JSON.stringify(await runs.queue.getFailed())] }),
      ).not.toEqual([]);
      const { job } = await read(`/queues/api/queues/clerk-handlers/${own.jobId}`);
      expect(job).toMatchObject({
        name: 'welcome-email',
        data: run,
        failedReason: expect.stringMatching(/^no •••/),
      });
      const { queues } = await read('/queues/api/queues?activeQueue=clerk-handlers');
      expect(queues.map(({ name }: { name: string }) => name)).toEqual([
        'clerk-webhooks',
        HANDLER_QUEUE_NAME,
      ]);
    } finally {
      await worker.close();
      await close();
      await runs.close();
    }
  });
});

/** Retry, promote, pause; and what is completed or failed can be removed. */
const ALLOWED_CHANGES = [
  'put /api/queues/pause',
  'put /api/queues/resume',
  'put /api/queues/:queueName/pause',
  'put /api/queues/:queueName/resume',
  'put /api/queues/:queueName/promote',
  'put /api/queues/:queueName/retry/:queueStatus',
  'put /api/queues/:queueName/clean/:queueStatus',
  'put /api/queues/:queueName/:jobId/retry',
  'put /api/queues/:queueName/:jobId/clean',
  'put /api/queues/:queueName/:jobId/promote',
];

/** By id, whatever state each is in. */
async function readJobs({ queue }: OpenQueue): Promise<Map<string, object>> {
  const jobs = await queue.getJobs(['waiting', 'active', 'delayed', 'completed', 'failed']);
  const facts = jobs.map(({ id, name, data, opts, failedReason, stacktrace, progress }) => ({
    ...{ id, name, data, opts, failedReason, stacktrace, progress },
  }));
  return new Map(facts.map((job) => [job.id ?? '', job]));
}
