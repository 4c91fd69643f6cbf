/** A server that closes without cutting anyone off, and says why it cannot listen. */
import { once } from 'node:events';
import {
  Agent,
  createServer,
  get,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { listen } from '../../src/server.js';
import { waitFor } from '../support/wait.js';

const LOOPBACK = { host: '127.0.0.1', port: 0, portVariable: 'PORT' };

afterEach(() => {
  import.meta.jest.useRealTimers();
});

test('port 0 is any free one, and which one it became is told', async () => {
  const server = await listen(answerAtOnce, LOOPBACK);
  expect(server.port).toBeGreaterThan(0);
  expect(await read(server.port)).toBe('done');
  await server.close();
});

describe('closing', () => {
  test('lets a request that is under way be answered, and ends only then', async () => {
    const held = holdRequests();
    const server = await listen(held.handler, LOOPBACK);
    const answer = read(server.port);
    const response = await held.next();
    let isClosed = false;
    const closing = server.close().then(() => {
      isClosed = true;
    });
    await waitFor('it to listen no more', () => refuses(server.port));
    expect(isClosed).toBe(false);
    response.end('done');
    expect(await answer).toBe('done');
    await closing;
  });

  test('does not wait for a connection that is only kept alive', async () => {
    const agent = new Agent({ keepAlive: true });
    const server = await listen(answerAtOnce, LOOPBACK);
    expect(await read(server.port, agent)).toBe('done');
    await server.close();
    agent.destroy();
  });

  test('does not wait for a connection that is kept alive after its last answer', async () => {
    const held = holdRequests();
    const agent = new Agent({ keepAlive: true });
    const server = await listen(held.handler, LOOPBACK);
    const answer = read(server.port, agent);
    const response = await held.next();
    const closing = server.close();
    response.end('done');
    expect(await answer).toBe('done');
    await closing;
    agent.destroy();
  });

  test('lets several requests be answered, each in its time', async () => {
    const held = holdRequests();
    const server = await listen(held.handler, LOOPBACK);
    const answers = [read(server.port), read(server.port), read(server.port)];
    const responses = [await held.next(), await held.next(), await held.next()];
    const closing = server.close();
    for (const response of responses) response.end('done');
    expect(await Promise.all(answers)).toEqual(['done', 'done', 'done']);
    await closing;
  });

  test('does not wait for a connection that never sent anything', async () => {
    const server = await listen(answerAtOnce, LOOPBACK);
    const silent = connect(server.port, '127.0.0.1');
    await once(silent, 'connect');
    expect(await read(server.port)).toBe('done'); // by now the server knows of both
    stopTimers('setTimeout', 'clearTimeout');
    await server.close();
    silent.destroy();
  });

  test.each([
    ['in its headers', 'POST / HTTP/1.1\r\nHost: x\r\n'],
    ['in its body', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf'],
  ])('waits no more than six seconds for a request that stopped %s', async (_where, half) => {
    const server = await listen(answerWholeRequest, LOOPBACK);
    const stalled = connect(server.port, '127.0.0.1');
    stalled.on('error', () => {});
    stalled.write(half);
    expect(await read(server.port)).toBe('done');
    stopTimers('setTimeout', 'clearTimeout');
    const closing = server.close();
    import.meta.jest.advanceTimersByTime(6_000);
    await closing;
    stalled.destroy();
  });

  test('frees the port', async () => {
    const first = await listen(answerAtOnce, LOOPBACK);
    await first.close();
    const second = await listen(answerAtOnce, { ...LOOPBACK, port: first.port });
    expect(second.port).toBe(first.port);
    await second.close();
  });
});

describe('once a stop has begun', () => {
  let stopping: AbortController;
  const listenUntilStopped = (handler: RequestListener) =>
    listen(handler, { ...LOOPBACK, stopping: stopping.signal });
  const ask = (socket: Socket) => {
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    return readAll(socket);
  };
  beforeEach(() => {
    stopping = new AbortController();
  });

  test('each answer is the last on its connection, also that to a request which was there before', async () => {
    const held = holdRequests();
    const server = await listenUntilStopped(held.handler);
    const agent = new Agent({ keepAlive: true });
    const [before, after] = [readHeaders(server.port, agent), readHeaders(server.port, agent)];
    const responses = [await held.next(), await held.next()];
    responses[0]?.end('done');
    expect((await Promise.race([before, after])).connection).toBe('keep-alive');
    stopping.abort();
    responses[1]?.end('done');
    const next = readHeaders(server.port, agent);
    (await held.next()).end('done');
    expect((await next).connection).toBe('close');
    const kinds = [await before, await after].map(({ connection }) => connection);
    expect(kinds.sort()).toEqual(['close', 'keep-alive']);
    await server.close();
    agent.destroy();
  });

  test('an idle connection is good for one more request, and so is one that was just opened', async () => {
    const server = await listenUntilStopped(answerAtOnce);
    const agent = new Agent({ keepAlive: true });
    expect(await read(server.port, agent)).toBe('done');
    const fresh = connect(server.port, '127.0.0.1');
    await once(fresh, 'connect');
    stopTimers('setInterval', 'clearInterval');
    stopping.abort();
    const closing = server.close();
    await waitFor('it to listen no more', () => refuses(server.port));
    expect(await read(server.port, agent)).toBe('done');
    expect(await ask(fresh)).toMatch(/\r\nConnection: close\r\n[^]*done$/);
    await closing;
    agent.destroy();
  });

  test('connections that the system has taken for it are answered as well', async () => {
    const server = await listenUntilStopped(answerAtOnce);
    stopping.abort();
    const answers = Array.from({ length: 50 }, () => ask(connect(server.port, '127.0.0.1')));
    await new Promise(setImmediate); // until here nobody has asked the system
    await server.close();
    for (const answer of await Promise.all(answers)) expect(answer).toMatch(/done$/);
  });

  test('a connection that stays idle is closed', async () => {
    const server = await listenUntilStopped(answerAtOnce);
    const agent = new Agent({ keepAlive: true });
    expect(await read(server.port, agent)).toBe('done');
    stopTimers('setTimeout', 'clearTimeout');
    stopping.abort();
    await server.close();
    agent.destroy();
  });
});

describe('where it cannot listen, it says what to change:', () => {
  test('a port that is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo; // a TCP server's address is an object
    const attempt = listen(answerAtOnce, { host: '127.0.0.1', port, portVariable: 'BOARD_PORT' });
    await expect(attempt).rejects.toMatchObject({
      code: 'config.invalid',
      exitCode: 2,
      message: `Port ${port} is taken. Stop what listens there, or set BOARD_PORT to another.`,
    });
    other.close();
  });

  test('an address that is not of this machine', async () => {
    // An address for documentation: no machine has it.
    await expect(listen(answerAtOnce, { ...LOOPBACK, host: '203.0.113.1' })).rejects.toMatchObject({
      code: 'config.invalid',
      message: expect.stringContaining('203.0.113.1'),
    });
  });
});

const TIMERS = ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] as const;

/** From here on none of these goes off but by `advanceTimersByTime`. */
function stopTimers(...stopped: (typeof TIMERS)[number][]): void {
  import.meta.jest.useFakeTimers({
    doNotFake: [
      'Date',
      'hrtime',
      'nextTick',
      'performance',
      'queueMicrotask',
      'setImmediate',
      'clearImmediate',
      ...TIMERS.filter((timer) => !stopped.includes(timer)),
    ],
  });
}

function answerAtOnce(_request: IncomingMessage, response: ServerResponse): void {
  response.end('done');
}

function answerWholeRequest(request: IncomingMessage, response: ServerResponse): void {
  request.resume().on('end', () => response.end('done'));
}

/** Requests that wait until the test answers them. */
function holdRequests() {
  const arrived: ServerResponse[] = [];
  let wake = () => {};
  return {
    handler: (_request: IncomingMessage, response: ServerResponse) => {
      arrived.push(response);
      wake();
    },
    next: async (): Promise<ServerResponse> => {
      for (;;) {
        const response = arrived.shift();
        if (response) return response;
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
  };
}

function read(port: number, agent = new Agent()): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, agent }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => {
        resolve(text);
      });
    });
    request.on('error', reject);
  });
}

function readHeaders(port: number, agent: Agent): Promise<IncomingHttpHeaders> {
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, agent }, (response) => {
      response.resume().on('end', () => {
        resolve(response.headers);
      });
    });
    request.on('error', reject);
  });
}

/** All that comes until the other end closes. */
function readAll(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    socket.on('end', () => {
      resolve(text);
    });
    socket.on('error', reject);
  });
}

async function refuses(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return false;
  } catch {
    return true;
  } finally {
    socket.destroy();
  }
}
