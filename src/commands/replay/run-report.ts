/** What a replay of handlers says of each run and of all together: lines for people, or one JSON object a line. Pure. */
import { type RunAction, type RunPlan } from './run-plan.js';
import { toPlainText } from '../terminal.js';

export interface RunTotals {
  /** Of the handlers. */
  names: readonly string[];
  isDryRun: boolean;
  /** Events. */
  found: number;
  /** Runs. */
  actions: Record<RunAction, number>;
}

export const NO_RUNS: RunTotals['actions'] = {
  started: 0,
  repeated: 0,
  promoted: 0,
  pending: 0,
  unavailable: 0,
};

export function describeRun(plan: RunPlan, isDryRun: boolean): string {
  const { eventId, type, entityId, handler, action, begins, outcome } = plan;
  const names = [eventId, type ?? 'unknown type', ...(entityId ? [entityId] : []), handler];
  const verb = begins ? (isDryRun ? 'would run ' : 'runs ') : '';
  return `${names.map(toPlainText).join('  ')}  ${BEFORE[outcome]}: ${verb}${WORDS[action]}`;
}

const BEFORE: Record<RunPlan['outcome'], string> = {
  none: 'never begun',
  pending: 'not over',
  done: 'done',
  failed: 'failed',
  skipped: 'skipped',
};

const WORDS: Record<RunAction, string> = {
  started: 'for the first time',
  repeated: 'again',
  promoted: 'at once, its pause cut short',
  pending: 'left alone, for it is going to run by itself',
  unavailable: 'cannot run: the payload of its event is no longer kept',
};

export function describeRunTotals({ names, isDryRun, found, actions }: RunTotals): string[] {
  const what = names.join(', ');
  if (found === 0) {
    return [
      `Nothing found: the ledger has no such event that was applied and is for ${what}. Of one event: npm run why -- ID`,
    ];
  }
  const { pending, unavailable, ...begun } = actions;
  const total = Object.values(begun).reduce((sum, runs) => sum + runs, 0);
  const parts = Object.entries(begun).flatMap(([action, runs]) =>
    runs > 0 ? [`${runs} ${action}`] : [],
  );
  const lines = [
    `${isDryRun ? 'Would be asked for' : 'Asked for'}: ${count(total, 'run')} of ${what}, for ${count(found, 'event')}${parts.length > 0 ? ` (${parts.join(', ')})` : ''}.`,
  ];
  if (pending > 0) lines.push(`Left alone, for they are going to run by themselves: ${pending}.`);
  if (unavailable > 0) {
    lines.push(`Cannot run, for the payload of the event is no longer kept: ${unavailable}.`);
  }
  if (isDryRun) lines.push('This was a dry run: nothing was changed.');
  else if (total > 0) {
    lines.push(
      'A worker that runs handlers begins within seconds; `npm run why -- ID` tells what became of them.',
    );
  }
  return lines;
}

/** One line; the fields are stable. Times in ISO 8601. */
export function toRunJson({ begins: _, eventId, receivedAt, ...plan }: RunPlan): string {
  const time = receivedAt === null ? null : new Date(receivedAt).toISOString();
  return JSON.stringify({ kind: 'run', id: eventId, ...plan, receivedAt: time });
}

export function toRunTotalsJson({ names, isDryRun, found, actions }: RunTotals): string {
  return JSON.stringify({
    kind: 'summary',
    dryRun: isDryRun,
    handlers: names,
    found,
    ...actions,
  });
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}
