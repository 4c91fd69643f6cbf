/** The events of an entity as a table. Pure. */
import { formatMoment, formatSpan } from '../format-time.js';
import { formatTable, wrapText, type Cell, type Row } from '../terminal-table.js';
import { toPlainText, type Style, type Terminal } from '../terminal.js';
import { type LedgerLine } from './report-lines.js';
import { type EntityReport } from './report.js';

const OUTCOME_STYLES: Record<string, Style> = {
  applied: 'green',
  stale: 'dim',
  tombstoned: 'yellow',
  ignored: 'dim',
  failed: 'red',
};
/** Said once, instead of beneath each event. */
const MEANINGS: Record<string, string> = {
  stale: 'what was stored by then was newer, or deleted already; nothing was changed.',
  tombstoned: 'it, or one that it belongs to, was deleted for good; nothing was changed.',
};

export function countEvents({ outcomes, eventsLeftOut, events, version }: EntityReport): string {
  const total = Object.values(outcomes).reduce((sum, n) => sum + n, 0);
  const tally = Object.entries(outcomes).map(([outcome, n]) => `${n} ${outcome}`);
  const carried = 'What is stored came with the event of another entity, which is not listed here.';
  const left = `The newest ${events.length} and failed ones are shown; ${eventsLeftOut} older ones are not (--limit N shows more).`;
  return [
    total === 0
      ? 'none in the ledger.'
      : `${total} in the ledger (${tally.join(', ')}), in order of version; times are UTC.`,
    ...(eventsLeftOut > 0 ? [left] : []),
    ...(version?.isCarried ? [carried] : []),
  ].join(' ');
}

export function formatEvents(
  { events, tombstone }: EntityReport,
  { width, paint }: Terminal,
): string[] {
  if (events.length === 0) return [];
  const current = tombstone ? 'tombstone' : 'stored';
  const rows = events.map((event): Row => {
    const outcome = event.outcome ?? 'undecided';
    const style = OUTCOME_STYLES[outcome];
    const reason = Object.hasOwn(MEANINGS, outcome) ? null : event.reason;
    return {
      cells: [
        plain(formatMoment(event.version, true)),
        plain(event.type ?? '-'),
        { text: toPlainText(outcome), ...(style ? { paint: (text) => paint(style, text) } : {}) },
        plain(event.isCurrent ? current : ''),
        plain(sayAfter(event.occurredAfterMs)),
        plain(sayAfter(event.receivedAfterMs)),
        plain(sayAfter(event.processedAfterMs)),
        plain(event.id),
      ],
      note:
        reason === null
          ? undefined
          : { text: toPlainText(reason), paint: (text) => paint('dim', text) },
    };
  });
  return [
    '',
    ...formatTable({
      heads: ['VERSION', 'EVENT', 'OUTCOME', 'NOW', 'OCCURRED', 'RECEIVED', 'DECIDED', 'ID'],
      rows,
      width,
      paintHead: (text) => paint('dim', text),
    }),
    ...formatLegend(events).flatMap((line) =>
      wrapText(line, width).map((part) => paint('dim', part)),
    ),
  ];
}

/** Only of what is in the table. */
function formatLegend(events: readonly LedgerLine[]): string[] {
  const meant = Object.entries(MEANINGS).filter(([name]) =>
    events.some(({ outcome }) => outcome === name),
  );
  return [
    'OCCURRED, RECEIVED, DECIDED: how long after the step before. The version is when Clerk says that the entity changed.',
    ...meant.map(([name, meaning]) => `${name}: ${meaning}`),
  ];
}

/** Clocks differ: what came later by one may have come earlier by the other. */
export function sayAfter(ms: number | null): string {
  return ms === null || ms < 0 ? formatSpan(ms) : `+${formatSpan(ms)}`;
}

function plain(text: string): Cell {
  return { text: toPlainText(text) };
}
