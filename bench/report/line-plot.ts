/** What the samples of a scenario have as series: one line for each run, one colour for each contender. Pure. */
import { formatNumber } from '../format.js';
import { type ScenarioResult } from '../results.js';
import { chooseTicks, draw, drawPage, drawText, widthOf } from './svg.js';

const WIDTH = 760;
const HEIGHT = 360;
const LEFT = 76;
const RIGHT = 24;
const TOP = 78;
const BOTTOM = 56;
const LEGEND_GAP = 44;

/** Told apart by those who see few colours as well, on light and on dark. */
const COLOURS = ['#3b82f6', '#e08214', '#1b9e77', '#d6498f', '#8d6bd1'];

interface Line {
  contender: string;
  points: readonly (readonly [number, number])[];
}

/** Undefined where no sample has a series. */
export function drawLines(result: ScenarioResult): string | undefined {
  const lines = listLines(result);
  if (lines.length === 0 || !result.axes) return undefined;
  const xs = lines.flatMap(({ points }) => points.map(([x]) => x));
  const ys = lines.flatMap(({ points }) => points.map(([, y]) => y));
  const xTicks = chooseTicks(maxOf(xs));
  const yTicks = chooseTicks(maxOf(ys));
  const scaleX = (x: number) => LEFT + (x / (xTicks.at(-1) ?? 1)) * (WIDTH - LEFT - RIGHT);
  const scaleY = (y: number) =>
    HEIGHT - BOTTOM - (y / (yTicks.at(-1) ?? 1)) * (HEIGHT - TOP - BOTTOM);
  const contenders = [...new Set(lines.map(({ contender }) => contender))];
  return drawPage({ width: WIDTH, height: HEIGHT, title: result.title }, [
    drawText(result.title, { class: 'title', x: 16, y: 26 }),
    drawText(result.axes.y, { class: 'dim', x: 16, y: 44 }),
    ...yTicks.flatMap((tick) => drawRule(formatNumber(tick), scaleY(tick))),
    ...xTicks.map((tick) =>
      drawText(formatNumber(tick), {
        class: 'dim',
        x: scaleX(tick),
        y: HEIGHT - BOTTOM + 18,
        'text-anchor': 'middle',
      }),
    ),
    drawText(result.axes.x, {
      class: 'dim',
      x: WIDTH - RIGHT,
      y: HEIGHT - 14,
      'text-anchor': 'end',
    }),
    ...lines.map(({ contender, points }) =>
      draw('polyline', {
        fill: 'none',
        stroke: colourOf(contenders.indexOf(contender)),
        'stroke-width': 1.5,
        'stroke-opacity': 0.85,
        points: points.map(([x, y]) => `${shorten(scaleX(x))},${shorten(scaleY(y))}`).join(' '),
      }),
    ),
    ...contenders.map((contender, index) =>
      drawLegend(contender, {
        x: LEFT + index * (widthOf(contenders) + LEGEND_GAP),
        colour: colourOf(index),
      }),
    ),
  ]);
}

function drawRule(label: string, y: number): string[] {
  return [
    draw('line', { class: 'grid', x1: LEFT, x2: WIDTH - RIGHT, y1: y, y2: y }),
    drawText(label, { class: 'dim', x: LEFT - 8, y: y + 4, 'text-anchor': 'end' }),
  ];
}

function drawLegend(contender: string, { x, colour }: { x: number; colour: string }): string {
  return draw('g', {}, [
    draw('rect', { x, y: 54, width: 14, height: 4, fill: colour }),
    drawText(contender, { class: 'dim', x: x + 20, y: 60 }),
  ]);
}

function listLines({ runs }: ScenarioResult): Line[] {
  return runs.flatMap((run) =>
    'sample' in run && run.sample.series?.length
      ? [{ contender: run.contender, points: run.sample.series }]
      : [],
  );
}

function colourOf(index: number): string {
  return COLOURS[index % COLOURS.length] ?? 'currentColor';
}

function maxOf(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0) || 1;
}

function shorten(value: number): number {
  return Math.round(value * 10) / 10;
}
