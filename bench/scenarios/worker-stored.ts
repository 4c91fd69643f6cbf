import { openBenchQueue } from '../bench-queue.js';
import { type Bench, type Sample, type Scenario } from '../contract.js';
import { createEvents, type BenchEvent } from '../events.js';
import { measureBacklog } from '../measure-backlog.js';
import { seedUsers } from '../seed-users.js';
import { take } from '../take.js';
import { WORKERS } from '../worker-kinds.js';

const SIZES = {
  full: { large: 1_000_000, small: 10_000, count: 25_000, warmUp: 5_000 },
  short: { large: 2_000, small: 200, count: 700, warmUp: 200 },
} as const;
/** One event in so many is about somebody who is not stored yet. */
const NEWCOMER_ONE_IN = 20;
/** More than all rounds take. */
const STREAM_LENGTH = 10_000_000;

export const workerStored: Scenario = {
  name: 'worker-stored',
  title: 'With a million users stored',
  unit: 'events/s',
  description:
    'The tables hold a million users with their versions and ledger rows, or 10,000. One worker process applies 20,000 events of mixed sizes ' +
    'about users at random, after 5,000 more to warm up; one in twenty is about somebody new. The tables are kept from round to round.',
  comparisons: [
    {
      contender: 'a million stored',
      against: '10,000 stored',
      goal: { kind: 'at-least', reach: 0.85, stretch: 1 },
    },
  ],
  open: async (bench) => {
    const { large, small } = SIZES[bench.form];
    const largeSide = await openSide(bench, 'large', large);
    const smallSide = await openSide(bench, 'small', small);
    return {
      contenders: { 'a million stored': largeSide.run, '10,000 stored': smallSide.run },
      close: async () => {
        await largeSide.close();
        await smallSide.close();
      },
    };
  },
};

interface Side {
  run: () => Promise<Sample>;
  close: () => Promise<void>;
}

async function openSide(bench: Bench, name: string, stored: number): Promise<Side> {
  const { count, warmUp } = SIZES[bench.form];
  const seed = `worker-stored-${name}`;
  const database = await bench.createDatabase(seed);
  const queue = openBenchQueue(bench.redisUrl, seed);
  await seedUsers(database, { seed, users: stored });
  const stream = mixIn(
    createEvents({ seed, count: STREAM_LENGTH, users: stored }),
    createEvents({ seed: `${seed} newcomers`, count: STREAM_LENGTH }),
  );
  const worker = WORKERS['clerk-sync'];
  return {
    run: () => measureBacklog({ queue, database, worker, events: take(stream, count), warmUp }),
    close: async () => {
      await queue.clear();
      await queue.close();
      await database.drop();
    },
  };
}

function* mixIn(
  updates: Generator<BenchEvent, void, undefined>,
  newcomers: Generator<BenchEvent, void, undefined>,
): Generator<BenchEvent, void, undefined> {
  for (;;) {
    yield* take(updates, NEWCOMER_ONE_IN - 1);
    yield* take(newcomers, 1);
  }
}
