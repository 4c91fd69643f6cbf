import { createLanes } from '../../src/outbox/lanes.js';

interface Held {
  work: () => Promise<string>;
  end: (result: string) => void;
}

function hold(): Held {
  let end: (result: string) => void = () => undefined;
  const promise = new Promise<string>((resolve) => (end = resolve));
  return { work: () => promise, end };
}

const settled = async () => new Promise((resolve) => setImmediate(resolve));

test('as many run as the lane is wide, as many wait, and the next is sent away', async () => {
  const lanes = createLanes({ size: 2 });
  const held = [hold(), hold(), hold(), hold()];
  const started: number[] = [];
  const turns = held.map(({ work }, n) =>
    lanes.enter('a', () => {
      started.push(n);
      return work();
    }),
  );
  const away = await lanes.enter('a', async () => 'never');
  expect(away).toEqual({ delayMs: expect.any(Number) });
  expect(started).toEqual([0, 1]);
  held[0]?.end('first');
  expect(await turns[0]).toEqual({ result: 'first' });
  await settled();
  expect(started).toEqual([0, 1, 2]);
  for (const { end } of held) end('rest');
  expect(await Promise.all(turns)).toHaveLength(4);
  expect(await lanes.enter('a', async () => 'room again')).toEqual({ result: 'room again' });
});

test('a full lane is no trouble of another', async () => {
  const lanes = createLanes({ size: 1 });
  const held = hold();
  void lanes.enter('a', held.work);
  void lanes.enter('a', held.work);
  expect(await lanes.enter('a', async () => 1)).toHaveProperty('delayMs');
  expect(await lanes.enter('b', async () => 1)).toEqual({ result: 1 });
});

test('what fails gives its place back', async () => {
  const lanes = createLanes({ size: 1 });
  const fail = () => lanes.enter('a', () => Promise.reject(new Error('no')));
  await expect(fail()).rejects.toThrow('no');
  await expect(fail()).rejects.toThrow('no');
  expect(await lanes.enter('a', async () => 1)).toEqual({ result: 1 });
});

test('those that are sent away come back one after the other, within a minute', async () => {
  let time = 1_000_000;
  const lanes = createLanes({ size: 1, now: () => time, random: () => 1 });
  await lanes.enter('a', async () => (time += 30_000));
  const held = hold();
  void lanes.enter('a', held.work);
  void lanes.enter('a', held.work);
  const delays: number[] = [];
  for (let n = 0; n < 20; n++) {
    const turn = await lanes.enter('a', held.work);
    if ('delayMs' in turn) delays.push(turn.delayMs);
  }
  expect(delays).toHaveLength(20);
  expect(delays).toEqual([...delays].sort((a, b) => a - b));
  expect(new Set(delays.slice(0, 5)).size).toBe(5);
  expect(Math.min(...delays)).toBeGreaterThanOrEqual(1_000);
  expect(Math.max(...delays)).toBeLessThanOrEqual(60_000);
});

test('once closed, what waits is sent away, and what runs goes on', async () => {
  const lanes = createLanes({ size: 1 });
  const held = hold();
  const [running, waiting] = [lanes.enter('a', held.work), lanes.enter('a', held.work)];
  lanes.close();
  expect(await waiting).toHaveProperty('delayMs');
  expect(await lanes.enter('b', async () => 1)).toHaveProperty('delayMs');
  held.end('done');
  expect(await running).toEqual({ result: 'done' });
});
