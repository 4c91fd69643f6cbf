import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { createPool, type Pool } from '../../bench/load/connection-pool.js';
import { createRecord } from '../../bench/load/record-answers.js';
import { buildRequests } from '../../bench/load/requests.js';
import { createVerifier } from '../../src/clerk/signature.js';
import { SECRET } from '../support/clerk.js';

const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function listen(server: Server | ReturnType<typeof createTcpServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => new Promise((resolve) => server.close(resolve)));
  return (server.address() as AddressInfo).port; // a TCP server's address is an object
}

function openPool(port: number, size: number): Pool {
  const pool = createPool({ host: '127.0.0.1', port }, size);
  closers.push(pool.close);
  return pool;
}

async function startHttp(handle: RequestListener): Promise<number> {
  return listen(
    createServer((request, response) => {
      request.resume().on('end', () => handle(request, response));
    }),
  );
}

/** A server that answers each request with these bytes, piece by piece, and tells how it was connected to. */
async function startRaw(pieces: readonly string[], { hangUp = false } = {}) {
  let connections = 0;
  const port = await listen(
    createTcpServer((socket) => {
      connections += 1;
      socket.on('error', () => undefined);
      const write = ([piece, ...rest]: readonly string[]): void => {
        if (piece === undefined) {
          if (hangUp) socket.end();
          return;
        }
        socket.write(piece, () => setImmediate(write, rest));
      };
      socket.on('data', () => write(pieces));
    }),
  );
  return { port, countConnections: () => connections };
}

const REQUEST = [Buffer.from('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n')];
const send = (pool: Pool) => new Promise<number>((resolve) => pool.send(REQUEST, resolve));
const sendMany = (pool: Pool, count: number) =>
  Promise.all(Array.from({ length: count }, () => send(pool)));

describe('figures', () => {
  test('time counts from when a request was due, however late the sender was', () => {
    const record = createRecord();
    for (const index of Array(100).keys()) {
      record.sent(index, 1_000 + index, 1_900);
      record.answered(index, 200, 2_000 + index);
    }
    const { latencyMs, lateMs, seconds, acceptedPerSecond } = record.summarise();
    expect(latencyMs).toEqual({ p50: 1_000, p90: 1_000, p99: 1_000, p999: 1_000, max: 1_000 });
    expect(lateMs).toMatchObject({ p50: 850, p99: 899, max: 900 });
    expect(seconds).toBeCloseTo(1.099);
    expect(acceptedPerSecond).toBeCloseTo(100 / 1.099);
  });

  test('percentiles are exact, and the timeline is by when a request was due', () => {
    const record = createRecord();
    for (const index of Array(1_000).keys()) {
      record.sent(index, index, index);
      record.answered(index, 200, index + (index < 500 ? 1 : 5));
    }
    const { latencyMs, timeline } = record.summarise();
    expect(latencyMs).toEqual({ p50: 1, p90: 5, p99: 5, p999: 5, max: 5 });
    expect(timeline).toEqual([
      [0, 1],
      [0.5, 5],
    ]);
  });

  test('what was refused is counted by its status, and is not accepted', () => {
    const record = createRecord();
    for (const [index, status] of [200, 503, 400, 200, 503, 0].entries()) {
      record.sent(index, 0, 0);
      record.answered(index, status, 1_000);
    }
    expect(record.summarise()).toMatchObject({
      sent: 6,
      accepted: 2,
      acceptedPerSecond: 2,
      refusals: { 0: 1, 400: 1, 503: 2 },
    });
  });
});

describe('requests', () => {
  const url = 'http://127.0.0.1:1/api/webhooks';
  const events = { seed: 'requests', count: 20 };
  const options = { url, secret: SECRET, events, warmUp: 0 };
  const pace = { kind: 'saturation', connections: 1 } as const;

  function read(request: readonly Buffer[]) {
    const bytes = Buffer.concat(request);
    const end = bytes.indexOf('\r\n\r\n');
    const [line, ...fields] = bytes.toString('utf8', 0, end).split('\r\n');
    const headers = fields.map((field) => field.split(': ') as [string, string]);
    return {
      line,
      body: bytes.subarray(end + 4),
      headers: Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), [value]])),
    };
  }

  test('each is whole, and signed so that ingest takes it', () => {
    const verify = createVerifier([SECRET]);
    const requests = buildRequests({ ...options, pace }).map(read);
    const ids = requests.map(({ headers, body }) => verify(headers, body));
    expect(new Set(ids).size).toBe(20);
    for (const { line, headers, body } of requests) {
      expect(line).toBe('POST /api/webhooks HTTP/1.1');
      expect(headers['content-length']).toEqual([String(body.length)]);
    }
  });

  test('forged ones look the same, and ingest refuses them for their signature', () => {
    const verify = createVerifier([SECRET]);
    const requests = buildRequests({ ...options, pace, forgedBytes: 50_000 }).map(read);
    expect(requests).toHaveLength(20);
    for (const { headers, body } of requests) {
      expect(headers['content-length']).toEqual([String(body.length)]);
      expect(body.length).toBeGreaterThanOrEqual(50_000);
      expect(() => verify(headers, body)).toThrow('The signature does not match');
    }
  });
});

describe('connections', () => {
  test('a request goes out whatever became of those before it', async () => {
    const held: (() => void)[] = [];
    const port = await startHttp((_request, response) => {
      held.push(() => response.setHeader('Content-Length', 0).end());
      if (held.length === 20) for (const answer of held) answer();
    });
    const pool = openPool(port, 50);
    expect(await sendMany(pool, 20)).toEqual(Array(20).fill(200));
    expect(pool.mostOpen()).toBe(20);
  });

  test('beyond the number of connections a request waits, and is sent in the end', async () => {
    const { port, countConnections } = await startRaw([
      'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
    ]);
    const pool = openPool(port, 3);
    expect(await sendMany(pool, 30)).toEqual(Array(30).fill(200));
    expect(countConnections()).toBe(3);
  });

  test('an answer that comes in pieces is one answer', async () => {
    const { port, countConnections } = await startRaw([
      'HTTP/1.1 20',
      '0 OK\r\ncontent-length: 5\r\n',
      '\r\n12',
      '345',
    ]);
    const pool = openPool(port, 1);
    expect(await sendMany(pool, 3)).toEqual([200, 200, 200]);
    expect(countConnections()).toBe(1);
  });

  test('a connection that its answer ends is not used again', async () => {
    const { port, countConnections } = await startRaw([
      'HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
    ]);
    expect(await sendMany(openPool(port, 1), 3)).toEqual([413, 413, 413]);
    expect(countConnections()).toBe(3);
  });

  test('a refusal without a body and without its length is an answer', async () => {
    const { port } = await startRaw(['HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n']);
    expect(await sendMany(openPool(port, 1), 2)).toEqual([408, 408]);
  });

  test('a connection that breaks without an answer is told of, and another takes its place', async () => {
    const { port, countConnections } = await startRaw(['HTTP/1.1 200 OK\r\n'], { hangUp: true });
    expect(await sendMany(openPool(port, 1), 2)).toEqual([0, 0]);
    expect(countConnections()).toBe(2);
  });

  test('a server that is not there is told of', async () => {
    const port = await startHttp(() => undefined);
    await closers.pop()?.();
    expect(await sendMany(openPool(port, 2), 4)).toEqual([0, 0, 0, 0]);
  });
});
