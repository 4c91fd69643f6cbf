/** The rows that terminal and document show of a scenario. Pure. */
import {
  formatDetails,
  formatGoal,
  formatInterval,
  formatNumber,
  formatRatio,
  formatSpread,
} from './format.js';
import { judgeScenario, summarise, type Judgement } from './judge.js';
import { type ScenarioResult } from './results.js';

export const RATIO_HEAD = ['ratio', 'median', 'interval', 'goal', 'verdict'] as const;

/** Contender, median, spread, details. */
export function tabulateFigures(result: ScenarioResult): string[][] {
  return summarise(result).map((summary) => [
    summary.voids.length > 0
      ? `${summary.contender} (${summary.voids.length} void)`
      : summary.contender,
    formatNumber(summary.median),
    formatSpread(summary),
    formatDetails(summary.details),
  ]);
}

/** As RATIO_HEAD. */
export function tabulateRatios(result: ScenarioResult): string[][] {
  return judgeScenario(result).map(describeJudgement);
}

function describeJudgement({ contender, against, ratio, goal, verdict }: Judgement): string[] {
  return [
    `${contender} / ${against}`,
    formatRatio(ratio.median),
    formatInterval(ratio),
    formatGoal(goal),
    verdict.text,
  ];
}
