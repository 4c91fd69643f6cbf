/** The board in this process, before a real queue: what a real one's process cannot be brought to do. */
import { appRoutes } from '@bull-board/api/dist/routes.js';
import express from 'express';
import { pino } from 'pino';
import { showQueue } from '../../src/ops/board-queue.js';
import { createBoard } from '../../src/ops/board.js';
import { type OpenQueue } from '../../src/queue/contract.js';
import { listen } from '../../src/server.js';
import { BACKENDS, openBackend, queueSettings, waitForQueue } from '../support/backends.js';
import { ask } from '../support/board.js';
import { createDatabase, type TestDatabase } from '../support/database.js';

let database: TestDatabase;
let queue: OpenQueue;

beforeAll(async () => {
  database = await createDatabase();
  queue = openBackend(queueSettings(BACKENDS[0] ?? 'postgres'), database).openQueue();
  await waitForQueue(queue);
});
afterAll(async () => {
  await queue.close();
  await database.drop();
});

test.each(['get', 'put', 'post', 'patch'] as const)(
  'a route that a new version brings, by %s, is refused and not run',
  async (method) => {
    let runs = 0;
    const handler = () => {
      runs++;
      return { body: { secret: true } };
    };
    appRoutes.api.push({
      method,
      route: '/api/queues/:queueName/brand/new',
      spec: { summary: 'of tomorrow', response: 'EmptyResponse' },
      handler,
    });
    const { opsUrl, close } = await openBoard();
    try {
      const path = '/queues/api/queues/clerk-webhooks/brand/new';
      const headers = { origin: opsUrl };
      const answer = await ask({ opsUrl }, path, { method: method.toUpperCase(), headers });
      expect([answer.status, runs]).toEqual([403, 0]);
      expect(answer.text).not.toContain('secret');
    } finally {
      appRoutes.api.pop();
      await close();
    }
  },
);

test('a page holds a hundred jobs at most, however many are asked for', async () => {
  const jobs = Array.from({ length: 105 }, (_, index) => {
    const id = `msg_page${index}`;
    const data = { version: 1 as const, id, body: '{}', receivedAt: 1 };
    return { name: 'user.created', data, opts: { jobId: id } };
  });
  await queue.queue.addBulk(jobs);
  const { opsUrl, close } = await openBoard();
  try {
    const query = 'activeQueue=clerk-webhooks&status=waiting&jobsPerPage=1000000';
    const { text } = await ask({ opsUrl }, `/queues/api/queues?${query}`);
    expect(text.match(/"id":"msg_page\d+","timestamp"/g)).toHaveLength(100);
  } finally {
    await close();
  }
});

async function openBoard(): Promise<{ opsUrl: string; close: () => Promise<void> }> {
  const app = express();
  app.use(
    createBoard({
      queues: [showQueue(queue)],
      credentials: null,
      logger: pino({ level: 'silent' }),
    }),
  );
  const where = { host: '127.0.0.1', port: 0, portVariable: 'BOARD_PORT' };
  const { port, close } = await listen(app, where);
  return { opsUrl: `http://127.0.0.1:${port}`, close };
}
