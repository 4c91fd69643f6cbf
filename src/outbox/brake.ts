/** Lets the mirror go first: while events wait and the process has no time to spare, runs of handlers begin one by one. */
import { performance } from 'node:perf_hooks';

export interface Brake {
  /** Resolves when a run may begin. */
  pass: () => Promise<void>;
  /** Lets everybody pass, from now on. */
  close: () => void;
}

export interface BrakeOptions {
  /** How many events the mirror of this process has in hand. */
  countEvents: () => number;
  /** The share of the time since the last call in which the thread was at work. */
  readUtilization?: () => number;
  everyMs?: number;
}

const EVERY_MS = 50;
/** Above this, whatever comes waits for what is there. */
const BUSY_SHARE = 0.8;
/** So many at once are a backlog, of which more is taken as soon as it is done. */
const BACKLOG = 100;

/** Without events in hand it brakes nothing, however busy handlers keep the thread. While it brakes, one run begins in every 50 ms. */
export function createBrake({
  countEvents,
  readUtilization = createUtilizationReader(),
  everyMs = EVERY_MS,
}: BrakeOptions): Brake {
  const waiting: (() => void)[] = [];
  let isBraking = false;
  const timer = setInterval(() => {
    const utilization = readUtilization();
    const events = countEvents();
    isBraking = events >= BACKLOG || (events > 0 && utilization > BUSY_SHARE);
    for (const pass of waiting.splice(0, isBraking ? 1 : waiting.length)) pass();
  }, everyMs);
  return {
    pass: () =>
      new Promise((resolve) => {
        if (isBraking) waiting.push(resolve);
        else resolve();
      }),
    close() {
      clearInterval(timer);
      isBraking = false;
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
