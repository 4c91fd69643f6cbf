/** Lets the mirror go first: while it is at work in this process, so many runs of handlers begin that the thread has time to spare. */
import { performance } from 'node:perf_hooks';

export interface Brake {
  /** Resolves when a run may begin. */
  pass: () => Promise<void>;
  /** Lets everybody pass, from now on. */
  close: () => void;
}

export interface BrakeOptions {
  /** How many events the mirror of this process has taken so far. */
  countEvents: () => number;
  /** The share of the time since the last call in which the thread was at work. */
  readUtilization?: () => number;
  everyMs?: number;
}

const EVERY_MS = 50;
/** Above this, whatever comes waits for what is there. */
const BUSY_SHARE = 0.7;
const MOST_A_LOOK = 200;
/** So long after the last event: a thread that is busy with runs may not have come to the next one yet. */
const LOOKS_UNTIL_IDLE = 20;

/**
 * Halves, at each look, how many runs may begin until the next when the thread was busy, and lets a few more when it was not; one may
 * always. Where no event has come for a second it brakes nothing, however busy handlers keep the thread.
 */
export function createBrake({
  countEvents,
  readUtilization = createUtilizationReader(),
  everyMs = EVERY_MS,
}: BrakeOptions): Brake {
  const waiting: (() => void)[] = [];
  let before = countEvents();
  let looksWithout = LOOKS_UNTIL_IDLE;
  let allowed = MOST_A_LOOK;
  let left = Infinity;
  const timer = setInterval(() => {
    const now = countEvents();
    const isBusy = readUtilization() > BUSY_SHARE;
    allowed = isBusy ? Math.max(1, Math.floor(allowed / 2)) : Math.min(MOST_A_LOOK, allowed + 1);
    looksWithout = now === before ? looksWithout + 1 : 0;
    before = now;
    left = looksWithout < LOOKS_UNTIL_IDLE ? allowed : Infinity;
    const passing = waiting.splice(0, left);
    left -= passing.length;
    for (const pass of passing) pass();
  }, everyMs);
  return {
    pass: () =>
      new Promise((resolve) => {
        if (left < 1) {
          waiting.push(resolve);
          return;
        }
        left--;
        resolve();
      }),
    close() {
      clearInterval(timer);
      left = Infinity;
      for (const pass of waiting.splice(0)) pass();
    },
  };
}

function createUtilizationReader(): () => number {
  let last = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    return utilization;
  };
}
