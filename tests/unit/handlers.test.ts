/** What the engine of handlers knows without a queue and a database. */
import { UnrecoverableError } from 'bullmq';
import { HANDLERS } from '../../src/handlers/index.js';
import { type Handler, type HandlerTable } from '../../src/outbox/define-handlers.js';
import { attempt, Interrupted } from '../../src/outbox/attempt.js';
import { describeFailure } from '../../src/outbox/describe-failure.js';
import { toIdempotencyKey } from '../../src/outbox/idempotency-key.js';
import { readHandlers } from '../../src/outbox/read-handlers.js';
import { runHandler } from '../../src/outbox/testing.js';
import { fromHandlerJob, toHandlerJob } from '../../src/queue/handler-job.js';

const RETENTION = { attempts: 10, completedAgeSeconds: 1, completedCount: 1, failedAgeSeconds: 1 };
const nothing: Handler = async () => undefined;
const another: Handler = async () => undefined;

describe('the table', () => {
  test('that is shipped logs sign-ups, and does nothing else', () => {
    expect(readHandlers(HANDLERS).names).toEqual(['log-sign-ups']);
  });

  test('gives each event type its handlers, by type, by family and by all, each once', () => {
    const { names, namesFor, find, labelOf } = readHandlers({
      'user.created': { welcome: nothing },
      'user.*': { 'follow-users': another, welcome: nothing },
      '*': { 'count-2': nothing },
    });
    expect(names).toEqual(['welcome', 'follow-users', 'count-2']);
    expect(namesFor('user.created')).toEqual(['welcome', 'follow-users', 'count-2']);
    expect(namesFor('user.deleted')).toEqual(['follow-users', 'welcome', 'count-2']);
    expect(namesFor('organization.created')).toEqual(['count-2']);
    // A type that Clerk brings tomorrow is ignored by the mirror, too.
    expect(namesFor('user.renamed')).toEqual([]);
    expect([find('follow-users'), find('nobody')]).toEqual([another, undefined]);
    expect([labelOf('follow-users'), labelOf('nobody')]).toEqual(['follow-users', 'other']);
  });

  test('says all that is wrong with it at once', () => {
    const table = {
      'user.create': { welcome: nothing },
      'users.*': { other: nothing },
      'user.created': { welcome: another, 'Not-This': nothing, 'a.b': nothing, 'a--b': nothing },
      'user.deleted': { missing: undefined },
    } as unknown as HandlerTable; // as a table without a compiler
    const complaint =
      /"user\.create" is no event[^]*"users\.\*" is no event[^]*"welcome" names two[^]*"Not-This"[^]*"a\.b"[^]*"a--b"[^]*"missing" is no function/;
    expect(() => readHandlers(table)).toThrow(complaint);
    expect(() => readHandlers(table)).toThrow(expect.objectContaining({ code: 'config.invalid' }));
  });
});

describe('the idempotency key', () => {
  test('names event and handler', () => {
    expect(toIdempotencyKey('msg_2abc', 'welcome-email')).toBe('msg_2abc.welcome-email');
  });

  test.each(['msg with space', 'msg\nX-Header: 1', 'msg_ü', 'x'.repeat(300)])(
    'of the id %j is a digest that a header can hold',
    (id) => {
      const key = toIdempotencyKey(id, 'welcome-email');
      expect(key).toMatch(/^sha256-[0-9a-f]{64}$/);
      expect(new Headers({ 'idempotency-key': key }).get('idempotency-key')).toBe(key);
      expect(toIdempotencyKey(id, 'welcome-email')).toBe(key);
      expect(toIdempotencyKey(id, 'other')).not.toBe(key);
    },
  );
});

describe('the job', () => {
  const run = { eventId: 'msg_1', handler: 'welcome', round: 1 };

  test('holds ids and nothing else, and each round is another', () => {
    const { name, data, opts } = toHandlerJob(run, RETENTION);
    expect([name, data]).toEqual(['welcome', { version: 1, ...run }]);
    expect(opts.jobId).toBe('msg_1.welcome.1');
    expect(toHandlerJob({ ...run, round: 2 }, RETENTION).opts.jobId).toBe('msg_1.welcome.2');
    expect(fromHandlerJob(data)).toEqual(run);
    expect(toHandlerJob({ ...run, eventId: 'a:b' }, RETENTION).opts.jobId).toMatch(/^sha256-/);
  });

  test.each([null, {}, { version: 1, eventId: 'msg_1' }, { version: 1, ...run, round: '1' }])(
    'that somebody else made fails for good: %j',
    (data) => {
      expect(() => fromHandlerJob(data)).toThrow(UnrecoverableError);
    },
  );

  test('of a newer program is left to it', () => {
    expect(() => fromHandlerJob({ version: 2, ...run })).toThrow(
      expect.objectContaining({ code: 'job.newer' }),
    );
  });
});

describe('an attempt', () => {
  const never = new AbortController().signal;

  test('ends with its time, though the function goes on for ever', async () => {
    let signal: AbortSignal | undefined;
    const hanging = attempt(
      (given) => {
        signal = given;
        return new Promise(() => undefined);
      },
      { timeoutSeconds: 0.01, stopping: never },
    );
    await expect(hanging).rejects.toThrow('It took longer than HANDLER_TIMEOUT (0.01 s).');
    expect(signal?.aborted).toBe(true);
  });

  test('that heeds its signal fails for the same reason', async () => {
    const heeding = attempt(
      (signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('aborted, says fetch')));
        }),
      { timeoutSeconds: 0.01, stopping: never },
    );
    await expect(heeding).rejects.toThrow(/took longer/);
  });

  test('is interrupted by a stop, which is nobody’s failure', async () => {
    const stopping = new AbortController();
    const work = attempt(() => new Promise(() => undefined), {
      timeoutSeconds: 60,
      stopping: stopping.signal,
    });
    stopping.abort();
    await expect(work).rejects.toThrow(Interrupted);
    const late = attempt(async () => undefined, { timeoutSeconds: 60, stopping: stopping.signal });
    await expect(late).rejects.toThrow(Interrupted);
  });

  test('fails with what the function throws, at once or later, and leaves nothing behind', async () => {
    const bounds = { timeoutSeconds: 60, stopping: never };
    const throwing = attempt(() => {
      throw new Error('at once');
    }, bounds);
    await expect(throwing).rejects.toThrow('at once');
    await expect(attempt(() => Promise.reject(new Error('later')), bounds)).rejects.toThrow(
      'later',
    );
    await attempt(async () => undefined, bounds);
  });
});

describe('a failure', () => {
  const payload = { data: { first_name: 'Lovelace', public_metadata: { shoe: 'size forty' } } };

  test('keeps its words and its lines of code, and names nobody', () => {
    const error = new Error('Lovelace at ada@example.com wears size forty, said "Byron"\nand more');
    const failure = describeFailure(error, payload);
    expect(failure.message).toBe('••• at ••• wears •••, said ••• and more');
    expect(failure.stack).toMatch(/handlers\.test\.ts:\d+/);
    for (const word of ['Lovelace', 'ada@', 'forty', 'Byron'])
      expect(failure.stack).not.toContain(word);
  });

  test('is short, and holds nothing that Postgres cannot', () => {
    const failure = describeFailure(new Error(`a\0b ${'long '.repeat(200)}`), payload);
    expect(failure.message).toMatch(/^a b long/);
    expect(failure.message.length).toBeLessThanOrEqual(300);
  });

  test('of a connection says which', () => {
    const error = new TypeError('fetch failed', { cause: { code: 'ECONNREFUSED' } });
    expect(describeFailure(error, payload).message).toBe('fetch failed (ECONNREFUSED)');
  });

  test.each([undefined, '', new Error('')])('without words is said to be one: %p', (error) => {
    expect(describeFailure(error, payload).message).toMatch(/\w/);
  });
});

test('runHandler gives a handler what a worker would: no codes, and its own copy', async () => {
  const fixture = {
    type: 'email.created',
    data: { id: 'ema_1', body: 'the code is 424242' },
    timestamp: 5,
  };
  const seen: unknown[] = [];
  const trial = await runHandler<'email.created'>(
    async (event, { idempotencyKey, attempt: number, logger }) => {
      seen.push(event, idempotencyKey, number);
      logger.warn({ seen: 1 }, 'hello');
    },
    fixture,
    { id: 'msg_7', name: 'deliver', attempt: 3 },
  );
  expect(seen).toEqual([
    { id: 'msg_7', type: 'email.created', data: { id: 'ema_1' }, occurredAt: new Date(5) },
    'msg_7.deliver',
    3,
  ]);
  expect(trial).toMatchObject({
    idempotencyKey: 'msg_7.deliver',
    logged: [{ seen: 1, msg: 'hello' }],
  });
  expect(fixture.data).toHaveProperty('body');
});

test('runHandler without a database says so when the handler asks for one', async () => {
  const reading: Handler<'user.created'> = async (_event, { db }) => {
    await db.user.count();
  };
  const fixture = { type: 'user.created', data: {} };
  await expect(runHandler(reading, fixture)).rejects.toThrow(/given no `db`/);
});
