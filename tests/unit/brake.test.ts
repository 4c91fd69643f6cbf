import { createBrake, type Brake } from '../../src/outbox/brake.js';
import { waitFor } from '../support/wait.js';

let events: number;
let utilization: number;
let looks: number;
let brake: Brake;

beforeEach(() => {
  [events, utilization, looks] = [0, 0, 0];
  brake = createBrake({
    countEvents: () => events,
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

async function look(): Promise<void> {
  const before = looks;
  await waitFor('another look', () => looks > before);
}

test.each([
  ['no event is in hand, however busy the thread is', 0, 1],
  ['a few events are, and there is time to spare', 99, 0.8],
])('runs begin at once while %s', async (_when, inHand, share) => {
  [events, utilization] = [inHand, share];
  await look();
  const begun = begin(3);
  const now = looks;
  await Promise.resolve();
  expect(begun).toEqual([0, 1, 2].map((run) => ({ run, look: now })));
});

test.each([
  ['a backlog is there', 100, 0],
  ['events wait and the thread has no time to spare', 1, 0.81],
])('they begin one by one, in order, while %s', async (_when, inHand, share) => {
  [events, utilization] = [inHand, share];
  await look();
  const begun = begin(3);
  await waitFor('all to have begun', () => begun.length === 3);
  expect(begun.map(({ run }) => run)).toEqual([0, 1, 2]);
  expect(new Set(begun.map(({ look: at }) => at)).size).toBe(3);
});

test('what waits begins all at once when the mirror has time again', async () => {
  events = 1_000;
  await look();
  const begun = begin(1_000);
  await look();
  expect(begun.length).toBeLessThan(1_000);
  events = 0;
  await waitFor('all to have begun', () => begun.length === 1_000);
});

test('a stop keeps nobody waiting', async () => {
  events = 1_000;
  await look();
  const begun = begin(1_000);
  brake.close();
  await waitFor('all to have begun', () => begun.length === 1_000);
  expect(begin(1)).toEqual([]);
});

test('by default it asks Node how busy the thread is', async () => {
  const own = createBrake({ countEvents: () => 1 });
  const until = performance.now() + 150;
  await new Promise((resolve) => setTimeout(resolve, 1));
  while (performance.now() < until);
  await new Promise((resolve) => setTimeout(resolve, 0));
  let isThrough = false;
  const passing = own.pass().then(() => (isThrough = true));
  await Promise.resolve();
  expect(isThrough).toBe(false);
  own.close();
  await passing;
});
