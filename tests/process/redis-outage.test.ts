/** Redis away, in every way it can be: ingest refuses within its bound, stays up, and recovers by itself. */
import { createServer, type AddressInfo } from 'node:net';
import { sampleEvent } from '../../src/clerk/samples/index.js';
import { deliver, type Answer } from '../support/clerk.js';
import { killAll, startIngest, type RunningIngest } from '../support/processes.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { waitFor } from '../support/wait.js';

/** The contract's: a refusal within 5 s, a recovery within 2 s of Redis being back. */
const REFUSAL_MS = 5_000;
const RECOVERY_MS = 2_000;

const describeWithRedis = process.env['TEST_REDIS_URL'] ? describe : describe.skip;

describeWithRedis('ingest, with its queue in a Redis that goes away', () => {
  let redis: RedisServer;
  let ingest: RunningIngest;

  beforeEach(async () => {
    const started = await startRedis();
    if (!started)
      throw new Error('This test starts and stops a Redis of its own: install redis-server.');
    redis = started;
  });
  afterEach(async () => {
    redis.thaw();
    await killAll();
    await redis.stop();
  });

  const send = () => deliver(ingest.url, sampleEvent('user.created'));

  async function expectRefusal(): Promise<void> {
    const asked = Date.now();
    const answer = await send();
    expect(answer.status).toBe(503);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(answer.body['error']).toMatch(/queue is not available/);
    expect(Date.now() - asked).toBeLessThan(REFUSAL_MS);
  }

  async function expectRecovery(): Promise<Answer> {
    const answer = await waitFor(
      'an event to be queued again',
      async () => {
        const sent = await send();
        return sent.status === 200 ? sent : undefined;
      },
      RECOVERY_MS,
    );
    expect(answer.body['status']).toBe('queued');
    return answer;
  }

  async function expectNotReady(): Promise<void> {
    const response = await fetch(`${ingest.opsUrl}/readyz`);
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({
      status: 'not ready',
      reason: expect.stringMatching(/queue|answer/),
    });
    expect((await fetch(`${ingest.opsUrl}/healthz`)).status).toBe(200);
  }

  test('that is down at boot', async () => {
    await redis.kill();
    ingest = await startIngest({ REDIS_URL: redis.url });
    await expectRefusal();
    await expectNotReady();
    await redis.start();
    await expectRecovery();
    expect((await fetch(`${ingest.opsUrl}/readyz`)).status).toBe(200);
  });

  test('that is killed and comes back, twice', async () => {
    ingest = await startIngest({ REDIS_URL: redis.url });
    for (let round = 0; round < 2; round++) {
      expect((await send()).status).toBe(200);
      await redis.kill();
      await expectRefusal();
      await expectNotReady();
      await redis.start();
      await expectRecovery();
    }
    expect(ingest.child.exitCode).toBeNull();
  });

  test('that freezes and thaws', async () => {
    ingest = await startIngest({ REDIS_URL: redis.url });
    expect((await send()).status).toBe(200);
    redis.freeze();
    await expectRefusal();
    await expectNotReady();
    redis.thaw();
    await expectRecovery();
  });

  test('whose host takes the connection and says nothing', async () => {
    const silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as AddressInfo; // a TCP server's address is an object
    ingest = await startIngest({ REDIS_URL: `redis://127.0.0.1:${port}` });
    await expectRefusal();
    await expectNotReady();
    silent.close();
  });
});
