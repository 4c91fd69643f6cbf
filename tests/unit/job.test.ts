/** What the queue holds for one delivery. */
import { createHash } from 'node:crypto';
import { UnrecoverableError } from 'bullmq';
import fc from 'fast-check';
import { backoffMs, fromJob, toJob, toJobId } from '../../src/queue/job.js';

const RETENTION = {
  attempts: 8,
  completedAgeSeconds: 100,
  completedCount: 50,
  failedAgeSeconds: 900,
};
const DELIVERY = { id: 'msg_1', body: '{"type":"user.created"}', receivedAt: 1_768_478_400_000 };
/** The keys under which BullMQ keeps its own things, beside the jobs. */
const RESERVED =
  `wait active paused delayed prioritized completed failed waiting-children stalled stalled-check
  limiter meta events id pc marker repeat de metrics key`.split(/\s+/);

describe('a job', () => {
  test('is named after the type, known by the svix-id, and carries the delivery with a version', () => {
    expect(toJob(DELIVERY, 'user.created', RETENTION)).toEqual({
      name: 'user.created',
      data: { version: 1, ...DELIVERY },
      opts: {
        jobId: 'msg_1',
        attempts: 8,
        backoff: { type: 'capped-exponential' },
        removeOnComplete: { age: 100, count: 50 },
        removeOnFail: { age: 900 },
      },
    });
  });

  test('gives back the delivery that it was made of', () => {
    const { data } = toJob(DELIVERY, 'user.created', RETENTION);
    expect(fromJob(JSON.parse(JSON.stringify(data)))).toEqual(DELIVERY);
  });

  test('keeps the svix-id where BullMQ cannot hold it as an id', () => {
    const { data, opts } = toJob({ ...DELIVERY, id: 'wait' }, 'user.created', RETENTION);
    expect(data.id).toBe('wait');
    expect(opts.jobId).not.toBe('wait');
  });

  test('of a type of any length has a name of bounded length', () => {
    expect(toJob(DELIVERY, 'x'.repeat(100_000), RETENTION).name).toBe('x'.repeat(255));
  });

  test.each([
    ['NUL', 'a\0b', 'a\uFFFDb'],
    ['half a surrogate pair', 'a\ud800', 'a\uFFFD'],
    ['a character that is cut in two', `${'x'.repeat(254)}😀`, `${'x'.repeat(254)}\uFFFD`],
  ])('of a type with %s has a name that a queue in Postgres can hold', (_what, type, name) => {
    expect(toJob(DELIVERY, type, RETENTION).name).toBe(name);
  });
});

describe('the id of a job', () => {
  test.each([
    'msg_2Lh9KRb0pzN4LePd3XiA4v12Axj',
    'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'evt-1.retry-2',
    '1e5',
    '0x10',
    '1_000',
    'Wait',
    'wait1',
    'x'.repeat(199) + '1',
  ])('is the svix-id itself: %s', (id) => {
    expect(toJobId(id)).toBe(id);
  });

  test.each([
    'NaN',
    ...RESERVED,
    '0',
    '7',
    '12345678901234567890',
    '-5',
    '+5',
    '1.5',
    '.',
    '-',
    '--',
    'a:b',
    '0:x',
    ':',
    '::',
    'repeat:abc:1',
    'x'.repeat(250) + '1',
    'msg_é',
    'msg 1',
    ' ',
    '',
    'msg_1\n',
    '{msg_1}',
    '!~',
  ])('is a digest of the svix-id, where BullMQ cannot hold it: %j', (id) => {
    const digest = createHash('sha256').update(id).digest('hex');
    expect(toJobId(id)).toBe(`sha256-${digest}`);
  });

  test('of an id that looks like a digest is one of its own: two ids never share a job', () => {
    const digest = `sha256-${createHash('sha256').update('wait').digest('hex')}`;
    expect(toJobId(digest)).not.toBe(toJobId('wait'));
  });

  test('is always one that BullMQ can hold, the same for the same svix-id, and no other has it', () => {
    const piece = fc.constantFrom(
      'wait',
      'msg_',
      '1',
      '-',
      '.',
      ':',
      'e',
      ' ',
      'é',
      'A',
      'sha256-',
    );
    const ids = fc.uniqueArray(
      fc.array(piece, { maxLength: 5 }).map((pieces) => pieces.join('')),
      {
        maxLength: 30,
      },
    );
    fc.assert(
      fc.property(ids, (svixIds) => {
        const jobIds = svixIds.map((id) => toJobId(id));
        expect(jobIds).toEqual(svixIds.map((id) => toJobId(id)));
        expect(new Set(jobIds).size).toBe(svixIds.length);
        for (const id of jobIds) {
          expect(id).toMatch(/^[\w.-]{1,200}$/);
          expect(String(parseInt(id, 10))).not.toBe(id);
          expect(RESERVED).not.toContain(id);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('the pause before the next attempt', () => {
  test.each([
    [1, 1_000],
    [2, 2_000],
    [3, 4_000],
    [8, 128_000],
    [9, 256_000],
    [10, 300_000],
    [31, 300_000],
    [2_000, 300_000],
    [1e9, 300_000],
  ])('after %i attempts is between half of %i ms and all of it', (attempts, longest) => {
    expect(backoffMs(attempts, () => 0)).toBe(longest / 2);
    expect(backoffMs(attempts, () => 0.5)).toBe((longest * 3) / 4);
    expect(backoffMs(attempts, () => 1)).toBe(longest);
  });

  test('by itself stays within these bounds, and differs', () => {
    const pauses = Array.from({ length: 200 }, () => backoffMs(20));
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(150_000);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(300_000);
    expect(new Set(pauses).size).toBeGreaterThan(1);
  });
});

describe('job data that ingest did not write fails for good, with the reason:', () => {
  const whole = { version: 1, ...DELIVERY };
  test.each<[string, unknown, RegExp]>([
    ['none', undefined, /no data/],
    ['null', null, /no data/],
    ['a string', 'msg_1', /no data/],
    ['a list', [whole], /no data/],
    ['no version', { ...DELIVERY }, /no version/],
    ['a version in text', { ...whole, version: '1' }, /no version/],
    ['nothing but a version', { version: 1 }, /incomplete/],
    ['no id', { ...whole, id: undefined }, /incomplete/],
    ['an id that is a number', { ...whole, id: 1 }, /incomplete/],
    ['no body', { ...whole, body: undefined }, /incomplete/],
    ['a body that is parsed already', { ...whole, body: { type: 'user.created' } }, /incomplete/],
    ['no time of receipt', { ...whole, receivedAt: undefined }, /incomplete/],
    ['a time of receipt in text', { ...whole, receivedAt: '2026-01-15' }, /incomplete/],
  ])('%s', (_what, data, reason) => {
    expect(() => fromJob(data)).toThrow(UnrecoverableError);
    expect(() => fromJob(data)).toThrow(reason);
  });

  test('but a later version is left to a newer worker', () => {
    expect(() => fromJob({ ...whole, version: 3 })).toThrow(
      expect.objectContaining({ code: 'job.newer', retryable: true }),
    );
  });

  test('and so is a forced one to a worker that knows of force', () => {
    const forced = { ...DELIVERY, force: true as const };
    const { data } = toJob(forced, 'user.created', RETENTION);
    expect(data).toEqual({ version: 2, ...forced });
    expect(fromJob(data)).toEqual(forced);
  });

  test('but what a later writer of the same version adds does not matter', () => {
    expect(fromJob({ ...whole, addedLater: true })).toEqual(DELIVERY);
  });
});
