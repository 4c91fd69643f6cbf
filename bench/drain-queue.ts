/** Has workers take events off a queue, and tells from outside how fast they were. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type BenchQueue } from './bench-queue.js';
import { VoidFigure } from './contract.js';
import { type BenchProcess } from './processes.js';

export interface DrainOptions {
  queue: BenchQueue;
  start: () => Promise<BenchProcess[]>;
  /** How many to wait for; the queue may hold more. */
  events: number;
  /** Of those, how many are over before the clock starts: code that has just been loaded is slow. */
  warmUp: number;
}

export interface Drained {
  /** Events a second. */
  rate: number;
  details: Record<string, number>;
}

const POLL_MS = 20;
/** A worker that has done nothing for this long is never going to. */
const PATIENCE_MS = 30_000;
const MEGABYTE = 1e6;

/**
 * From the first event after the warm-up to the last one, by what Redis noted when each job was completed. The workers are stopped
 * and gone when it resolves. @throws VoidFigure when a job failed.
 */
export async function drainQueue(options: DrainOptions): Promise<Drained> {
  const { queue, start, events, warmUp } = options;
  const startedAt = Date.now();
  const before = await queue.countPending();
  const workers = await queue.whilePaused(start);
  let details: Record<string, number>;
  try {
    await waitForDone(queue, { workers, pending: before - warmUp });
    const cpuAtWarmUp = sumCpu(workers);
    await waitForDone(queue, { workers, pending: before - events });
    const cpuMicros = ((sumCpu(workers) - cpuAtWarmUp) * 1e6) / (events - warmUp);
    details = {
      'CPU µs an event': Math.round(cpuMicros),
      'RSS MB': Math.round(sum(workers.map((worker) => worker.residentBytes())) / MEGABYTE),
    };
  } finally {
    await Promise.all(workers.map((worker) => worker.stop()));
  }
  await assertNoneFailed(queue);
  const times = [...(await queue.readFinished(startedAt)).values()].sort((a, b) => a - b);
  return { rate: rateOf(times.slice(warmUp, events)), details };
}

/** @throws VoidFigure when a job failed. */
export async function assertNoneFailed(queue: BenchQueue): Promise<void> {
  const failed = await queue.countFailed();
  if (failed > 0) throw new VoidFigure(`${failed} jobs failed.`);
}

/**
 * Resolves once no more than `pending` jobs are left; how many were completed Redis forgets after a while.
 * @throws Error when a worker ends, or none does anything any more.
 */
export async function waitForDone(
  queue: BenchQueue,
  { workers, pending }: { workers: readonly BenchProcess[]; pending: number },
): Promise<void> {
  let ended: number | null | undefined;
  for (const { exited } of workers) void exited.then((code) => (ended = code));
  let lowest = Infinity;
  let movedAt = Date.now();
  for (;;) {
    const left = await queue.countPending();
    if (left <= pending) return;
    if (ended !== undefined) throw new Error(`A worker ended with ${ended ?? 'a signal'}.`);
    if (left < lowest) [lowest, movedAt] = [left, Date.now()];
    if (Date.now() - movedAt > PATIENCE_MS)
      throw new Error(`The worker does nothing; ${left} jobs are left.`);
    await sleep(POLL_MS);
  }
}

function rateOf(times: readonly number[]): number {
  const [first = 0] = times;
  const last = times.at(-1) ?? 0;
  return ((times.length - 1) * 1000) / (last - first);
}

function sumCpu(workers: readonly BenchProcess[]): number {
  return sum(workers.map((worker) => worker.cpuSeconds()));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
