/** The queue on a real Redis Cluster of three masters, one of which holds it and has a replica. */
import { sampleEvent } from '../../src/clerk/samples/index.js';
import { API, ask, change } from '../support/board.js';
import { deliver, newMessageId } from '../support/clerk.js';
import { runCommand } from '../support/commands.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { readMetrics } from '../support/metrics.js';
import { killAll, startBoard, startIngest, startWorker } from '../support/processes.js';
import { expectRaceToConverge } from '../support/race.js';
import { startRedisCluster, type RedisCluster } from '../support/redis-cluster.js';
import { waitFor } from '../support/wait.js';

const QUEUE_PREFIX = '{clerk}';
const SIZE = { users: 150, organizations: 20, memberships: 120, organizationsDeletedOneIn: 10 };

const onRedis = process.env['TEST_REDIS_URL'] ? describe : describe.skip;

onRedis('with the queue on a Redis Cluster', () => {
  let cluster: RedisCluster;
  let database: TestDatabase;
  let settings: Record<string, string>;

  beforeAll(async () => {
    const started = await startRedisCluster(QUEUE_PREFIX);
    if (!started)
      throw new Error('A cluster needs a redis-server or valkey-server on this machine.');
    cluster = started;
  }, 60_000);
  afterAll(() => cluster.stop());
  beforeEach(async () => {
    database = await createDatabase();
    settings = { DATABASE_URL: database.url, REDIS_URL: cluster.url, QUEUE_PREFIX };
  });
  afterEach(async () => {
    await killAll();
    await database.drop();
  });

  test('no wrong row, no resurrected row and no deadlock', async () => {
    await expectRaceToConverge({
      database,
      queue: { REDIS_URL: cluster.url, QUEUE_PREFIX },
      size: SIZE,
    });
  }, 120_000);

  test('metrics, board, doctor, why and replay reach it by way of one node that does not hold it', async () => {
    settings['REDIS_URL'] = cluster.others[0]?.url ?? '';
    settings['REDIS_CLUSTER'] = 'true';
    const [ingest, worker, board] = await Promise.all([
      startIngest(settings),
      startWorker(settings),
      startBoard(settings),
    ]);
    const id = newMessageId();
    const event = { ...sampleEvent('user.created'), data: { id: 17 } };
    const waitForFailures = (count: number) =>
      waitFor('the event to fail', async () => {
        const metrics = await readMetrics(worker);
        return metrics.valueOf('dead_letters_total') === count;
      });
    expect((await deliver(ingest.url, event, id)).body).toEqual({ status: 'queued', id });
    await waitForFailures(1);
    expect((await deliver(ingest.url, event, id)).body).toEqual({ status: 'requeued', id });
    await waitForFailures(2);
    expect((await change(board, 'PUT', `${API}/${id}/retry`)).status).toBe(204);
    await waitForFailures(3);
    const replayed = await runCommand(['replay', '--failed'], settings);
    expect([replayed.code, replayed.stdout]).toEqual([0, expect.stringContaining('1 ')]);
    await waitForFailures(4);
    expect((await ask(board, `${API}/${id}`)).text).toContain('"isFailed":true');
    const metrics = await readMetrics(ingest);
    expect(metrics.valueOf('redis_persistence')).toBe(1);
    expect(metrics.valueOf('queue_jobs', { state: 'failed' })).toBe(1);
    expect((await runCommand(['why', id], settings)).stdout).toMatch(/failed/);
    expect((await runCommand(['prune', '--dry-run'], settings)).code).toBe(0);
    const { stdout } = await runCommand(['doctor'], settings);
    expect(stdout).toContain('1 connected');
    expect(stdout).toMatch(/Redis \S+ at 127\.0\.0\.1/);
  }, 60_000);

  test('its node that dies is followed to the replica, and nothing that was accepted is lost', async () => {
    const [ingest, worker] = await Promise.all([startIngest(settings), startWorker(settings)]);
    const send = async (count: number) => {
      for (let n = 0; n < count; n++) {
        const id = newMessageId();
        await waitFor('the event to be accepted', async () => {
          const answer = await deliver(ingest.url, sampleEvent('user.created'), id);
          return answer.status === 200;
        });
      }
    };
    await send(20);
    await cluster.waitForReplica();
    await cluster.holder.kill();
    await send(20);
    await waitFor('every event to be applied', async () => {
      const [row] = await database.query<{ n: string }>(`SELECT count(*) AS n FROM clerk.users`);
      return row?.n === '40';
    });
    for (const { signal } of [ingest, worker]) signal('SIGTERM');
    expect(await Promise.all([ingest.exited, worker.exited])).toEqual([0, 0]);
  }, 60_000);

  test.each([
    ['with a prefix without braces', { QUEUE_PREFIX: 'bull' }, 'Set QUEUE_PREFIX={bull}.'],
  ])('%s no process starts, and it says what to set', async (_case, wrong, cure) => {
    const { code, stderr } = await runCommand(['migrate'], { ...settings, ...wrong });
    expect([code, stderr]).toEqual([2, expect.stringContaining(cure)]);
  });

  test.each([
    ['a prefix in braces', '{clerk}', 'another holds the queue. Set REDIS_CLUSTER=true'],
    ['a prefix without', 'bull', 'Set REDIS_CLUSTER=true, and a QUEUE_PREFIX in braces'],
  ])(
    'a node taken for a single server is not ready with %s, and says why',
    async (_case, prefix, cure) => {
      const single = { ...settings, REDIS_URL: cluster.others[0]?.url ?? '', QUEUE_PREFIX: prefix };
      const ingest = await startIngest(single);
      const answer = await fetch(`${ingest.opsUrl}/readyz`);
      expect([answer.status, await answer.text()]).toEqual([503, expect.stringContaining(cure)]);
      const { stdout } = await runCommand(['doctor'], single);
      expect(stdout).toContain(cure);
      expect((await deliver(ingest.url, sampleEvent('user.created'))).status).toBe(503);
    },
  );
});
