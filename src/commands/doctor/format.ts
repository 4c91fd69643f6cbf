/** The doctor's words on a terminal: a mark, what was found, and beneath it the cure. Pure. */
import { wrapText } from '../terminal-table.js';
import { toPlainText, type Style, type Terminal } from '../terminal.js';
import { type Examined } from './examine.js';
import { type Finding, type Status } from './finding.js';

const MARKS: Readonly<Record<Status, { mark: string; style: Style }>> = {
  ok: { mark: '✔', style: 'green' },
  warn: { mark: '!', style: 'yellow' },
  bad: { mark: '✘', style: 'red' },
  skipped: { mark: '-', style: 'dim' },
};
/** Narrower than this, lines are left to the terminal. */
const NARROWEST = 30;

export interface Layout extends Terminal {
  /** Of the longest name. */
  nameWidth: number;
}

/** The name stands before the first of the findings. */
export function formatExamined({ name, findings }: Examined, layout: Layout): string[] {
  return findings.flatMap((finding, index) =>
    formatFinding(index === 0 ? name : '', finding, layout),
  );
}

function formatFinding(name: string, { status, found, cure }: Finding, layout: Layout): string[] {
  const { nameWidth, width, paint } = layout;
  const { mark, style } = MARKS[status];
  const indent = ' '.repeat(nameWidth + 4);
  const room = width - indent.length < NARROWEST ? Infinity : width - indent.length;
  const wrap = (text: string) => wrapText(toPlainText(text.replace(/\s+/g, ' ')), room);
  const [first = '', ...rest] = wrap(found);
  const dim = (text: string) => (status === 'skipped' ? paint('dim', text) : text);
  return [
    `${paint(style, mark)} ${name.padEnd(nameWidth)}  ${dim(first)}`,
    ...rest.map((line) => `${indent}${dim(line)}`),
    ...(cure ? wrap(cure).map((line) => `${indent}${paint('cyan', line)}`) : []),
  ];
}

export function formatSummary(findings: readonly Finding[]): string {
  const count = (status: Status) => findings.filter((one) => one.status === status).length;
  const [faults, warnings] = [count('bad'), count('warn')];
  const warned = warnings === 0 ? '' : `${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`;
  if (faults === 0) return warned ? `Nothing is wrong; ${warned}.` : 'Nothing is wrong.';
  return `${faults} ${faults === 1 ? 'thing is' : 'things are'} wrong${warned ? `; ${warned}` : ''}.`;
}
