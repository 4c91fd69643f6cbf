/** One run under a steady stream: how late each event is done. */
import { type BenchQueue } from './bench-queue.js';
import { VoidFigure, type Sample } from './contract.js';
import { recordAccepted } from './correctness.js';
import { assertNoneFailed, waitForDone } from './drain-queue.js';
import { type BenchEvent } from './events.js';
import { fillPaced } from './fill-queue.js';
import { settle } from './measure-backlog.js';
import { type BenchDatabase } from './servers.js';
import { type WorkerKind } from './worker-kinds.js';

export interface LagOptions {
  queue: BenchQueue;
  /** Empty. */
  database: BenchDatabase;
  worker: WorkerKind;
  /** Of these, the first `warmUp` do not count. */
  events: readonly BenchEvent[];
  warmUp: number;
  perSecond: number;
}

/** One event's. Times in ms. */
interface Lag {
  /** Since the first one that counts. */
  due: number;
  lag: number;
}

const PLOT_STEP_MS = 500;

/** The 99th percentile, in ms. @throws VoidFigure. */
export async function measureLag(options: LagOptions): Promise<Sample> {
  const { queue, database, worker, events, warmUp } = options;
  await queue.clear();
  await recordAccepted(database, events);
  await settle(queue, database);
  const due = await streamTo(options);
  await assertNoneFailed(queue);
  await worker.check(database);
  const finished = await queue.readFinished(0);
  const beginsAt = due.get(events[warmUp]?.id ?? '') ?? 0;
  const lags = events.slice(warmUp).map(({ id }): Lag => {
    const [dueAt, finishedAt] = [due.get(id), finished.get(id)];
    if (dueAt === undefined || finishedAt === undefined)
      throw new VoidFigure(`Redis does not know when ${id} was done.`);
    return { due: dueAt - beginsAt, lag: finishedAt - dueAt };
  });
  const { p50, p99, max } = toPercentiles(lags);
  return {
    value: p99,
    details: { 'p50 ms': p50, 'max ms': max },
    series: toSeries(lags),
  };
}

/** @returns when each event was due. The worker is gone when it resolves. */
async function streamTo({
  queue,
  database,
  worker,
  events,
  perSecond,
}: LagOptions): Promise<Map<string, number>> {
  const running = await worker.start(queue, database);
  try {
    const due = await fillPaced(queue, events, { makeJob: worker.makeJob, perSecond });
    await waitForDone(queue, { workers: [running], pending: 0 });
    return due;
  } finally {
    await running.stop();
  }
}

function toPercentiles(lags: readonly Lag[]): { p50: number; p99: number; max: number } {
  const sorted = lags.map(({ lag }) => lag).sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.ceil(sorted.length * share) - 1] ?? NaN;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

/** For each half second its p99, at its end. */
function toSeries(lags: readonly Lag[]): [number, number][] {
  const steps = new Map<number, Lag[]>();
  for (const lag of lags) {
    const step = Math.floor(lag.due / PLOT_STEP_MS) + 1;
    const some = steps.get(step) ?? [];
    some.push(lag);
    steps.set(step, some);
  }
  return [...steps].map(([step, some]) => [(step * PLOT_STEP_MS) / 1000, toPercentiles(some).p99]);
}
