/** Medians and their intervals, without an assumption about how the values are spread. Pure. */

export interface Interval {
  low: number;
  high: number;
  /** How often such an interval holds the true median: 0.9375 for five values. */
  confidence: number;
}

export interface Estimate extends Interval {
  median: number;
}

/** At least this, where there are values enough for it. */
const CONFIDENCE = 0.95;

/** NaN when there is none. */
export function medianOf(values: readonly number[]): number {
  const sorted = sort(values);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? NaN;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? NaN;
  return (lower + upper) / 2;
}

/**
 * The exact interval between two of the ordered values. Resampling so few values draws their extremes again and again
 * and claims 95 % for them; counting says what they are worth.
 */
export function estimateMedian(values: readonly number[]): Estimate {
  const sorted = sort(values);
  const left = countLeftOut(sorted.length);
  return {
    median: medianOf(values),
    low: sorted[left] ?? NaN,
    high: sorted[sorted.length - 1 - left] ?? NaN,
    confidence: confidenceOf(sorted.length, left),
  };
}

/** As many at each end as still leave the confidence that is asked for. */
function countLeftOut(count: number): number {
  let left = 0;
  while (confidenceOf(count, left + 1) >= CONFIDENCE) left += 1;
  return left;
}

/** The true median is outside when at most `left` of the values are on one of its sides, each with the chance of a coin. */
function confidenceOf(count: number, left: number): number {
  if (count === 0) return 0;
  let combinations = 1;
  let outside = 0;
  for (let heads = 0; heads <= left; heads += 1) {
    outside += combinations;
    combinations *= (count - heads) / (heads + 1);
  }
  return Math.max(0, 1 - (2 * outside) / 2 ** count);
}

function sort(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b);
}
