/** `npm run replay` as people run it: what it finds in queue and ledger, what it puts back, and what the worker makes of it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { sampleEvent, sampleId } from '../../src/clerk/samples/index.js';
import { type OpenQueue } from '../../src/queue/contract.js';
import { toJobId } from '../../src/queue/job.js';
import { createEnqueue, type Enqueue } from '../../src/queue/producer.js';
import {
  BACKENDS,
  openBackend,
  queueSettings,
  waitForQueue,
  type QueueSettings,
} from '../support/backends.js';
import { replayCommand } from '../../src/commands/replay.js';
import { newMessageId } from '../support/clerk.js';
import {
  runCommand,
  runInProcess,
  runToExit,
  startCommand,
  type CommandResult,
} from '../support/commands.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { findFreePort } from '../support/ports.js';
import { killAll, startWorker } from '../support/processes.js';
import { startRedis } from '../support/redis-server.js';
import { waitFor } from '../support/wait.js';

/** Nothing else is received then. */
const LONG_AGO = Date.UTC(2020, 0, 1);
const MINUTE_MS = 60_000;
const RETENTION = {
  attempts: 8,
  completedAgeSeconds: 28 * 3600,
  completedCount: 100_000,
  failedAgeSeconds: 90 * 86_400,
};

type EventLine = Record<'id' | 'outcome' | 'action', string> & {
  foreseen: {
    outcome: string;
    changes: { table: string; id: string; kind: string; columns: string[] }[];
  } | null;
};

describe.each(BACKENDS)('with the queue in %s', (kind) => {
  let database: TestDatabase;
  let settings: Record<string, string>;
  let open: OpenQueue;
  let enqueue: Enqueue;

  beforeAll(async () => {
    database = await createDatabase();
    const queue: QueueSettings = queueSettings(kind);
    settings = { DATABASE_URL: database.url, ...queue };
    open = openBackend(queue, database).openQueue();
    enqueue = createEnqueue(open, RETENTION);
    await waitForQueue(open);
    await startWorker(settings);
  });
  afterAll(async () => {
    await killAll();
    await open.close();
    await database.drop();
  });

  const replay = (...args: string[]) => runHere(args, settings);

  const rehearse = async (...args: string[]) => {
    const { stdout } = await replay('--dry-run', '--json', ...args);
    const lines = stdout.trim().split('\n');
    return lines.slice(0, -1).map((line) => JSON.parse(line) as EventLine); // as documented
  };

  const named = (entityId: string, first_name: string, version = 0) => {
    const event = sampleEvent('user.updated', { entityId, version });
    return { ...event, data: { ...event.data, first_name } };
  };

  const send = async (
    event: { type: string },
    { id = newMessageId(), receivedAt = Date.now() },
  ) => {
    const status = await enqueue({ id, body: JSON.stringify(event), receivedAt }, event.type);
    expect(status).toBe('queued');
    return id;
  };

  const readName = async (id: string) => {
    const rows = await database.query<{ first_name: string }>(
      'SELECT first_name FROM clerk.users WHERE id = $1',
      [id],
    );
    return rows[0]?.first_name;
  };

  const readOutcome = async (id: string) => {
    const rows = await database.query<{ outcome: string }>(
      'SELECT outcome FROM clerk.webhook_events WHERE id = $1',
      [id],
    );
    return rows[0]?.outcome;
  };

  /** Until the worker has settled it, and told the queue so. */
  const settle = (id: string, outcome: string) =>
    waitFor(`${id} to be ${outcome}`, async () => {
      const state = await open.queue.getJobState(toJobId(id));
      const wanted = outcome === 'failed' ? 'failed' : 'completed';
      return state === wanted && (await readOutcome(id)) === outcome;
    });

  /** All that a replay could change. */
  const photograph = async () => ({
    users: await database.query('SELECT * FROM clerk.users ORDER BY id'),
    versions: await database.query('SELECT * FROM clerk.entity_versions ORDER BY entity_id'),
    ledger: await database.query('SELECT * FROM clerk.webhook_events ORDER BY id'),
    jobs: await open.queue.getJobCounts(),
  });

  test('failed events are put back with all their attempts, and land; a dry run foresees it and changes nothing', async () => {
    const [user, id] = [sampleId('user'), newMessageId()];
    await settle(await send(named(user, 'Ada', 0), {}), 'applied');
    await database.query(`
      CREATE FUNCTION clerk.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused for a test'; END $$;
      CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON clerk.users FOR EACH ROW EXECUTE FUNCTION clerk.refuse()`);
    await send(named(user, 'Grace', 1), { id });
    await settle(id, 'failed');
    await database.query('DROP TRIGGER refuse ON clerk.users; DROP FUNCTION clerk.refuse');

    const before = await photograph();
    const [line, ...others] = await rehearse('--failed');
    expect(others).toEqual([]);
    expect(line).toMatchObject({ id, outcome: 'failed', action: 'revived' });
    expect(line?.foreseen).toMatchObject({
      outcome: 'applied',
      changes: [{ table: 'users', id: user, kind: 'update' }],
    });
    expect(line?.foreseen?.changes[0]?.columns).toEqual(
      expect.arrayContaining(['first_name', 'updated_at', 'data']),
    );
    expect(line?.foreseen?.changes[0]?.columns).not.toContain('external_id');
    const told = await replay('--failed', '--dry-run');
    expect(told.code).toBe(0);
    expect(told.stdout).toMatch(/users user_\w+: changes .*first_name/);
    expect(told.stdout).not.toMatch(/Ada|Grace/);
    expect(await photograph()).toEqual(before);

    const done = await runCommand(['replay', '--failed'], settings);
    expect(done).toMatchObject({ code: 0, stderr: '' });
    expect(done.stdout).toMatch(new RegExp(`^${id} .*failed: back on the queue`));
    expect(done.stdout).toMatch(/Put back on the queue: 1 of 1 event \(1 revived\)/);
    await settle(id, 'applied');
    expect(await readName(user)).toBe('Grace');
    expect((await open.queue.getJob(id))?.attemptsMade).toBe(1);
    expect((await replay('--failed')).code).toBe(1);
  });

  test('an event that the queue forgot long ago comes from the ledger; what is applied is left alone without --force', async () => {
    const [user, id] = [sampleId('user'), newMessageId()];
    const big = { ...named(user, 'Ada'), data: { ...named(user, 'Ada').data, exact: 12345678901 } };
    await send(big, { id, receivedAt: LONG_AGO - MINUTE_MS });
    await settle(id, 'applied');
    await (await open.queue.getJob(id))?.remove();
    await database.query('DELETE FROM clerk.users WHERE id = $1', [user]);

    const left = await replay('--id', id);
    expect(left).toMatchObject({ code: 0, stderr: '' });
    expect(left.stdout).toMatch(/applied: left alone/);
    expect(await open.queue.getJob(id)).toBeUndefined();

    const done = await replay('--id', id, '--force');
    expect(done.code).toBe(0);
    expect(done.stdout).toMatch(/1 of 1 event \(1 added\)/);
    await settle(id, 'applied');
    expect(await readName(user)).toBe('Ada');
    const [row] = await database.query<{ received_at: Date; exact: string }>(
      `SELECT received_at, payload->'data'->>'exact' AS exact FROM clerk.webhook_events WHERE id = $1`,
      [id],
    );
    expect(row?.received_at.getTime()).toBe(LONG_AGO - MINUTE_MS);
    expect(row?.exact).toBe('12345678901');

    // Its job is completed by now, which --force puts back as well.
    await database.query('DELETE FROM clerk.users WHERE id = $1', [user]);
    expect((await replay('--id', id, '--force')).stdout).toMatch(/1 of 1 event \(1 repeated\)/);
    await waitFor('the user', () => readName(user));
  });

  test('a completed event of which the database knows nothing, for it was restored, comes from the queue', async () => {
    const [user, id] = [sampleId('user'), newMessageId()];
    const receivedAt = LONG_AGO - 3 * MINUTE_MS;
    await send(named(user, 'Ada'), { id, receivedAt });
    await settle(id, 'applied');
    await database.query(`DELETE FROM clerk.users WHERE id = '${user}'`);
    await database.query(`DELETE FROM clerk.entity_versions WHERE entity_id = '${user}'`);
    await database.query(`DELETE FROM clerk.webhook_events WHERE id = '${id}'`);
    const range = ['--since', iso(receivedAt), '--until', iso(receivedAt + 1)];
    expect(await rehearse(...range)).toMatchObject([
      {
        id,
        outcome: null,
        action: 'repeated',
        foreseen: { outcome: 'applied', changes: [{ table: 'users', id: user, kind: 'insert' }] },
      },
    ]);
    expect((await replay(...range)).stdout).toMatch(/1 of 1 event \(1 repeated\)/);
    await settle(id, 'applied');
    expect(await readName(user)).toBe('Ada');
  });

  test('an event of what was forgotten to be deleted is decided anew', async () => {
    const [user, id] = [sampleId('user'), newMessageId()];
    await settle(await send(sampleEvent('user.deleted', { entityId: user }), {}), 'applied');
    await send(named(user, 'Ada'), { id });
    await settle(id, 'tombstoned');
    expect(await rehearse('--entity', user, '--type', 'user.updated')).toMatchObject([
      { id, outcome: 'tombstoned', action: 'repeated', foreseen: { outcome: 'tombstoned' } },
    ]);
    await database.query('DELETE FROM clerk.entity_versions WHERE entity_id = $1', [user]);
    const done = await replay('--entity', user, '--type', 'user.updated');
    expect(done.code).toBe(0);
    await settle(id, 'applied');
    expect(await readName(user)).toBe('Ada');
  });

  test('an event whose payload is kept nowhere any more is named, and the exit code says so', async () => {
    const [user, id] = [sampleId('user'), newMessageId()];
    await send(named(user, 'Ada'), { id });
    await settle(id, 'applied');
    await database.query('UPDATE clerk.webhook_events SET payload = NULL WHERE id = $1', [id]);
    await (await open.queue.getJob(id))?.remove();
    const { code, stdout } = await replay('--id', id, '--force');
    expect(code).toBe(1);
    expect(stdout).toMatch(/cannot be replayed: its payload is no longer kept/);
    expect(await open.queue.getJob(id)).toBeUndefined();
  });

  test('type, entity and time range select what meets all of them, from queue and ledger, the oldest first', async () => {
    const [one, other] = [sampleId('user'), sampleId('user')];
    const start = LONG_AGO + 100 * MINUTE_MS;
    const at = (minute: number) => start + minute * MINUTE_MS;
    const sent = [
      await send(named(one, 'first', 0), { receivedAt: at(2) }),
      await send(named(other, 'other', 0), { receivedAt: at(0) }),
      await send(named(one, 'second', 1), { receivedAt: at(1) }),
      await send(sampleEvent('user.created', { entityId: one, version: 2 }), { receivedAt: at(3) }),
      await send({ type: 'user.exploded' }, { receivedAt: at(4), id: 'events' }), // a job id of its own
    ];
    for (const id of sent) {
      await waitFor(`${id} to be settled`, async () => (await readOutcome(id)) !== undefined);
    }
    const [first = '', others = '', second = '', created = '', exploded = ''] = sent;
    // Only the ledger knows the one, only the queue another.
    await waitFor('the queue to hear of it', async () =>
      (await open.queue.getJob(second))?.isCompleted(),
    );
    await (await open.queue.getJob(second))?.remove();
    await database.query('DELETE FROM clerk.webhook_events WHERE id = $1', [first]);

    const select = async (...args: string[]) => {
      const lines = await rehearse('--force', ...args);
      return lines.map(({ id }) => id);
    };
    const range = ['--since', iso(at(0)), '--until', iso(at(5))];
    expect(await select(...range)).toEqual([others, second, first, created, exploded]);
    expect(await select('--since', iso(at(1)), '--until', iso(at(3)))).toEqual([second, first]);
    expect(await select('--entity', one)).toEqual([second, first, created]);
    expect(await select(...range, '--type', 'user.updated')).toEqual([others, second, first]);
    expect(await select('--entity', one, '--type', 'user.created')).toEqual([created]);
    expect(await select('--id', first, '--entity', other)).toEqual([]);
    expect(await select('--id', exploded)).toEqual([exploded]);
    expect(await select('--failed', ...range)).toEqual([]);
  }, 60_000);
});

describe.each(BACKENDS)('while no worker runs, with the queue in %s', (kind) => {
  let database: TestDatabase;
  let settings: Record<string, string>;
  let open: OpenQueue;

  beforeEach(async () => {
    database = await createDatabase();
    const queue = queueSettings(kind);
    settings = { DATABASE_URL: database.url, ...queue };
    open = openBackend(queue, database).openQueue();
    await waitForQueue(open);
  });
  afterEach(async () => {
    await open.close();
    await database.drop();
  });

  const replay = (...args: string[]) => runHere(args, settings);
  const bodyOf = (n: number) =>
    JSON.stringify(sampleEvent('user.created', { entityId: `user_${n}`, now: LONG_AGO }));

  test('a pause between two attempts is cut short; what waits already is left as it is', async () => {
    const add = (id: string, delay: number) =>
      open.queue.add(
        'user.created',
        { version: 1, id, body: bodyOf(1), receivedAt: LONG_AGO },
        { jobId: id, attempts: 8, delay },
      );
    await add('msg_delayed', 3_600_000);
    await add('msg_waiting', 0);
    const { code, stdout } = await replay('--type', 'user.created');
    expect([code, stdout]).toEqual([0, expect.stringMatching(/1 of 2 events \(1 promoted\)/)]);
    expect(stdout).toMatch(/On the queue already: 1\./);
    expect(await open.queue.getJobCounts()).toMatchObject({ waiting: 2, delayed: 0 });
  });

  test('killed half-way, it has lost nothing, and the same command does the rest', async () => {
    const events = 600;
    const enqueue = createEnqueue(open, RETENTION);
    for (let n = 0; n < events; n += 8) {
      const page = Array.from({ length: 8 }, (_delivery, index) => n + index);
      const deliver = (each: number) =>
        enqueue(
          { id: `msg_${each}`, body: bodyOf(each), receivedAt: LONG_AGO + each },
          'user.created',
        );
      await Promise.all(page.map(deliver));
    }
    await completeAll(events);
    const { child, ended } = startCommand(
      ['replay', '--since', iso(LONG_AGO), '--force'],
      settings,
    );
    await waitFor('it to begin', async () => (await open.queue.getWaitingCount()) > 0);
    child.kill('SIGKILL');
    expect((await ended).code).toBe(-1);
    const { waiting = 0, completed = 0 } = await open.queue.getJobCounts();
    expect(completed).toBeGreaterThan(0);
    expect(waiting + completed).toBe(events);

    const { code, stdout } = await replay('--since', iso(LONG_AGO), '--force');
    expect(code).toBe(0);
    expect(stdout.split('\n').length).toBeLessThan(6); // summed up
    expect(stdout).toMatch(`${completed} of ${events} events (${completed} repeated)`);
    for (let n = 0; n < events; n += 50) {
      const jobs = await open.queue.getJobs(['waiting'], n, n + 49);
      expect(jobs.map(({ data }) => [data.version, data.force])).toEqual(Array(50).fill([2, true]));
    }
  }, 60_000);

  /** As workers did whose database is no more. */
  async function completeAll(events: number): Promise<void> {
    const backend = openBackend(settings as unknown as QueueSettings, database); // made of one
    const { worker, close } = backend.openWorker(async () => ({ outcome: 'applied' }), {
      concurrency: 50,
    });
    await waitFor('all to be completed', async () => {
      return (await open.queue.getCompletedCount()) === events;
    });
    await worker.close();
    await close();
  }
});

test.concurrent(
  'a wrong use is refused with the usage, and exit code 2, before anything is opened',
  async () => {
    const settings = { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' };
    const { code, stdout, stderr } = await runCommand(['replay', '--dry-run', '--force'], settings);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^Which events\?[^]*\nUsage: npm run replay/);
  },
);

/** Longer than a command to Redis may take. */
const SILENCE_MS = 4_000;

(process.env['TEST_REDIS_URL'] ? test.concurrent : test.skip)(
  'a Redis that falls silent for a while is waited for',
  async () => {
    const database = await createDatabase();
    const redis = await startRedis();
    if (!redis) throw new Error('This test freezes a Redis of its own: install redis-server.');
    const queue = queueSettings('redis', redis.url);
    const open = openBackend(queue, database).openQueue();
    try {
      const events = 1_500;
      await database.query(
        `INSERT INTO clerk.webhook_events (id, type, outcome, received_at, processed_at, payload)
         SELECT 'msg_' || n, 'user.created', 'failed', now(), now(), '{"type":"user.created"}'
         FROM generate_series(1, $1) AS n`,
        [events],
      );
      await waitForQueue(open);
      const settings = { DATABASE_URL: database.url, ...queue };
      const { ended } = startCommand(['replay', '--failed'], settings);
      await waitFor('it to begin', async () => (await open.queue.getWaitingCount()) > 0);
      redis.freeze();
      await sleep(SILENCE_MS);
      redis.thaw();
      const { code, stdout } = await ended;
      expect(code).toBe(0);
      expect(stdout).toMatch(` of ${events} events (`);
      await waitForQueue(open);
      expect(await open.queue.getWaitingCount()).toBe(events);
    } finally {
      await open.close();
      await redis.stop();
      await database.drop();
    }
  },
  60_000,
);

test.concurrent('a database that is away is named, with the cure, and exit code 1', async () => {
  const DATABASE_URL = `postgres://nobody@127.0.0.1:${await findFreePort()}/none`;
  const { code, stderr } = await runToExit(replayCommand, ['--failed'], { DATABASE_URL });
  expect(code).toBe(1);
  expect(stderr).toMatch(/The database is not ready: .*Check DATABASE_URL/);
});

test.concurrent('a queue that is away is named, with the cure, and exit code 1', async () => {
  const database = await createDatabase();
  try {
    const REDIS_URL = `redis://127.0.0.1:${await findFreePort()}`;
    const settings = { DATABASE_URL: database.url, REDIS_URL };
    const { code, stderr } = await runToExit(replayCommand, ['--failed'], settings);
    expect(code).toBe(1);
    expect(stderr).toMatch(/The queue does not answer: .*Check REDIS_URL/);
  } finally {
    await database.drop();
  }
});

function runHere(args: string[], environment: Record<string, string>): Promise<CommandResult> {
  return runInProcess(replayCommand, args, environment);
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
