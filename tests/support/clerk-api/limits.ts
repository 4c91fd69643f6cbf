/** How many requests came, where to, and how many the limit let through. Counted over every stretch of time, which is stricter than windows side by side. */

export interface Limit {
  requests: number;
  windowMs: number;
}

export interface Limiter {
  /** Lets the request pass and counts it. @returns 0, or after how many seconds there is room again. */
  admit: () => number;
  /** The most that one window has held. */
  readonly peak: number;
  /** How many were turned away. */
  readonly refused: number;
}

export function createLimiter({ requests, windowMs }: Limit): Limiter {
  const admitted: number[] = [];
  let peak = 0;
  let refused = 0;
  return {
    admit: () => {
      const now = performance.now();
      while ((admitted[0] ?? Infinity) <= now - windowMs) admitted.shift();
      const oldest = admitted[0];
      if (oldest !== undefined && admitted.length >= requests) {
        refused++;
        return Math.ceil((oldest + windowMs - now) / 1000);
      }
      peak = Math.max(peak, admitted.push(now));
      return 0;
    },
    get peak() {
      return peak;
    },
    get refused() {
      return refused;
    },
  };
}
