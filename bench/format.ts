/** Figures as people read them. Pure. */
import { type Goal } from './contract.js';
import { type Interval } from './statistics.js';

const SIGNIFICANT_DIGITS = 3;

/** Three digits that count, thousands separated: 12,300 and 0.0412. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return '–';
  return new Intl.NumberFormat('en', { maximumSignificantDigits: SIGNIFICANT_DIGITS }).format(
    value,
  );
}

/** “300 – 500”. */
export function formatSpread({ min, max }: { min: number; max: number }): string {
  return Number.isFinite(min) ? `${formatNumber(min)} – ${formatNumber(max)}` : '–';
}

/** Two decimals, or three digits where that would hide the ratio. */
export function formatRatio(ratio: number): string {
  if (!Number.isFinite(ratio)) return '–';
  return ratio >= 0.1 && ratio < 100 ? ratio.toFixed(2) : formatNumber(ratio);
}

/** With how often such an interval is right: “1.31 to 1.44 (94 %)”. */
export function formatInterval({ low, high, confidence }: Interval): string {
  if (!Number.isFinite(low) || confidence === 0) return '–'; // of one value there is none
  return `${formatRatio(low)} to ${formatRatio(high)} (${Math.floor(confidence * 100)} %)`;
}

/** “at least 1.2 (stretch 1.5)”. */
export function formatGoal(goal: Goal): string {
  if (goal.kind === 'no-worse') return 'no worse';
  const stretch = goal.stretch === undefined ? '' : ` (stretch ${goal.stretch})`;
  return `${goal.kind.replace('-', ' ')} ${goal.reach}${stretch}`;
}

/** “p50 ms 1.2, worker RSS MB 180”. */
export function formatDetails(details: Readonly<Record<string, number>>): string {
  return Object.entries(details)
    .map(([name, value]) => `${name} ${formatNumber(value)}`)
    .join(', ');
}
