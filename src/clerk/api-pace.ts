/** How fast requests may leave: spread evenly, so that no stretch of time holds more than Clerk allows, and slower for a while after each 429. */
import { setTimeout as wait } from 'node:timers/promises';

/** Clerk's limits count per instance: the application's own calls need some of it. */
const OUR_SHARE = 0.9;
const SLOWEST_MS = 2000;
/** Back to full pace some sixty requests after a 429 has halved it. */
const RECOVERY = 0.99;

export interface Allowance {
  requests: number;
  windowMs: number;
}

const WINDOW_MS = 10_000;
export const CREATION_ALLOWANCE: Allowance = { requests: 20, windowMs: WINDOW_MS };

/** What Clerk allows a production instance, or a development one. */
export function allowanceOf(secretKey: string): Allowance {
  return { requests: secretKey.startsWith('sk_live_') ? 1000 : 100, windowMs: WINDOW_MS };
}

export interface Clock {
  /** In ms, never going back. */
  now: () => number;
  /** Rejects when the signal is aborted. */
  sleep: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
}

export interface Pace {
  /** Resolves when the next request may leave; callers are let through one by one, in the order they came. */
  takeTurn: (signal: AbortSignal | undefined) => Promise<void>;
  /** After a 429: nothing leaves for `pauseMs`, then half as much as before. */
  slowDown: (pauseMs: number) => void;
  /** After an answer: a little of the pace comes back. */
  recover: () => void;
}

export function createPace({ requests, windowMs }: Allowance, clock = CLOCK): Pace {
  const fullPaceMs = windowMs / (requests * OUR_SHARE);
  let intervalMs = fullPaceMs;
  let openAt = -Infinity;
  let last = Promise.resolve();
  const waitUntilOpen = async (signal: AbortSignal | undefined) => {
    // Again and again: a 429 may have come in meanwhile.
    for (let now = clock.now(); now < openAt; now = clock.now()) {
      await clock.sleep(openAt - now, signal);
    }
    openAt = clock.now() + intervalMs;
  };
  return {
    takeTurn: (signal) => {
      const mine = last.then(() => waitUntilOpen(signal));
      last = mine.catch(() => undefined); // who gives up does not hold up those behind
      return mine;
    },
    slowDown: (pauseMs) => {
      intervalMs = Math.max(fullPaceMs, Math.min(intervalMs * 2, SLOWEST_MS));
      openAt = Math.max(openAt, clock.now() + pauseMs);
    },
    recover: () => {
      intervalMs = Math.max(fullPaceMs, intervalMs * RECOVERY);
    },
  };
}

export const CLOCK: Clock = {
  now: () => performance.now(),
  sleep: (ms, signal) => wait(ms, undefined, signal && { signal }),
};
