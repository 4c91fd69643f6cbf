/** Aligned columns, as wide as the terminal allows: what does not fit goes to the lines below, aligned too. Pure. */

export interface Cell {
  text: string;
  /** Applied after the widths are known: colours have none. */
  paint?: (text: string) => string;
}

export interface Table {
  heads: readonly string[];
  rows: readonly Row[];
  /** Columns of the terminal; Infinity: no limit. */
  width: number;
  paintHead?: (text: string) => string;
}

export interface Row {
  cells: readonly Cell[];
  /** A sentence beneath the row. */
  note?: Cell | undefined;
}

const GAP = '  ';
const INDENT = '    ';

export function formatTable({ heads, rows, width, paintHead }: Table): string[] {
  const widths = heads.map((head, column) =>
    Math.max(length(head), ...rows.map(({ cells }) => length(cells[column]?.text ?? ''))),
  );
  const groups = groupColumns(widths, width);
  const headCells = heads.map((text): Cell => (paintHead ? { text, paint: paintHead } : { text }));
  return [{ cells: headCells, note: undefined }, ...rows].flatMap(({ cells, note }) => [
    ...groups.map((columns, line) => formatLine(columns, { cells, widths, isFirst: line === 0 })),
    ...(note ? formatNote(note, width) : []),
  ]);
}

/** Breaks at spaces; a word that is longer than the line stays whole. @param indent before every line but the first. */
export function wrapText(text: string, width: number, indent = ''): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    const room = lines.length === 0 ? width : width - length(indent);
    if (line !== '' && length(longer) > room) {
      lines.push(line);
      line = word;
    } else {
      line = longer;
    }
  }
  return [...lines, line].map((text, index) => (index === 0 ? text : `${indent}${text}`));
}

/** Which columns share a line. */
function groupColumns(widths: readonly number[], width: number): number[][] {
  const groups: number[][] = [];
  let used = 0;
  for (const [column, needed] of widths.entries()) {
    const group = groups.at(-1);
    if (group && used + GAP.length + needed <= width) {
      group.push(column);
      used += GAP.length + needed;
    } else {
      groups.push([column]);
      used = needed + (groups.length > 1 ? INDENT.length : 0);
    }
  }
  return groups;
}

function formatLine(
  columns: readonly number[],
  { cells, widths, isFirst }: { cells: readonly Cell[]; widths: number[]; isFirst: boolean },
): string {
  const texts = columns.map((column, index) => {
    const { text = '', paint } = cells[column] ?? {};
    const isLast = index === columns.length - 1;
    const padding = isLast ? '' : ' '.repeat((widths[column] ?? 0) - length(text));
    return `${paint ? paint(text) : text}${padding}`;
  });
  return `${isFirst ? '' : INDENT}${texts.join(GAP)}`.trimEnd();
}

function formatNote({ text, paint }: Cell, width: number): string[] {
  return wrapText(text, width - INDENT.length).map(
    (line) => `${INDENT}${paint ? paint(line) : line}`,
  );
}

/** In characters, as a terminal counts them for all that is shown here. */
function length(text: string): number {
  return Array.from(text).length;
}
