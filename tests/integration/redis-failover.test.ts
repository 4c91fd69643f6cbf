/** A managed Redis that fails over: its name leads to the new primary, while old connections still lead to the old one. */
import { createServer, connect, type AddressInfo, type Server } from 'node:net';
import { Redis } from 'ioredis';
import { openConsumer } from '../../src/queue/consumer.js';
import { pino } from 'pino';
import { createEnqueue } from '../../src/queue/producer.js';
import { openBackend, waitForQueue } from '../support/backends.js';
import { newMessageId } from '../support/clerk.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { waitFor } from '../support/wait.js';

const RETENTION = {
  attempts: 8,
  completedAgeSeconds: 28 * 3600,
  completedCount: 100_000,
  failedAgeSeconds: 90 * 86_400,
};

const onRedis = process.env['TEST_REDIS_URL'] ? test : test.skip;

onRedis(
  'connections to what has become a replica are given up, and nothing is lost',
  async () => {
    const [primary, standby] = [await startRedis(), await startRedis()];
    if (!primary || !standby)
      throw new Error('This test has Redis fail over: install redis-server.');
    const name = await openName(primary);
    const settings = { REDIS_URL: name.url, QUEUE_PREFIX: 'failover' };
    const backend = openBackend(settings, { url: '' });
    const open = backend.openQueue();
    const enqueue = createEnqueue(open, RETENTION);
    const applied = new Set<string>();
    const consumer = openConsumer({
      backend,
      concurrency: 10,
      batchSize: 5,
      stalledLimit: 50,
      apply: async (deliveries) =>
        deliveries.map(({ id }) => {
          applied.add(id);
          return { outcome: 'applied', repeated: false, reason: null };
        }),
      onDeadLetter: async () => undefined,
      observe: { deadLetter: () => undefined, retry: () => undefined, stall: () => undefined },
      logger: pino({ level: 'silent' }),
    });
    const send = async () => {
      const id = newMessageId();
      await waitFor('the event to be accepted', () =>
        enqueue(
          { id, body: '{"type":"user.created"}', receivedAt: Date.now() },
          'user.created',
        ).then(
          () => true,
          () => false,
        ),
      );
      await waitFor('the event to be applied', () => applied.has(id));
    };
    await waitForQueue(open);
    await send();
    await failOver(primary, standby);
    name.leadTo(standby);
    await send();
    await consumer.close();
    await open.close();
    await name.close();
    await Promise.all([primary.stop(), standby.stop()]);
  },
  60_000,
);

interface Name {
  url: string;
  /** From now on, for new connections; the old ones stay. */
  leadTo: (server: RedisServer) => void;
  close: () => Promise<void>;
}

async function openName(first: RedisServer): Promise<Name> {
  let target = new URL(first.url);
  const proxy: Server = createServer((socket) => {
    const upstream = connect(Number(target.port), target.hostname);
    for (const end of [socket, upstream]) end.on('error', () => undefined); // the other end goes, too
    socket.pipe(upstream).pipe(socket);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return {
    url: `redis://127.0.0.1:${(proxy.address() as AddressInfo).port}`, // a TCP server's address is an object
    leadTo: (server) => (target = new URL(server.url)),
    close: async () => {
      await new Promise((resolve) => proxy.close(resolve));
    },
  };
}

/** As an operator does it: the standby is level before it takes over, and the old primary follows it. */
async function failOver(primary: RedisServer, standby: RedisServer): Promise<void> {
  const [old, next] = [new Redis(primary.url), new Redis(standby.url)];
  const placeOf = (server: RedisServer) => [new URL(server.url).hostname, new URL(server.url).port];
  await next.call('CONFIG', 'SET', 'repl-diskless-sync-delay', '0');
  await old.call('CONFIG', 'SET', 'repl-diskless-sync-delay', '0');
  await next.call('REPLICAOF', ...placeOf(primary));
  await waitFor('the standby to be level', async () =>
    /^slave0:.*state=online/m.test(await old.info('replication')),
  );
  await next.call('REPLICAOF', 'NO', 'ONE');
  await old.call('REPLICAOF', ...placeOf(standby));
  old.disconnect();
  next.disconnect();
}
