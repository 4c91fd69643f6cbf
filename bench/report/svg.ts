/** Elements of a picture as text, and the look that all pictures share: light and dark, on a ground of their own, with the reader's fonts. Pure. */

export type Attributes = Readonly<Record<string, string | number>>;

export interface Page {
  width: number;
  height: number;
  /** Said to those who do not see the picture. */
  title: string;
  /** Further rules, in terms of the classes that the content uses. */
  style?: string;
}

/** Of the usual size, on the wide side. */
const CHARACTER = 7.2;

const STYLE = `
text { font-family: system-ui, -apple-system, 'Segoe UI', sans-serif; font-size: 13px; fill: #1f2328; }
.title { font-weight: 600; font-size: 14px; }
.dim { fill: #59636e; font-size: 12px; }
.page { fill: #ffffff; stroke: #d1d9e0; }
.grid { stroke: #e3e8ed; }
.spread { stroke: #1f2328; stroke-width: 1.5; }
.dot { fill: #1f2328; }
.ours { fill: #3b76e1; }
.other { fill: #aeb8c4; }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc; }
  .dim { fill: #9aa5b1; }
  .page { fill: #0d1117; stroke: #3d444d; }
  .grid { stroke: #2a3038; }
  .spread { stroke: #f0f6fc; }
  .dot { fill: #f0f6fc; }
  .ours { fill: #4c8dff; }
  .other { fill: #5b6673; }
}
`;

export function drawPage({ width, height, title, style = '' }: Page, content: string[]): string {
  const page = draw(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      width,
      height,
      viewBox: `0 0 ${width} ${height}`,
      role: 'img',
      'aria-label': title,
    },
    [
      draw('style', {}, [escape(STYLE + style)]),
      draw('rect', { class: 'page', x: 0.5, y: 0.5, width: width - 1, height: height - 1, rx: 6 }),
      ...content,
    ],
  );
  return `${page}\n`;
}

/** @param content elements, or text that was escaped. */
export function draw(name: string, attributes: Attributes, content: string[] = []): string {
  const written = Object.entries(attributes)
    .map(([key, value]) => ` ${key}="${escape(typeof value === 'number' ? round(value) : value)}"`)
    .join('');
  if (content.length === 0) return `<${name}${written}/>`;
  const lines = content.length > 1 ? `\n${content.join('\n')}\n` : content.join('');
  return `<${name}${written}>${lines}</${name}>`;
}

export function drawText(text: string, attributes: Attributes): string {
  return draw('text', attributes, [escape(text)]);
}

export function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** Room for the longest of these in letters of the usual size, whatever the reader's font. */
export function widthOf(texts: readonly string[]): number {
  return Math.max(0, ...texts.map((text) => text.length)) * CHARACTER;
}

/** Round values from 0 to at least `max`, some five of them. */
export function chooseTicks(max: number): number[] {
  const rough = max / 5;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5, 10].find((factor) => factor * magnitude >= rough) ?? 10) * magnitude;
  const count = Math.ceil(max / step - 1e-9);
  return Array.from({ length: count + 1 }, (_, index) => Number((index * step).toPrecision(6)));
}

/** A tenth of a pixel is seen by nobody. */
function round(value: number): string {
  return String(Math.round(value * 10) / 10);
}
