import { judge, judgeScenario, summarise } from '../../bench/judge.js';
import { type Goal } from '../../bench/contract.js';
import { type Run, type ScenarioResult } from '../../bench/results.js';
import { estimateMedian, medianOf } from '../../bench/statistics.js';

describe('the median', () => {
  test.each([
    [[3], 3],
    [[1, 100, 2], 2],
    [[4, 1, 3, 2], 2.5],
    [[10, 9, 100, 1, 2], 9],
    [[], NaN],
  ])('of %j is %d', (values, median) => {
    expect(medianOf(values)).toBe(median);
  });

  test.each([
    // By the table of the sign test: chances of 1/2 to the power of n, summed from both ends.
    [1, 0, 0, 0],
    [2, 0, 1, 0.5],
    [3, 0, 2, 0.75],
    [5, 0, 4, 0.9375],
    [6, 0, 5, 0.96875],
    [8, 0, 7, 0.9921875],
    [9, 1, 7, 0.9609375],
    [10, 1, 8, 0.978515625],
    [20, 5, 14, 0.9586105346679688],
  ])('of %d values lies between two of them that are known', (count, low, high, confidence) => {
    const shuffled = Array.from({ length: count }, (_, index) => (index * 7) % count);
    const values = new Set(shuffled).size === count ? shuffled : [...shuffled.keys()];
    const estimate = estimateMedian(values);
    expect(estimate).toEqual({
      median: (count - 1) / 2,
      low,
      high,
      confidence: expect.any(Number),
    });
    expect(estimate.confidence).toBeCloseTo(confidence, 12);
  });

  test('lies in its interval as often as the interval says', () => {
    const random = createRandom(42);
    const draws = 20_000;
    let held = 0;
    for (let draw = 0; draw < draws; draw += 1) {
      // Skewed, as times are; the true median of -ln(u) is ln 2.
      const { low, high } = estimateMedian(
        Array.from({ length: 5 }, () => -Math.log(1 - random())),
      );
      if (low <= Math.LN2 && Math.LN2 <= high) held += 1;
    }
    expect(held / draws).toBeCloseTo(0.9375, 2);
  });
});

describe('a comparison', () => {
  test('pairs the rounds: what slows both down slows no ratio', () => {
    const result = scenario([
      ...rounds('ours', [300, 30, 3000, 360, 240]),
      ...rounds('theirs', [100, 10, 1000, 100, 100]),
    ]);
    const [judgement] = judgeScenario(result);
    expect(judgement).toMatchObject({
      rounds: 5,
      ratio: { median: 3, low: 2.4, high: 3.6, confidence: 0.9375 },
      verdict: { kind: 'reached', text: 'reached' },
    });
  });

  test('leaves out a round in which one of the two is void', () => {
    const result = scenario([
      ...rounds('ours', [200, 400]),
      { contender: 'theirs', round: 1, void: 'a row is missing' },
      { contender: 'theirs', round: 2, sample: { value: 100 } },
    ]);
    expect(judgeScenario(result)).toMatchObject([{ rounds: 1, ratio: { median: 4 } }]);
    expect(summarise(result)).toMatchObject([
      { contender: 'ours', median: 300, min: 200, max: 400, voids: [] },
      { contender: 'theirs', median: 100, voids: ['round 1: a row is missing'] },
    ]);
  });

  test('has no verdict without a figure', () => {
    const runs: Run[] = [{ contender: 'theirs', round: 1, void: 'it did not end' }];
    expect(judgeScenario(scenario(runs))).toMatchObject([{ verdict: { text: 'no figure' } }]);
  });

  test('shows details as medians of the rounds that have them', () => {
    const runs = [1, 5, 9].map((p50, index) => ({
      contender: 'ours',
      round: index + 1,
      sample: { value: 1, details: { 'p50 ms': p50, ...(index === 0 ? { 'RSS MB': 80 } : {}) } },
    }));
    expect(summarise(scenario(runs))[0]?.details).toEqual({ 'p50 ms': 5, 'RSS MB': 80 });
  });
});

describe('a verdict', () => {
  const atLeast: Goal = { kind: 'at-least', reach: 1.2, stretch: 1.5 };
  const atMost: Goal = { kind: 'at-most', reach: 0.25, stretch: 0.1 };
  const noWorse: Goal = { kind: 'no-worse' };

  test.each<[Goal, number, number, number, string]>([
    [atLeast, 1.6, 1.55, 1.7, 'stretch reached'],
    [atLeast, 1.5, 1.5, 1.5, 'stretch reached'],
    [atLeast, 1.6, 1.1, 1.7, 'stretch reached, not in every round'],
    [atLeast, 1.2, 1.2, 1.4, 'reached'],
    [atLeast, 1.3, 1.19, 1.4, 'reached, not in every round'],
    [atLeast, 1.08, 1.0, 1.3, 'falls short by 10 %'],
    [atLeast, 1.188, 1.0, 1.3, 'falls short by 1.0 %'],
    [atLeast, 0.6, 0.5, 0.7, 'falls short by 50 %'],
    [atMost, 0.1, 0.09, 0.12, 'stretch reached'],
    [atMost, 0.2, 0.15, 0.24, 'reached'],
    [atMost, 0.2, 0.15, 0.3, 'reached, not in every round'],
    [atMost, 0.5, 0.4, 0.6, 'falls short by 100 %'],
    [noWorse, 1.1, 0.98, 1.2, 'reached'],
    [noWorse, 1.1, 1.04, 1.2, 'falls short by 4.0 %'],
    [{ kind: 'at-least', reach: 0.85, stretch: 1 }, 0.9, 0.86, 1, 'reached'],
  ])('on %j with %d (%d to %d): %s', (goal, median, low, high, text) => {
    expect(judge(goal, { median, low, high, confidence: 0.9375 }).text).toBe(text);
  });
});

function rounds(contender: string, values: number[]): Run[] {
  return values.map((value, index) => ({ contender, round: index + 1, sample: { value } }));
}

function scenario(runs: Run[]): ScenarioResult {
  return {
    name: 'rate',
    title: 'Rate',
    unit: 'events/s',
    description: '',
    comparisons: [{ contender: 'ours', against: 'theirs', goal: { kind: 'at-least', reach: 2 } }],
    measuredAt: '2026-11-21T00:00:00.000Z',
    seconds: 1,
    rounds: 5,
    runs,
  };
}

/** The same numbers each time (mulberry32). */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
