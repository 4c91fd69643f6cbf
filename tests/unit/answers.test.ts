/** Error in, answer and log line out: every cause has its status, and nobody learns more than is theirs to know. */
import { pino } from 'pino';
import { type Verify, type VerifiedMessage } from '../../src/clerk/signature.js';
import { SyncError } from '../../src/errors.js';
import { createApp } from '../../src/http/app.js';
import { listen } from '../../src/server.js';
import { UNWATCHED_REQUESTS } from '../support/observers.js';

const EVENT = '{"type":"user.created","data":{"id":"user_1","first_name":"Zebedee"}}';
const PATH = '/api/webhooks';

interface Setup {
  verify?: Verify;
  enqueue?: () => Promise<string>;
}

describe('what fails', () => {
  test('in verification is 400 with the cause, and no reason to try again', async () => {
    const { answer, logged } = await ask({
      verify: () => {
        throw new SyncError('webhook.rejected', 'The body is not JSON.');
      },
    });
    expect(answer).toEqual({
      status: 400,
      retryAfter: null,
      body: { error: 'The body is not JSON.' },
    });
    expect(logged).toEqual([
      expect.objectContaining({
        level: 40,
        status: 400,
        id: 'msg_1',
        reason: 'The body is not JSON.',
      }),
    ]);
  });

  test.each<[string, unknown]>([
    [
      'because the queue is away',
      new SyncError('queue.unavailable', 'connect redis://u:hunter2@h:1'),
    ],
    [
      'because the database is away',
      new SyncError('database.unavailable', 'postgres://u:hunter2@h'),
    ],
    ['for a reason nobody foresaw', new TypeError('hunter2 is not a function')],
    ['with a status of its own', Object.assign(new Error('hunter2'), { status: 500 })],
    [
      'with a status that is none',
      Object.assign(new Error('hunter2'), { status: 'hunter2', type: 7 }),
    ],
    ['with text', 'hunter2'],
    ['with nothing', undefined],
  ])('afterwards, %s, is 503 with Retry-After, without what is inside', async (_why, reason) => {
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- anything can be thrown
    const { answer, logged } = await ask({ enqueue: () => Promise.reject(reason) });
    expect(answer).toEqual({
      status: 503,
      retryAfter: '5',
      body: { error: expect.stringMatching(/not taken; send it again/) },
    });
    expect(JSON.stringify(answer)).not.toContain('hunter2');
    expect(logged).toEqual([expect.objectContaining({ level: 50, status: 503, id: 'msg_1' })]);
  });
});

describe('what the request itself gets wrong', () => {
  test('by being too large is 413, and names the variable', async () => {
    const { answer } = await ask({}, { body: 'x'.repeat(2_000) });
    expect(answer.status).toBe(413);
    expect(answer.body.error).toMatch(/BODY_LIMIT/);
  });

  test('by being compressed is 400', async () => {
    const { answer } = await ask({}, { headers: { 'content-encoding': 'gzip' } });
    expect(answer.status).toBe(400);
    expect(answer.body.error).toMatch(/compressed/);
  });

  test('by having a path that cannot be decoded is 400', async () => {
    const { answer } = await ask({}, { path: `${PATH}/%E0%A4%A` });
    expect(answer).toMatchObject({ status: 400, body: { error: 'The request is malformed.' } });
  });

  test.each(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'])('by being %s is 405', async (method) => {
    const { answer } = await ask({}, { method, body: null });
    expect(answer.status).toBe(405);
  });

  test('by going elsewhere is 404', async () => {
    const { answer } = await ask({}, { path: '/api/webhooksandmore' });
    expect(answer).toMatchObject({ status: 404, body: { error: expect.any(String) } });
  });
});

describe('a log line', () => {
  test('of what was taken tells id, type and what became of it, and nothing of the body', async () => {
    const { answer, logged } = await ask({});
    expect(answer).toEqual({
      status: 200,
      retryAfter: null,
      body: { status: 'queued', id: 'msg_1' },
    });
    expect(logged).toEqual([
      expect.objectContaining({ level: 30, id: 'msg_1', type: 'user.created', status: 'queued' }),
    ]);
    expect(JSON.stringify(logged)).not.toContain('Zebedee');
  });

  test('of what was refused holds nothing of the body, and of the id no more than an id can be', async () => {
    const { logged } = await ask(
      {
        verify: () => {
          throw new SyncError('webhook.rejected', 'no');
        },
      },
      { headers: { 'svix-id': 'x'.repeat(5_000), 'svix-signature': 'v1,hunter2' } },
    );
    expect(logged).toEqual([expect.objectContaining({ id: 'x'.repeat(256), reason: 'no' })]);
    expect(JSON.stringify(logged)).not.toMatch(/Zebedee|hunter2/);
  });
});

test('nothing tells what the server is made of', async () => {
  const { headers } = await ask({});
  expect(headers.has('x-powered-by')).toBe(false);
  expect(headers.has('etag')).toBe(false);
});

interface Request {
  method?: string;
  path?: string;
  body?: string | null;
  headers?: Record<string, string>;
}

function verifyAnything(_headers: unknown, body: Buffer): VerifiedMessage {
  const text = body.toString();
  return { id: 'msg_1', text, value: JSON.parse(text) };
}

/** One request to a real server whose parts do as the test says. */
async function ask(
  setup: Setup,
  { method = 'POST', path = PATH, body = EVENT, headers = {} }: Request = {},
) {
  const logged: Record<string, unknown>[] = [];
  const app = createApp({
    paths: [PATH],
    verify: setup.verify ?? verifyAnything,
    enqueue: setup.enqueue ?? (() => Promise.resolve('queued')),
    bodyLimitBytes: 1_000,
    redaction: { storePrivateMetadata: true },
    observe: UNWATCHED_REQUESTS,
    logger: pino({ level: 'trace' }, { write: (line) => logged.push(JSON.parse(line)) }),
  });
  const server = await listen(app, { host: '127.0.0.1', port: 0, portVariable: 'PORT' });
  try {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
      method,
      headers: { 'svix-id': 'msg_1', ...headers },
      body,
    });
    const text = await response.text();
    const answer = {
      status: response.status,
      retryAfter: response.headers.get('retry-after'),
      body: JSON.parse(text || '{}'),
    };
    return { answer, headers: response.headers, logged };
  } finally {
    await server.close();
  }
}
