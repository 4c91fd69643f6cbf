import fc from 'fast-check';
import { allowanceOf, type Clock, createPace } from '../../src/clerk/api-pace.js';

const CLERKS = allowanceOf('sk_test_x');

/** Time that passes only while somebody sleeps. */
function createClock(): Clock {
  let now = 0;
  return {
    now: () => now,
    sleep: async (ms) => {
      now += ms;
    },
  };
}

/** When each of so many requests left. */
async function leave(pace: ReturnType<typeof createPace>, clock: Clock, count: number) {
  const times: number[] = [];
  const go = async () => {
    await pace.takeTurn(undefined);
    times.push(clock.now());
  };
  await Promise.all(Array.from({ length: count }, go));
  return times;
}

/** The most that any stretch of a window's length holds. */
function fullest(times: readonly number[], windowMs: number): number {
  return Math.max(
    ...times.map((start) => times.filter((at) => at >= start && at < start + windowMs).length),
  );
}

test('no stretch of time holds more requests than Clerk allows, however many wait', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ count: fc.nat(150), idleMs: fc.nat(20_000) }), { maxLength: 5 }),
      async (bursts) => {
        const clock = createClock();
        const pace = createPace(CLERKS, clock);
        const times: number[] = [];
        for (const { count, idleMs } of bursts) {
          times.push(...(await leave(pace, clock, count)));
          await clock.sleep(idleMs, undefined);
        }
        expect(fullest([0, ...times], CLERKS.windowMs)).toBeLessThanOrEqual(CLERKS.requests);
      },
    ),
    { numRuns: 50 },
  );
});

test('most of what Clerk allows is used, and the first request leaves at once', async () => {
  const clock = createClock();
  const times = await leave(createPace(CLERKS, clock), clock, 500);
  expect(times[0]).toBe(0);
  expect(fullest(times, CLERKS.windowMs)).toBeGreaterThanOrEqual(85);
});

test('after a 429 nothing leaves while it lasts, and then half as much', async () => {
  const clock = createClock();
  const pace = createPace(CLERKS, clock);
  const before = await leave(pace, clock, 3);
  pace.slowDown(5000);
  const after = await leave(pace, clock, 100);
  expect((after[0] ?? 0) - (before.at(-1) ?? 0)).toBeGreaterThanOrEqual(5000);
  expect(fullest(after, CLERKS.windowMs)).toBeLessThanOrEqual(CLERKS.requests / 2);
});

test('a 429 holds up a request that was waiting for its turn already', async () => {
  const { now, sleep } = createClock();
  let sleeps = 0;
  const clock: Clock = {
    now,
    sleep: async (ms, signal) => {
      await sleep(ms, signal);
      if (++sleeps === 1) pace.slowDown(5000);
    },
  };
  const pace = createPace(CLERKS, clock);
  const [, second = 0] = await leave(pace, clock, 2);
  expect(second).toBeGreaterThanOrEqual(5000);
});

test('the full pace comes back with the answers, and never a faster one', async () => {
  const clock = createClock();
  const pace = createPace(CLERKS, clock);
  for (let n = 0; n < 20; n++) pace.slowDown(0);
  const slow = fullest(await leave(pace, clock, 30), CLERKS.windowMs);
  for (let n = 0; n < 1000; n++) pace.recover();
  const again = fullest(await leave(pace, clock, 300), CLERKS.windowMs);
  expect(slow).toBeLessThan(10);
  expect(again).toBeGreaterThanOrEqual(85);
  expect(again).toBeLessThanOrEqual(CLERKS.requests);
});

test('a request that is given up while it waits does not hold up the next', async () => {
  const stop = new AbortController();
  const pace = createPace({ requests: 1, windowMs: 50 });
  await pace.takeTurn(undefined);
  const given = pace.takeTurn(stop.signal);
  const next = pace.takeTurn(undefined);
  stop.abort();
  await expect(given).rejects.toThrow('aborted');
  await expect(next).resolves.toBeUndefined();
});

test('a key of a development instance gets a tenth of what one of a production instance gets', () => {
  expect(allowanceOf('sk_test_x')).toEqual({ requests: 100, windowMs: 10_000 });
  expect(allowanceOf('sk_live_x')).toEqual({ requests: 1000, windowMs: 10_000 });
});
