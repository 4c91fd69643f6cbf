/** The HTTP contract, against a real server and a real queue of either kind. */
import { createServer, request as httpRequest, type Server } from 'node:http';
import { UnrecoverableError } from 'bullmq';
import { pino } from 'pino';
import { createVerifier, createSigner } from '../../src/clerk/signature.js';
import { sampleEvent } from '../../src/clerk/samples/index.js';
import { createApp } from '../../src/http/app.js';
import { type Backend, type OpenQueue } from '../../src/queue/contract.js';
import { createEnqueue } from '../../src/queue/producer.js';
import { BACKENDS, openBackend, queueSettings, waitForQueue } from '../support/backends.js';
import { deliver, newMessageId, post, SECRET } from '../support/clerk.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { waitFor } from '../support/wait.js';
import { UNWATCHED_REQUESTS } from '../support/observers.js';

const RETENTION = {
  attempts: 5,
  completedAgeSeconds: 3600,
  completedCount: 1000,
  failedAgeSeconds: 3600,
};
const BODY_LIMIT = 64 * 1024;

describe.each(BACKENDS)('the webhook endpoint with its queue in %s', (kind) => {
  let database: TestDatabase;
  let backend: Backend;
  let open: OpenQueue;
  let server: Server;
  let base: string;
  let url: string;

  beforeAll(async () => {
    database = await createDatabase();
    backend = openBackend(queueSettings(kind), database);
    open = backend.openQueue();
    await waitForQueue(open);
    const app = createApp({
      paths: ['/api/webhooks', '/api/clerk-webhook'],
      verify: createVerifier([`whsec_${Buffer.alloc(32, 1).toString('base64')}`, SECRET]),
      enqueue: createEnqueue(open, RETENTION),
      bodyLimitBytes: BODY_LIMIT,
      redaction: { storePrivateMetadata: true },
      logger: pino({ level: 'silent' }),
      observe: UNWATCHED_REQUESTS,
    });
    server = createServer(app);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    base = `http://127.0.0.1:${address.port}`;
    url = `${base}/api/webhooks`;
  });

  afterAll(async () => {
    await new Promise((resolve) => server.close(resolve));
    await open.close();
    await database.drop();
  });

  test('a new event is queued under its svix-id, with its body as it was signed', async () => {
    const event = sampleEvent('user.created');
    const answer = await deliver(url, event, 'msg_new1');
    expect(answer).toMatchObject({ status: 200, body: { status: 'queued', id: 'msg_new1' } });
    const job = await open.queue.getJob('msg_new1');
    expect(job?.name).toBe('user.created');
    expect(job?.data).toMatchObject({ version: 1, id: 'msg_new1', body: JSON.stringify(event) });
    expect(job?.opts.attempts).toBe(5);
  });

  test('an event that the queue knows is a duplicate', async () => {
    const id = newMessageId();
    const event = sampleEvent('user.updated');
    await deliver(url, event, id);
    expect((await deliver(url, event, id)).body).toEqual({ status: 'duplicate', id });
    expect(await open.queue.getJobCountByTypes('waiting', 'delayed', 'active')).toBeGreaterThan(0);
  });

  test('an event that failed for good is put back with all its attempts', async () => {
    const id = newMessageId();
    const event = sampleEvent('user.updated');
    await deliver(url, event, id);
    await failForGood(backend, open, id);
    expect((await deliver(url, event, id)).body).toEqual({ status: 'requeued', id });
    const job = await open.queue.getJob(id);
    expect(await job?.getState()).toBe('waiting');
    expect(job?.attemptsMade).toBe(0);
    expect((await deliver(url, event, id)).body).toEqual({ status: 'duplicate', id });
  });

  test('of redeliveries that race for a failed event one puts it back', async () => {
    const id = newMessageId();
    const event = sampleEvent('user.updated');
    await deliver(url, event, id);
    await failForGood(backend, open, id);
    const answers = await Promise.all(Array.from({ length: 6 }, () => deliver(url, event, id)));
    const statuses = answers.map(({ body }) => body['status']);
    expect(statuses.filter((status) => status === 'requeued')).toHaveLength(1);
    expect(statuses.filter((status) => status === 'duplicate')).toHaveLength(5);
  });

  test('first deliveries that race make one job', async () => {
    const id = newMessageId();
    const event = sampleEvent('user.updated');
    const answers = await Promise.all(Array.from({ length: 8 }, () => deliver(url, event, id)));
    for (const { status, body } of answers) {
      expect(status).toBe(200);
      expect(['queued', 'duplicate']).toContain(body['status']);
    }
    const jobs = await open.queue.getJobs(['waiting']);
    expect(jobs.filter((job) => job.id === id)).toHaveLength(1);
  });

  test.each(['wait', 'events', '12345', 'a:b', '0:1', 'meta', '-7', 'x'.repeat(250)])(
    'the id %j, which BullMQ cannot hold, is queued and known again',
    async (id) => {
      const event = sampleEvent('user.created');
      expect((await deliver(url, event, id)).body).toEqual({ status: 'queued', id });
      expect((await deliver(url, event, id)).body).toEqual({ status: 'duplicate', id });
    },
  );

  test('the Standard Webhooks header names are understood', async () => {
    const id = newMessageId();
    const body = JSON.stringify(sampleEvent('user.created'));
    const signed = createSigner(SECRET)(id, body);
    const headers = Object.fromEntries(
      Object.entries(signed).map(([name, value]) => [name.replace('svix', 'webhook'), value]),
    );
    expect((await post(url, headers, body)).body).toEqual({ status: 'queued', id });
  });

  test('any content type, none, and any path below a webhook path are taken', async () => {
    for (const [path, type] of [
      ['/api/webhooks/clerk', 'text/plain'],
      ['/api/clerk-webhook', 'application/x-www-form-urlencoded'],
      ['/api/clerk-webhook/deeper/still', 'application/json; charset=utf-8'],
    ] as const) {
      const id = newMessageId();
      const body = JSON.stringify(sampleEvent('session.created'));
      const headers = { ...createSigner(SECRET)(id, body), 'content-type': type };
      expect(await post(base + path, headers, body)).toMatchObject({
        status: 200,
        body: { status: 'queued', id },
      });
    }
  });

  test('an event of an unknown type is queued like any other', async () => {
    const answer = await deliver(url, { type: 'starship.launched', data: 17 });
    expect(answer).toMatchObject({ status: 200, body: { status: 'queued' } });
  });

  describe('refuses, and queues nothing:', () => {
    const body = JSON.stringify({ type: 'user.created', data: {} });
    const sign = (text = body, id = 'msg_refused', at = new Date()) =>
      createSigner(SECRET)(id, text, at);
    const minutes = (count: number) => new Date(Date.now() + count * 60_000);
    const without = (name: string) =>
      Object.fromEntries(Object.entries(sign()).filter(([key]) => key !== name));

    const cases: [string, Record<string, string>, string | Buffer, RegExp][] = [
      ['no signature headers', {}, body, /svix-id is missing/],
      ['no svix-id', without('svix-id'), body, /svix-id is missing/],
      ['no svix-timestamp', without('svix-timestamp'), body, /svix-timestamp is missing/],
      ['no svix-signature', without('svix-signature'), body, /svix-signature is missing/],
      [
        'a wrong signature',
        { ...sign(), 'svix-signature': `v1,${'A'.repeat(43)}=` },
        body,
        /signature does not match/,
      ],
      ['a body changed on the way', sign(), `${body} `, /signature does not match/],
      [
        'a timestamp 6 minutes old',
        sign(body, 'msg_refused', minutes(-6)),
        body,
        /more than 5 minutes/,
      ],
      [
        'a timestamp 6 minutes ahead',
        sign(body, 'msg_refused', minutes(6)),
        body,
        /more than 5 minutes/,
      ],
      ['bytes that are not UTF-8', sign('\uFFFD'), Buffer.from([0xff]), /UTF-8/],
      ['an empty body', sign(''), '', /empty/],
      ['JSON null', sign('null'), 'null', /not a JSON object/],
      ['an array', sign('[]'), '[]', /not a JSON object/],
      ['not JSON', sign('{'), '{', /not JSON/],
      ['no type', sign('{"data":{}}'), '{"data":{}}', /"type"/],
      ['an empty type', sign('{"type":""}'), '{"type":""}', /"type"/],
    ];
    test.each(cases)('%s', async (_name, headers, sent, cause) => {
      const answer = await post(url, headers, sent);
      expect(answer.status).toBe(400);
      expect(answer.body['error']).toMatch(cause);
      expect(JSON.stringify(answer.body)).not.toContain(SECRET.slice(6));
      expect(await open.queue.getJob('msg_refused')).toBeFalsy();
    });

    test.each(['svix-id', 'svix-timestamp', 'svix-signature'] as const)(
      '%s twice',
      async (name) => {
        const signed = sign();
        const status = await postTwiceNamed(
          url,
          { ...signed, [name]: [signed[name], signed[name]] },
          body,
        );
        expect(status).toEqual({ status: 400, error: `Header ${name} came more than once.` });
      },
    );

    test('a compressed body', async () => {
      const answer = await post(url, { ...sign(), 'content-encoding': 'gzip' }, body);
      expect(answer.status).toBe(400);
      expect(answer.body['error']).toMatch(/compressed/);
    });

    test('a body over the limit, with 413', async () => {
      const large = JSON.stringify({ type: 'user.created', data: { pad: 'x'.repeat(BODY_LIMIT) } });
      expect((await post(url, sign(large), large)).status).toBe(413);
    });

    test.each(['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])(
      '%s, with 405 and Allow',
      async (method) => {
        const response = await fetch(url, { method });
        expect(response.status).toBe(405);
        expect(response.headers.get('allow')).toBe('POST');
      },
    );

    test.each(['/', '/api', '/api/webhooksandmore', '/queues', '/metrics'])(
      '%s, with 404',
      async (path) => {
        expect((await fetch(base + path, { method: 'POST' })).status).toBe(404);
      },
    );
  });

  test('/healthz answers', async () => {
    expect((await fetch(`${base}/healthz`)).status).toBe(200);
  });
});

/** A worker that cannot do this one job, and does all others. */
async function failForGood(backend: Backend, open: OpenQueue, id: string): Promise<void> {
  const { worker, close } = backend.openWorker(
    (job) => {
      if (job.id === id) throw new UnrecoverableError('on purpose');
      return Promise.resolve();
    },
    { concurrency: 10 },
  );
  await waitFor(`${id} to fail`, async () => (await open.queue.getJob(id))?.isFailed());
  await worker.close();
  await close();
}

/** fetch joins repeated headers; a raw request does not. */
function postTwiceNamed(
  url: string,
  headers: Record<string, string | string[]>,
  body: string,
): Promise<{ status: number | undefined; error: unknown }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method: 'POST', headers }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => {
        resolve({
          status: response.statusCode,
          error: (JSON.parse(text) as { error: unknown }).error,
        });
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}
