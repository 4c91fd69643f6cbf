/** docs/performance.md and its pictures, from what was measured and from what people wrote about it. Pure. */
import { formatNumber } from '../format.js';
import { summarise } from '../judge.js';
import { type StoredProfile } from '../profile/profile-process.js';
import { type Results, type ScenarioResult } from '../results.js';
import { RATIO_HEAD, tabulateFigures, tabulateRatios } from '../tabulate.js';
import { drawBars } from './bar-plot.js';
import { drawFlames } from './flame-graph.js';
import { drawLines } from './line-plot.js';
import { anchorOf, formatTable } from './markdown.js';

export interface ReportInput {
  results: Results;
  profiles: readonly StoredProfile[];
  /** Hand-written sections, by name; one that is missing is left out. */
  prose: ReadonlyMap<string, string>;
}

/** By path below `docs`. */
export type Files = ReadonlyMap<string, string>;

export const DOCUMENT = 'performance.md';
export const PICTURES = 'performance';

const MARK =
  '<!-- Written by `npm run bench`. Figures are in bench/results, sentences in bench/report/prose; `npm run bench -- --render` joins them. -->';

export function renderDocument(input: ReportInput): Files {
  const { results, profiles, prose } = input;
  const sections = [
    '# Performance',
    MARK,
    prose.get('introduction'),
    renderOverview(results),
    renderVoids(results),
    prose.get('method'),
    renderSetting(results),
    '## Scenarios',
    ...results.scenarios.flatMap((result) => renderScenario(result, prose)),
    ...(profiles.length > 0 ? ['## Where the time goes', prose.get('profiles')] : []),
    ...profiles.flatMap((profile) => renderProfile(profile, prose)),
    prose.get('what-was-changed'),
    prose.get('what-falls-short'),
  ];
  return new Map([
    [DOCUMENT, `${sections.filter(Boolean).join('\n\n')}\n`],
    ...results.scenarios.flatMap(drawScenario),
    ...profiles.map((profile): [string, string] => [
      `${PICTURES}/profile-${profile.process}.svg`,
      drawFlames(`${profile.process} under load: ${profile.load}`, profile.flames),
    ]),
  ]);
}

function renderOverview({ scenarios }: Results): string {
  const rows = scenarios.flatMap((result) =>
    tabulateVerdicts(result).map((row) => [
      `[${result.title}](#${anchorOf(result.title)})`,
      ...row,
    ]),
  );
  return formatTable(['what', ...RATIO_HEAD], rows);
}

/** What is missed is to be seen at a glance. */
function tabulateVerdicts(result: ScenarioResult): string[][] {
  return tabulateRatios(result).map((row) =>
    row.map((cell) => (cell.startsWith('falls short') ? `**${cell}**` : cell)),
  );
}

/** Nothing when all is well. */
function renderVoids({ scenarios }: Results): string | undefined {
  const voids = scenarios.flatMap((result) =>
    summarise(result).flatMap(({ contender, voids: reasons }) =>
      // A stack is for the terminal.
      reasons.map((reason) => `- ${result.name}, ${contender}, ${reason.split('\n')[0] ?? ''}`),
    ),
  );
  if (voids.length === 0) return undefined;
  return `**Void**, because what was in the tables afterwards was not what had been accepted, or because the run failed:\n\n${voids.join('\n')}`;
}

function renderSetting({ machine, versions, settings, scenarios }: Results): string {
  const { cores, cpu, memoryGb, system, disk, fsyncMs, loadBefore } = machine;
  const days = [...new Set(scenarios.map(({ measuredAt }) => measuredAt.slice(0, 10)))].sort();
  return [
    '## Machine, versions, settings',
    formatTable(
      ['', ''],
      [
        ['machine', `${cores} cores of ${cpu}, ${memoryGb} GB of memory, ${system}`],
        ['disk', `${disk}; 8 kB are durable after ${formatNumber(fsyncMs)} ms`],
        ['load before the run', formatNumber(loadBefore)],
        ['versions', listPairs(versions)],
        ...Object.entries(settings),
        ['measured', days.join(', ')],
      ],
    ),
  ].join('\n\n');
}

function renderScenario(result: ScenarioResult, prose: ReportInput['prose']): string[] {
  const { name, title, unit, description, rounds } = result;
  const ratios = tabulateVerdicts(result);
  return [
    `### ${title}`,
    description,
    formatTable(['', `${unit}, median`, 'min – max', 'details, medians'], tabulateFigures(result)),
    ...(ratios.length > 0 ? [formatTable(RATIO_HEAD, ratios)] : []),
    `${rounds} ${rounds === 1 ? 'round' : 'rounds'}. By itself: \`npm run bench -- --only ${name}\`.`,
    ...drawScenario(result).map(([file]) => `![${title}](${file})`),
    ...[prose.get(name)].flatMap((text) => text ?? []),
  ];
}

function renderProfile(profile: StoredProfile, prose: ReportInput['prose']): string[] {
  const { process, load, seconds, idleShare, groups, functions, measuredAt } = profile;
  const show = (share: number) => `${(share * 100).toFixed(1)} %`;
  return [
    `### Profile of ${process}`,
    `Load: “${load}”, ${measuredAt.slice(0, 10)}. Of ${seconds.toFixed(1)} s under load ${process} was idle for ${show(idleShare)}; the shares are of the rest, by each function's own time.`,
    `![Flame graph of ${process}](${PICTURES}/profile-${process}.svg)`,
    formatTable(
      ['whose code', 'share'],
      groups.filter(({ share }) => share >= 0.001).map(({ name, share }) => [name, show(share)]),
    ),
    formatTable(
      ['function', 'file', 'share'],
      functions.map(({ name, file, group, share }) => [`\`${name}\``, file || group, show(share)]),
    ),
    ...[prose.get(`profile-${process}`)].flatMap((text) => text ?? []),
  ];
}

function drawScenario(result: ScenarioResult): [string, string][] {
  const lines = drawLines(result);
  return [
    [`${PICTURES}/${result.name}.svg`, drawBars(result)],
    ...(lines ? [[`${PICTURES}/${result.name}-series.svg`, lines] satisfies [string, string]] : []),
  ];
}

function listPairs(pairs: Readonly<Record<string, string>>): string {
  return Object.entries(pairs)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}
