import { wrapText } from '../terminal-table.js';
import { toPlainText, type Terminal } from '../terminal.js';

const LABEL_WIDTH = 10;

/** A name at the margin, its lines beside it. */
export function label(
  name: string,
  lines: readonly string[],
  { width, paint }: Terminal,
): string[] {
  const margin = ' '.repeat(LABEL_WIDTH + 1);
  const wrapped = lines.flatMap((line) => wrapText(toPlainText(line), width - margin.length, '  '));
  return wrapped.map((line, index) =>
    index === 0 ? `${paint('dim', name.padEnd(LABEL_WIDTH))} ${line}` : `${margin}${line}`,
  );
}
