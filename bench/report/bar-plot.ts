/** A scenario's contenders as bars: the median, a whisker from the least to the most, a dot for each round. Pure. */
import { formatNumber } from '../format.js';
import { summarise, type Summary } from '../judge.js';
import { type ScenarioResult } from '../results.js';
import { chooseTicks, draw, drawPage, drawText, widthOf } from './svg.js';

const WIDTH = 760;
const RIGHT = 80;
const TOP = 56;
const MARGIN = 16;
const LABEL_GAP = 12;
const ROW = 40;
const BAR = 20;
const DOT_RADIUS = 2.2;

export function drawBars(result: ScenarioResult): string {
  const summaries = summarise(result).filter(({ median }) => Number.isFinite(median));
  const ticks = chooseTicks(Math.max(...summaries.map(({ max }) => max)) || 1);
  const end = ticks.at(-1) ?? 1;
  const left = MARGIN + LABEL_GAP + widthOf(summaries.map(({ contender }) => contender));
  const scale = (value: number) => left + (value / end) * (WIDTH - left - RIGHT);
  const bottom = TOP + summaries.length * ROW;
  const ours = new Set(result.comparisons.map(({ contender }) => contender));
  return drawPage({ width: WIDTH, height: bottom + 44, title: result.title }, [
    drawText(result.title, { class: 'title', x: MARGIN, y: 26 }),
    drawText('the median, and from the least to the most of the rounds', {
      class: 'dim',
      x: MARGIN,
      y: 44,
    }),
    ...ticks.flatMap((tick) => [
      draw('line', { class: 'grid', x1: scale(tick), x2: scale(tick), y1: TOP, y2: bottom }),
      drawText(formatNumber(tick), {
        class: 'dim',
        x: scale(tick),
        y: bottom + 18,
        'text-anchor': 'middle',
      }),
    ]),
    drawText(result.unit, { class: 'dim', x: left, y: bottom + 36 }),
    ...summaries.map((summary, index) =>
      drawRow(summary, {
        y: TOP + index * ROW + ROW / 2,
        scale,
        values: valuesOf(result, summary.contender),
        kind: ours.has(summary.contender) ? 'ours' : 'other',
      }),
    ),
  ]);
}

interface Row {
  /** Its middle. */
  y: number;
  scale: (value: number) => number;
  values: readonly number[];
  kind: 'ours' | 'other';
}

function drawRow(
  { contender, median, min, max }: Summary,
  { y, scale, values, kind }: Row,
): string {
  const [left, low, high] = [scale(0), scale(min), scale(max)];
  const whisker = { class: 'spread', y1: y - 5, y2: y + 5 };
  return draw('g', {}, [
    drawText(contender, { x: left - LABEL_GAP, y: y + 4, 'text-anchor': 'end' }),
    draw('rect', {
      class: kind,
      x: left,
      y: y - BAR / 2,
      width: scale(median) - left,
      height: BAR,
      rx: 2,
    }),
    draw('line', { class: 'spread', x1: low, x2: high, y1: y, y2: y }),
    draw('line', { ...whisker, x1: low, x2: low }),
    draw('line', { ...whisker, x1: high, x2: high }),
    ...values.map((value) =>
      draw('circle', { class: 'dot', cx: scale(value), cy: y, r: DOT_RADIUS }),
    ),
    drawText(formatNumber(median), { x: high + 10, y: y + 4 }),
  ]);
}

function valuesOf({ runs }: ScenarioResult, contender: string): number[] {
  return runs.flatMap((run) =>
    run.contender === contender && 'sample' in run ? [run.sample.value] : [],
  );
}
