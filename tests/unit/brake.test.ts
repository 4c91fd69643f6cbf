import { createBrake, type Brake } from '../../src/outbox/brake.js';
import { waitFor } from '../support/wait.js';

/** Events that come between two looks. */
let pace: number;
let utilization: number;
let looks: number;
let brake: Brake;

beforeEach(() => {
  [pace, utilization, looks] = [0, 0, 0];
  let events = 0;
  brake = createBrake({
    countEvents: () => (events += pace),
    readUtilization: () => {
      looks++;
      return utilization;
    },
    everyMs: 2,
  });
});
afterEach(() => {
  brake.close();
});

/** Which of these have begun by now, and at which look. */
function begin(count: number): { run: number; look: number }[] {
  const begun: { run: number; look: number }[] = [];
  for (let run = 0; run < count; run++)
    void brake.pass().then(() => begun.push({ run, look: looks }));
  return begun;
}

async function look(times = 1): Promise<void> {
  const until = looks + times;
  // Turn by turn: to wait for longer would miss looks.
  while (looks < until) await new Promise((resolve) => setImmediate(resolve));
}

/** Enough of them to end every hesitation. */
const MANY_LOOKS = 40;

test('while no event comes, runs begin at once, however busy the thread is', async () => {
  [pace, utilization] = [0, 1];
  await look(MANY_LOOKS);
  const begun = begin(1_000);
  const now = looks;
  await Promise.resolve();
  expect(begun).toHaveLength(1_000);
  expect(begun.every(({ look: at }) => at === now)).toBe(true);
});

test('with events and a thread that has time to spare, as many as ever begin between two looks', async () => {
  [pace, utilization] = [1, 0.7];
  await look(MANY_LOOKS);
  const begun = begin(150);
  await Promise.resolve();
  expect(begun).toHaveLength(150);
});

test('with events and a busy thread, they begin one by one, in order', async () => {
  [pace, utilization] = [1, 0.71];
  await look(MANY_LOOKS);
  const begun = begin(5);
  await waitFor('all to have begun', () => begun.length === 5);
  expect(begun.map(({ run }) => run)).toEqual([0, 1, 2, 3, 4]);
  expect(new Set(begun.map(({ look: at }) => at)).size).toBe(5);
});

test('what waits begins faster and faster once the thread has time again', async () => {
  [pace, utilization] = [1, 1];
  await look(MANY_LOOKS);
  const begun = begin(500);
  utilization = 0;
  await waitFor('all to have begun', () => begun.length === 500);
  const sizes = new Map<number, number>();
  for (const { look: at } of begun) sizes.set(at, (sizes.get(at) ?? 0) + 1);
  // All but the last look, which had fewer left to begin.
  const grown = [...sizes.values()].slice(1, -1);
  expect(grown.length).toBeGreaterThan(5);
  expect(grown).toEqual([...grown].sort((a, b) => a - b));
  expect(grown.at(-1)).toBeGreaterThan(grown[0] ?? Infinity);
});

test('a busy thread that comes to no event for some looks is braked on', async () => {
  [pace, utilization] = [1, 1];
  await look(MANY_LOOKS);
  pace = 0;
  await look();
  const begun = begin(1_000);
  await look();
  expect(begun.length).toBeLessThan(100);
  await waitFor('nobody to wait for events any more', () => begun.length === 1_000);
});

test('a stop keeps nobody waiting', async () => {
  [pace, utilization] = [1, 1];
  await look(MANY_LOOKS);
  const begun = begin(1_000);
  brake.close();
  await waitFor('all to have begun', () => begun.length === 1_000);
});

test('by default it asks Node how busy the thread is', async () => {
  let events = 0;
  const own = createBrake({ countEvents: () => events++ });
  let isBraked = false;
  // A thread that is never idle: each turn of the loop works longer than there is between two looks.
  for (let turn = 0; turn < 12 && !isBraked; turn++) {
    const until = performance.now() + 60;
    while (performance.now() < until);
    await new Promise((resolve) => setImmediate(resolve));
    const begun: number[] = [];
    for (let run = 0; run < 3; run++) void own.pass().then(() => begun.push(run));
    await Promise.resolve();
    isBraked = begun.length < 3;
  }
  own.close();
  expect(isBraked).toBe(true);
});
