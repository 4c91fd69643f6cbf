/** What the figures of a scenario say about its comparisons. Pure. */
import { type Comparison, type Goal } from './contract.js';
import { type Run, type ScenarioResult } from './results.js';
import { estimateMedian, medianOf, type Estimate } from './statistics.js';

export interface Verdict {
  kind: 'stretch' | 'reached' | 'short' | 'none';
  /** In words: “falls short by 12 %”. */
  text: string;
}

export interface Judgement extends Comparison {
  /** Of contender to against, paired by round. */
  ratio: Estimate;
  /** In how many rounds both have a figure. */
  rounds: number;
  verdict: Verdict;
}

/** All runs of one contender taken together. */
export interface Summary {
  contender: string;
  median: number;
  min: number;
  max: number;
  /** Medians, by name. */
  details: Readonly<Record<string, number>>;
  /** Why figures are missing, one for each run that has none. */
  voids: readonly string[];
}

export function judgeScenario({ comparisons, runs }: ScenarioResult): Judgement[] {
  return comparisons.map((comparison) => {
    const ratios = pairRatios(runs, comparison);
    const ratio = estimateMedian(ratios);
    const verdict = judge(comparison.goal, ratio);
    return { ...comparison, ratio, rounds: ratios.length, verdict };
  });
}

export function summarise({ runs }: ScenarioResult): Summary[] {
  return [...new Set(runs.map(({ contender }) => contender))].map((contender) => {
    const own = runs.filter((run) => run.contender === contender);
    const samples = own.flatMap((run) => ('sample' in run ? [run.sample] : []));
    const values = samples.map(({ value }) => value);
    const names = new Set(samples.flatMap(({ details = {} }) => Object.keys(details)));
    const medianDetail = (name: string) =>
      medianOf(samples.flatMap(({ details }) => details?.[name] ?? []));
    return {
      contender,
      median: medianOf(values),
      min: Math.min(...values),
      max: Math.max(...values),
      details: Object.fromEntries([...names].map((name) => [name, medianDetail(name)])),
      voids: own.flatMap((run) => ('void' in run ? [`round ${run.round}: ${run.void}`] : [])),
    };
  });
}

/** By the median; where the interval ends on the other side of the goal, the verdict says so. */
export function judge(goal: Goal, { median, low, high }: Estimate): Verdict {
  if (!Number.isFinite(median)) return { kind: 'none', text: 'no figure' };
  if (goal.kind === 'no-worse') {
    if (low <= 1) return { kind: 'reached', text: 'reached' };
    return { kind: 'short', text: `falls short by ${formatShare(low - 1)}` };
  }
  const isMet = (value: number, bound: number) =>
    goal.kind === 'at-least' ? value >= bound : value <= bound;
  const worst = goal.kind === 'at-least' ? low : high;
  const doubt = isMet(worst, goal.reach) ? '' : ', not in every round';
  if (goal.stretch !== undefined && isMet(median, goal.stretch)) {
    return { kind: 'stretch', text: `stretch reached${doubt}` };
  }
  if (isMet(median, goal.reach)) return { kind: 'reached', text: `reached${doubt}` };
  const missing = Math.abs(median - goal.reach) / goal.reach;
  return { kind: 'short', text: `falls short by ${formatShare(missing)}` };
}

/** The rounds in which both have a figure: what disturbs a round disturbs both. */
function pairRatios(runs: readonly Run[], { contender, against }: Comparison): number[] {
  const valuesOf = (name: string) =>
    new Map(
      runs.flatMap((run) =>
        run.contender === name && 'sample' in run ? [[run.round, run.sample.value]] : [],
      ),
    );
  const ours = valuesOf(contender);
  return [...valuesOf(against)].flatMap(([round, value]) => {
    const own = ours.get(round);
    return own === undefined ? [] : [own / value];
  });
}

function formatShare(share: number): string {
  return `${share < 0.095 ? (share * 100).toPrecision(2) : Math.round(share * 100)} %`;
}
