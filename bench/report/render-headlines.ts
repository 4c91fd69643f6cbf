/** The figures that README shows, of what was measured: what a newcomer compares. Pure. */
import { formatGoal, formatInterval, formatNumber, formatRatio } from '../format.js';
import { judgeScenario, summarise, type Judgement } from '../judge.js';
import { type Results, type ScenarioResult } from '../results.js';
import { anchorOf, formatTable } from './markdown.js';

/** In this order; the others are in docs/performance.md. What was not measured is left out. */
const HEADLINES = [
  'ingest-rate',
  'ingest-latency',
  'ingest-database-trouble',
  'worker-rate',
  'worker-lag',
  'backfill',
];

/** What stands behind the names of the benchmarks. */
const WORDS: Readonly<Record<string, string>> = {
  'plain-queue': 'Express, svix, `queue.add`',
  'upsert-in-request': '`prisma.user.upsert` before the answer',
  'upsert-worker': '`prisma.user.upsert` in a worker',
  'upsert-worker, few columns': '`prisma.user.upsert` of seven columns in a worker',
  'idle-worker': 'a worker that does nothing',
  'backfill-loop': '`prisma.user.upsert` in a loop',
};
const OURS = 'clerk-sync';

export function renderHeadlines({ machine, scenarios }: Results): string {
  const shown = HEADLINES.flatMap((name) => scenarios.filter((result) => result.name === name));
  const days = [...new Set(shown.map(({ measuredAt }) => measuredAt.slice(0, 10)))].sort();
  const { cores, cpu, memoryGb } = machine;
  return [
    `Measured ${days.join(', ')}; load, Redis, Postgres and all processes together on ${cores} cores of ${cpu} with ${memoryGb} GB.`,
    'Medians; the ratio with its interval. What is not reached is said in bold.',
    '',
    formatTable(
      ['what', 'clerk-sync', 'beside it', 'ratio', 'goal'],
      shown.flatMap(tabulateHeadline),
    ),
  ].join('\n');
}

function tabulateHeadline(result: ScenarioResult): string[][] {
  const { title, unit } = result;
  const medians = new Map(summarise(result).map(({ contender, median }) => [contender, median]));
  const show = (contender: string) => {
    const figure = `${formatNumber(medians.get(contender) ?? NaN)} ${unit}`;
    return contender === OURS ? figure : `${WORDS[contender] ?? contender}: ${figure}`;
  };
  return judgeScenario(result).map(({ contender, against, ratio, goal, verdict }) => [
    `[${title}](docs/performance.md#${anchorOf(title)})`,
    show(contender),
    show(against),
    `${formatRatio(ratio.median)}, ${formatInterval(ratio)}`,
    `${formatGoal(goal)}: ${tellVerdict(verdict)}`,
  ]);
}

function tellVerdict({ kind, text }: Judgement['verdict']): string {
  return kind === 'short' ? `**${text}**` : text;
}
