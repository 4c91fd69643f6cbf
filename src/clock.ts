/** How far another machine's clock is from ours, measured from here. */

export interface ClockReading {
  /** Of the fastest round trip, in milliseconds. */
  latencyMs: number;
  /** By how much the other clock is ahead of this machine's, in milliseconds; half of the round trip is taken off. */
  aheadMs: number;
}

/** The first one may have to open a connection. */
const ROUND_TRIPS = 3;

/** @param ask gives the other clock's time, in milliseconds since 1970. Rejects as it does. */
export async function compareClock(ask: () => Promise<number>): Promise<ClockReading> {
  let fastest = await readClock(ask);
  for (let trip = 1; trip < ROUND_TRIPS; trip++) {
    const reading = await readClock(ask);
    if (reading.latencyMs < fastest.latencyMs) fastest = reading;
  }
  return fastest;
}

async function readClock(ask: () => Promise<number>): Promise<ClockReading> {
  const sentAt = Date.now();
  const started = performance.now();
  const theirs = await ask();
  const latencyMs = performance.now() - started;
  return { latencyMs, aheadMs: theirs - sentAt - latencyMs / 2 };
}
