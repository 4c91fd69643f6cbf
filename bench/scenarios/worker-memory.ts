import { openBenchQueue, type BenchQueue } from '../bench-queue.js';
import { type Bench, type Sample, type Scenario } from '../contract.js';
import { checkMirror, resetTables } from '../correctness.js';
import { assertNoneFailed, waitForDone } from '../drain-queue.js';
import { INGESTS } from '../ingest-kinds.js';
import { measureEndpoint } from '../measure-endpoint.js';
import { type BenchProcess } from '../processes.js';
import { recordEvents } from '../record-events.js';
import { type BenchDatabase } from '../servers.js';
import { summariseQuarter, watchMemory, type MemoryPoint } from '../watch-memory.js';
import { WORKERS } from '../worker-kinds.js';

const SIZES = {
  full: { events: 1_000_000, atOnce: 50_000, everyMs: 1_000 },
  short: { events: 2_000, atOnce: 1_000, everyMs: 10 },
} as const;
const CONNECTIONS = 64;
const MEGABYTE = 1e6;

export const workerMemory: Scenario = {
  name: 'worker-memory',
  title: 'Resident memory over a million events',
  unit: 'MB',
  description:
    'A million events of 1 kB go through one ingest process, which meanwhile no worker relieves, and then through one worker process. Both are ' +
    'looked at each second. ingest and worker are the medians of the last quarter of the events, the others those of the second quarter: what ' +
    'leaks grows.',
  comparisons: [
    {
      contender: 'worker',
      against: 'worker, earlier',
      goal: { kind: 'at-most', reach: 1.1, stretch: 1 },
    },
    {
      contender: 'ingest',
      against: 'ingest, earlier',
      goal: { kind: 'at-most', reach: 1.1, stretch: 1 },
    },
  ],
  rounds: 1,
  axes: { x: 'thousand events', y: 'MB' },
  open: async (bench) => {
    const { events } = SIZES[bench.form];
    const database = await bench.createDatabase('worker-memory');
    const queue = openBenchQueue(bench.redisUrl, 'worker-memory');
    // Each contender is a part of one and the same run.
    let run: Promise<Record<'ingest' | 'worker', MemoryPoint[]>> | undefined;
    const part = (name: 'ingest' | 'worker', quarter: number) => async () => {
      run ??= runMillion(bench, { queue, database });
      return toSample((await run)[name], { quarter, events });
    };
    return {
      contenders: {
        ingest: part('ingest', 4),
        'ingest, earlier': part('ingest', 2),
        worker: part('worker', 4),
        'worker, earlier': part('worker', 2),
      },
      close: async () => {
        await queue.clear();
        await queue.close();
        await database.drop();
      },
    };
  },
};

interface Place {
  queue: BenchQueue;
  database: BenchDatabase;
}

async function runMillion({ form, log }: Bench, place: Place) {
  const { queue, database } = place;
  const { events, everyMs } = SIZES[form];
  await resetTables(database);
  const watch = (process: BenchProcess, work: Promise<unknown>, countDone: () => Promise<number>) =>
    watchMemory(work, { readMemory: process.residentBytes, countDone, everyMs }).finally(
      process.stop,
    );
  const endpoint = await INGESTS['clerk-sync'].start(queue);
  const sending = send(form, { ...place, endpoint });
  const ingest = await watch(endpoint, sending, queue.countPending);
  log(`${events} events are on the queue`);
  const consumer = await queue.whilePaused(() => WORKERS['clerk-sync'].start(queue, database));
  const draining = waitForDone(queue, { workers: [consumer], pending: 0 });
  const worker = await watch(consumer, draining, async () => events - (await queue.countPending()));
  await assertNoneFailed(queue);
  await checkMirror(database);
  return { ingest, worker };
}

async function send(
  form: Bench['form'],
  { database, endpoint }: Place & { endpoint: Parameters<typeof measureEndpoint>[0] },
): Promise<void> {
  const { events, atOnce } = SIZES[form];
  for (let sent = 0; sent < events; sent += atOnce) {
    const stream = { seed: `worker-memory ${sent}`, count: atOnce, sizes: { '1 kB': 1 } } as const;
    const pace = { kind: 'saturation', connections: CONNECTIONS } as const;
    await measureEndpoint(endpoint, { events: stream, warmUp: 0, pace });
    await recordEvents(database, stream);
  }
}

function toSample(
  points: readonly MemoryPoint[],
  { quarter, events }: { quarter: number; events: number },
): Sample {
  const { bytes, perSecond } = summariseQuarter(points, { quarter, events });
  const sample = { value: bytes / MEGABYTE, details: { 'events/s': perSecond } };
  // Whoever is compared brings the whole line.
  if (quarter < 4) return sample;
  return {
    ...sample,
    series: points.map(({ done, bytes: held }) => [done / 1000, held / MEGABYTE]),
  };
}
