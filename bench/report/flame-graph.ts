/** A profile as a flame graph: who calls whom downwards, the width is the share of the time that is not idle. Pure. */
import { type Flame } from '../profile/digest-profile.js';
import { draw, drawPage, drawText, escape } from './svg.js';

const WIDTH = 1000;
const MARGIN = 12;
const TOP = 84;
const ROW = 17;
const LEGEND_STEP = 120;
const LEGEND_COLUMNS = 8;
/** Of the font that labels have, on the wide side. */
const CHARACTER = 6.3;
const LEAST_LABEL = 3;

/** Pale enough for dark letters on light and on dark grounds. */
const COLOURS: readonly (readonly [RegExp, string, string])[] = [
  [/^src\b/, '#8fb8ff', 'clerk-sync'],
  [/^Prisma$/, '#c7a6f2', 'Prisma'],
  [/^pg$/, '#7fd1c7', 'pg'],
  [/^BullMQ$/, '#ffb672', 'BullMQ'],
  [/^ioredis$/, '#ffd87a', 'ioredis'],
  [/^Express$/, '#a5d98a', 'Express'],
  [/^svix$/, '#f5a3c7', 'svix'],
  [/^garbage/, '#ff9c8f', 'garbage collection'],
  [/^Node/, '#c3cbd4', 'Node'],
];
const OTHER = ['#e0d8c3', 'other'] as const;

const STYLE = `
.frame text { font-family: ui-monospace, Menlo, Consolas, monospace; font-size: 10.5px; fill: #16202b; }
.frame rect { stroke: #ffffff; stroke-width: 0.5; }
@media (prefers-color-scheme: dark) {
  .frame rect { stroke: #0d1117; }
}
`;

export function drawFlames(title: string, flames: readonly Flame[]): string {
  const depth = depthOf(flames);
  const height = TOP + depth * ROW + MARGIN;
  const legend = [...COLOURS.map(([, colour, name]) => [colour, name] as const), OTHER];
  return drawPage({ width: WIDTH, height, title, style: STYLE }, [
    drawText(title, { class: 'title', x: MARGIN, y: 24 }),
    ...legend.map(([colour, name], index) => {
      const x = MARGIN + (index % LEGEND_COLUMNS) * LEGEND_STEP;
      const y = 38 + Math.floor(index / LEGEND_COLUMNS) * 20;
      return draw('g', {}, [
        draw('rect', { x, y, width: 12, height: 12, fill: colour }),
        drawText(name, { class: 'dim', x: x + 18, y: y + 10 }),
      ]);
    }),
    ...drawLevel(flames, MARGIN, TOP),
  ]);
}

function drawLevel(flames: readonly Flame[], left: number, y: number): string[] {
  let x = left;
  return flames.flatMap((flame) => {
    const width = flame.share * (WIDTH - 2 * MARGIN);
    const drawn = [drawFrame(flame, { x, y, width }), ...drawLevel(flame.children, x, y + ROW)];
    x += width;
    return drawn;
  });
}

interface Box {
  x: number;
  y: number;
  width: number;
}

function drawFrame({ name, file, group, share }: Flame, { x, y, width }: Box): string {
  const room = Math.floor((width - 6) / CHARACTER);
  const label = name.length > room ? `${name.slice(0, room - 1)}…` : name;
  const where = file ? `${name}, ${file}` : name;
  return draw('g', { class: 'frame' }, [
    draw('title', {}, [escape(`${where} (${group}): ${(share * 100).toFixed(1)} %`)]),
    draw('rect', { x, y, width, height: ROW - 1, fill: colourOf(group) }),
    ...(room < LEAST_LABEL ? [] : [drawText(label, { x: x + 3, y: y + ROW - 5 })]),
  ]);
}

function colourOf(group: string): string {
  return COLOURS.find(([pattern]) => pattern.test(group))?.[1] ?? OTHER[0];
}

function depthOf(flames: readonly Flame[]): number {
  return flames.reduce((deepest, { children }) => Math.max(deepest, 1 + depthOf(children)), 0);
}
