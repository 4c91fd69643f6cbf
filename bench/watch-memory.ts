/** How much memory a process holds while it works through many events. */
import { setTimeout as sleep } from 'node:timers/promises';
import { medianOf } from './statistics.js';

export interface WatchOptions {
  /** In bytes. */
  readMemory: () => number;
  /** How many events are over. */
  countDone: () => Promise<number>;
  everyMs: number;
}

export interface MemoryPoint {
  /** Events that were over. */
  done: number;
  bytes: number;
  /** Since 1970. */
  ms: number;
}

/** Looks again and again until `work` is done, and rejects if it does. */
export async function watchMemory(
  work: Promise<unknown>,
  { readMemory, countDone, everyMs }: WatchOptions,
): Promise<MemoryPoint[]> {
  const points: MemoryPoint[] = [];
  const over = work.then(() => true);
  for (;;) {
    points.push({ done: await countDone(), bytes: readMemory(), ms: Date.now() });
    if (await Promise.race([over, sleep(everyMs, false)])) return points;
  }
}

export interface Quarter {
  /** The median. */
  bytes: number;
  perSecond: number;
}

/** @param quarter 1 to 4, by events. */
export function summariseQuarter(
  points: readonly MemoryPoint[],
  { quarter, events }: { quarter: number; events: number },
): Quarter {
  const within = points.filter(({ done }) => Math.ceil((done / events) * 4) === quarter);
  const [first, last] = [within[0], within.at(-1)];
  return {
    bytes: medianOf(within.map(({ bytes }) => bytes)),
    perSecond:
      first && last ? ((last.done - first.done) * 1000) / (last.ms - first.ms) : Number.NaN,
  };
}
