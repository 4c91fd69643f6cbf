/** Jobs looked up by event and by entity, in real queues. */
import { sampleEvent, sampleId } from '../../src/clerk/samples/index.js';
import { type EventType } from '../../src/clerk/event-types.js';
import { type Backend, type OpenQueue } from '../../src/queue/contract.js';
import { findJob, findJobsAbout } from '../../src/queue/find-jobs.js';
import { toJob } from '../../src/queue/job.js';
import { BACKENDS, openBackend, queueSettings, waitForQueue } from '../support/backends.js';
import { newMessageId } from '../support/clerk.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { waitFor } from '../support/wait.js';

const RETENTION = {
  attempts: 8,
  completedAgeSeconds: 3_600,
  completedCount: 1_000,
  failedAgeSeconds: 3_600,
};
const HOUR_MS = 3_600_000;

describe.each(BACKENDS)('with the queue in %s', (kind) => {
  let database: TestDatabase;
  let backend: Backend;
  let open: OpenQueue;

  beforeAll(async () => {
    database = await createDatabase();
  });
  beforeEach(async () => {
    backend = openBackend(queueSettings(kind), database);
    open = backend.openQueue();
    await waitForQueue(open);
    await open.queue.obliterate({ force: true });
  });
  afterEach(() => open.close());
  afterAll(() => database.drop());

  const add = async (
    type: EventType,
    entityId: string,
    { id = newMessageId(), data = {}, delay = 0, force = false } = {},
  ) => {
    const event = sampleEvent(type, { entityId, now: Date.now() });
    Object.assign(event.data, data);
    const delivery = { id, body: JSON.stringify(event), receivedAt: Date.now() };
    const job = toJob(force ? { ...delivery, force } : delivery, type, RETENTION);
    await open.queue.add(job.name, job.data, { ...job.opts, delay });
    return id;
  };

  test('an event is found by its svix-id, whatever the queue calls its job', async () => {
    const user = sampleId('user');
    for (const id of [newMessageId(), 'msg:with:colons', '12345', 'wait']) {
      await add('user.created', user, { id, force: id === 'wait' });
      expect(await findJob(open.queue, id)).toMatchObject({
        id,
        type: 'user.created',
        state: 'waiting',
        attemptsMade: 0,
        attempts: 8,
        startedAt: null,
        dueAt: null,
        forced: id === 'wait',
        event: { entityType: 'user', entityId: user },
      });
    }
    expect(await findJob(open.queue, newMessageId())).toBeNull();
  });

  test('a delayed job tells when it is due', async () => {
    const id = await add('user.created', sampleId('user'), { delay: HOUR_MS });
    const job = await findJob(open.queue, id);
    expect(job).toMatchObject({ state: 'delayed' });
    expect((job?.dueAt ?? 0) - (job?.addedAt ?? 0)).toBe(HOUR_MS);
  });

  test('what is about an entity is told from what only mentions it, in every state that is not done', async () => {
    const [user, other] = [sampleId('user'), sampleId('user')];
    const waiting = await add('user.created', user);
    const delayed = await add('user.updated', user, { delay: HOUR_MS });
    await add('user.created', other);
    await add('session.created', sampleId('sess'), { data: { user_id: user } });
    await add('user.created', `${user}x`);
    const search = await findJobsAbout(open.queue, { entityId: user });
    expect(search.jobs.map(({ id, state }) => [state, id])).toEqual([
      ['delayed', delayed],
      ['waiting', waiting],
    ]);
    expect(search).toMatchObject({ mentions: 1, truncated: [] });
  });

  test('what a worker has in its hands, has done or has failed', async () => {
    const user = sampleId('user');
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const failing = await add('user.updated', user);
    const running = await add('user.updated', user);
    const done = await add('user.updated', user);
    const { worker, close } = backend.openWorker(
      async ({ id }) => {
        if (id === failing) throw new Error('for a test');
        if (id === running) await held;
        return { outcome: 'applied', repeated: false };
      },
      { name: 'worker-test', concurrency: 3, settings: { backoffStrategy: () => -1 } },
    );
    try {
      await waitFor('one to be done, one to fail', async () => {
        const counts = await open.queue.getJobCounts('completed', 'failed', 'active');
        return counts['completed'] === 1 && counts['failed'] === 1 && counts['active'] === 1;
      });
      const { jobs } = await findJobsAbout(open.queue, { entityId: user });
      expect(jobs.map(({ id, state, processedBy }) => [id, state, processedBy])).toEqual([
        [running, 'active', 'worker-test'],
        [failing, 'failed', 'worker-test'],
      ]);
      expect(jobs[1]).toMatchObject({ failedReason: 'for a test', attemptsMade: 1 });
      expect(await findJob(open.queue, done)).toMatchObject({
        state: 'completed',
        outcome: 'applied',
        finishedAt: expect.any(Number),
      });
    } finally {
      release();
      await worker.close();
      await close();
    }
  });

  test('beyond its bound it looks no further, and says so; of the newest it misses none', async () => {
    const user = sampleId('user');
    const oldest = await add('user.created', user);
    for (let n = 0; n < 4; n++) await add('user.created', sampleId('user'));
    const newest = await add('user.updated', user);
    const looked: number[] = [];
    const search = await findJobsAbout(open.queue, {
      entityId: user,
      bound: 3,
      onProgress: (n) => looked.push(n),
    });
    expect(search.jobs.map(({ id }) => id)).toEqual([newest]);
    expect(search.truncated).toEqual([{ state: 'waiting', looked: 3, total: 6 }]);
    expect(looked.at(-1)).toBe(3);
    const known = await findJobsAbout(open.queue, {
      entityId: user,
      bound: 3,
      eventIds: [oldest, newest, newMessageId()],
    });
    expect(known.jobs.map(({ id }) => id)).toEqual([newest, oldest]);
    const whole = await findJobsAbout(open.queue, { entityId: user, bound: 6 });
    expect(whole.jobs.map(({ id }) => id)).toEqual([newest, oldest]);
    expect(whole.truncated).toEqual([]);
  });

  test('a job that somebody else put there is no obstacle', async () => {
    const user = sampleId('user');
    const id = await add('user.created', user);
    const foreign = [null, {}, { version: 1, id: 'x', body: `{"id":"${user}"` }] as unknown[];
    for (const data of foreign) {
      await open.queue.add('foreign', data as never); // not ours: that is the point
    }
    const { jobs, mentions } = await findJobsAbout(open.queue, { entityId: user });
    expect([jobs.map((job) => job.id), mentions]).toEqual([[id], 1]);
  });
});
