/** What the terminal shows of a scenario once it has run. Pure. */
import { formatDetails, formatNumber } from './format.js';
import { type Run, type ScenarioResult } from './results.js';
import { tabulateFigures, tabulateRatios } from './tabulate.js';

const GAP = '  ';

/** One line for a run that is over. */
export function printRun(run: Run, unit: string): string {
  const head = `  round ${run.round} ${run.contender}:`;
  if ('void' in run) return `${head} VOID: ${run.void}`;
  const { value, details = {} } = run.sample;
  const rest = formatDetails(details);
  return `${head} ${formatNumber(value)} ${unit}${rest ? ` (${rest})` : ''}`;
}

/** The tables of a scenario. Figures of the short form are not judged. */
export function printScenario(result: ScenarioResult, form: 'full' | 'short'): string {
  const figures = alignColumns([
    ['', `median ${result.unit}`, 'min – max', ''],
    ...tabulateFigures(result),
  ]);
  if (form === 'short') return figures;
  return [figures, alignColumns(tabulateRatios(result))].filter(Boolean).join('\n');
}

function alignColumns(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_cell, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map((row) => row.map((cell, column) => cell.padEnd(widths?.[column] ?? 0)))
    .map((row) => `${GAP}${row.join(GAP)}`.trimEnd())
    .join('\n');
}
