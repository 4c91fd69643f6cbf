/** What a replay says of each event and of all together: lines for people, or one JSON object a line for machines. Pure. */
import { type Change, type Foreseen } from '../../projections/foresee.js';
import { type Action, type Plan } from './plan.js';
import { toPlainText } from '../terminal.js';

/** An event, and what became of it, or would. */
export interface Replayed extends Omit<Plan, 'request' | 'isDecided'> {
  /** Only in a dry run, and only of what the worker would decide. */
  foreseen: Foreseen | undefined;
}

export interface Totals {
  isDryRun: boolean;
  isForced: boolean;
  found: number;
  actions: Record<Action, number>;
}

/** More are only summed up, unless it is a dry run. */
export const MAX_LINES = 20;

export const NO_ACTIONS: Totals['actions'] = {
  added: 0,
  revived: 0,
  repeated: 0,
  promoted: 0,
  pending: 0,
  skipped: 0,
  unavailable: 0,
};

export function describeReplayed(
  { id, type, entityId, outcome, action, foreseen }: Replayed,
  isDryRun: boolean,
): string[] {
  const names = [id, type ?? 'unknown type', ...(entityId ? [entityId] : [])].map(toPlainText);
  const now = outcome ?? 'not in the ledger';
  const verb = isDryRun && MOVES.has(action) ? 'would be ' : '';
  const lines = [`${names.join('  ')}  ${now}: ${verb}${WORDS[action]}`];
  if (!foreseen) return lines;
  const reason = foreseen.reason === null ? '' : ` (${toPlainText(foreseen.reason)})`;
  lines.push(`  would be decided: ${foreseen.outcome}${reason}`);
  lines.push(...foreseen.changes.map((change) => `  ${describeChange(change)}`));
  return lines;
}

const MOVES: ReadonlySet<Action> = new Set(['added', 'revived', 'repeated', 'promoted']);

const WORDS: Record<Action, string> = {
  added: 'back on the queue, from the ledger',
  revived: 'back on the queue, with all its attempts',
  repeated: 'back on the queue, to be done again',
  promoted: 'next on the queue, its pause cut short',
  pending: 'on the queue already',
  skipped: 'left alone, for its effect is recorded; --force applies it again',
  unavailable: 'cannot be replayed: its payload is no longer kept',
};

export function describeTotals({ isDryRun, isForced, found, actions }: Totals): string[] {
  if (found === 0) return ['Nothing found: neither the ledger nor the queue has such an event.'];
  const { skipped, unavailable, pending, ...moved } = actions;
  const parts = Object.entries(moved)
    .filter(([, count]) => count > 0)
    .map(([action, count]) => `${count} ${action}`);
  const back = moved.added + moved.revived + moved.repeated + moved.promoted;
  const lines = [
    `${isDryRun ? 'Would be put' : 'Put'} back on the queue: ${back} of ${count(found)}${parts.length > 0 ? ` (${parts.join(', ')})` : ''}.`,
  ];
  if (pending > 0) lines.push(`On the queue already: ${pending}.`);
  if (skipped > 0) lines.push(`Left alone, applied already: ${skipped}; --force applies again.`);
  if (unavailable > 0) {
    lines.push(`Cannot be replayed, for the payload is no longer kept: ${unavailable}.`);
  }
  if (isDryRun) lines.push('This was a dry run: nothing was changed.');
  else if (back + pending > 0) {
    lines.push('The worker applies them; `npm run why -- ID` tells what became of one.');
  }
  if (isForced && back > 0) {
    lines.push('Forced: what is stored is written again, yet newer versions and deletions win.');
  }
  return lines;
}

/** One line; the fields are stable. Times in ISO 8601. */
export function toEventJson({ receivedAt, foreseen, ...replayed }: Replayed): string {
  const time = receivedAt === null ? null : new Date(receivedAt).toISOString();
  return JSON.stringify({
    kind: 'event',
    ...replayed,
    receivedAt: time,
    foreseen: foreseen ?? null,
  });
}

export function toTotalsJson({ isDryRun, isForced, found, actions }: Totals): string {
  return JSON.stringify({ kind: 'summary', dryRun: isDryRun, force: isForced, found, ...actions });
}

function describeChange({ table, id, kind, columns, cascades }: Change): string {
  const place = `${table} ${toPlainText(id)}`;
  const children = Object.entries(cascades).map(([child, rows]) => `${rows} of ${child}`);
  const descriptions: Record<Change['kind'], string> = {
    insert: `new, with ${columns.join(', ')}`,
    update: `changes ${columns.join(', ')}`,
    delete: `deleted${children.length > 0 ? `, and with it ${children.join(', ')}` : ''}`,
    placeholder: 'new, an id and nothing else',
    none: 'as it is stored',
  };
  return `${place}: ${descriptions[kind]}`;
}

function count(events: number): string {
  return events === 1 ? '1 event' : `${events} events`;
}
