/** The report as a person reads it: the conclusion first, then what it rests on. Pure. */
import { formatMoment, formatSpan } from '../format-time.js';
import { formatTable, wrapText, type Cell, type Row } from '../terminal-table.js';
import { toPlainText, type Style, type Terminal } from '../terminal.js';
import {
  type EntityReport,
  type EventReport,
  type JobLine,
  type LedgerLine,
  type StoredReport,
  type WhyReport,
} from './report.js';
import { formatRun } from './conclude-runs.js';
import { type Conclusion } from './state.js';

const LABEL_WIDTH = 10;
const MARKS = { bad: ['!', 'red'], note: ['*', 'yellow'], good: ['=', 'green'] } as const;
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

export function formatReport(report: WhyReport, terminal: Terminal): string[] {
  const { event, entities } = report;
  const parts = [
    formatConclusions(report.conclusions, terminal),
    ...(event ? [formatEvent(report.id, event, terminal)] : []),
    ...entities.map((entity) => formatEntity(entity, terminal)),
    formatQueue(report, terminal),
  ].filter((part) => part.length > 0);
  return parts.flatMap((part, index) => (index === 0 ? part : ['', ...part]));
}

function formatEvent(id: string, event: EventReport, terminal: Terminal): string[] {
  const { type, entityType, entityId, ledger, job, handlers, entity, payload } = event;
  const of = entityId === null ? '' : ` of ${entityType ?? ''} ${entityId}`;
  return [
    terminal.paint('bold', toPlainText(`event ${id}: ${type ?? 'of an unreadable type'}${of}`)),
    '',
    ...formatConclusions(event.conclusions, terminal),
    '',
    ...(ledger ? formatLedger(ledger, terminal) : label('ledger', ['no row'], terminal)),
    ...label('queue', job ? formatJob(job) : ['not there, or not any more'], terminal),
    ...label(
      'handlers',
      handlers.flatMap((run) => formatRun(run, false)),
      terminal,
    ),
    ...(entity
      ? [
          '',
          ...label(
            'entity',
            [`${entity.entityType} ${entity.entityId}: ${entity.state}`],
            terminal,
          ),
          ...formatStored(entity, terminal),
        ]
      : []),
    ...(payload === undefined ? [] : label('payload', formatJson(payload), terminal)),
  ];
}

function formatEntity(entity: EntityReport, terminal: Terminal): string[] {
  return [
    terminal.paint('bold', toPlainText(`${entity.entityType} ${entity.entityId}`)),
    '',
    ...formatConclusions(entity.conclusions, terminal),
    '',
    ...formatStored(entity, terminal),
    ...label('events', [countEvents(entity)], terminal),
    ...formatEvents(entity, terminal),
    ...formatJobs(entity, terminal),
    ...formatRuns(entity, terminal),
  ];
}

function formatConclusions(conclusions: readonly Conclusion[], terminal: Terminal): string[] {
  return conclusions.flatMap(({ level, text }) => {
    const [mark, style] = MARKS[level];
    const lines = wrapText(toPlainText(text), terminal.width - 2);
    return lines.map((line, index) => {
      const head = index === 0 ? terminal.paint(style, mark) : ' ';
      return `${head} ${line}`;
    });
  });
}

function formatLedger(line: LedgerLine, terminal: Terminal): string[] {
  const { occurredAt, receivedAt, processedAt, receivedAfterMs, processedAfterMs } = line;
  const outcome = line.outcome ?? 'undecided';
  const reason = line.reason === null ? '' : `: ${line.reason}`;
  return [
    ...label('outcome', [`${outcome}${reason}`], terminal),
    ...label('version', [`${formatMoment(line.version, true)} UTC`], terminal),
    ...label('occurred', [`${formatMoment(occurredAt, true)} UTC`], terminal),
    ...label('received', [sayStep(receivedAt, receivedAfterMs)], terminal),
    ...label('decided', [sayStep(processedAt, processedAfterMs)], terminal),
    ...(line.instanceId === null ? [] : label('instance', [line.instanceId], terminal)),
    ...(line.hasPayload ? [] : label('payload', ['not kept'], terminal)),
  ];
}

function sayStep(time: string | null, afterMs: number | null): string {
  const after = afterMs === null ? '' : ` (${sayAfter(afterMs)})`;
  return `${formatMoment(time, true)} UTC${after}`;
}

/** Clocks differ: what came later by one may have come earlier by the other. */
function sayAfter(ms: number | null): string {
  return ms === null || ms < 0 ? formatSpan(ms) : `+${formatSpan(ms)}`;
}

function formatStored(entity: StoredReport, terminal: Terminal): string[] {
  const { row, version, tombstone, children } = entity;
  const lines: string[] = [];
  if (tombstone) {
    const { deletedAt, erasedAt, eventId, eventType } = tombstone;
    const erased = erasedAt === null ? '' : `, erased ${formatMoment(erasedAt)} UTC`;
    const by = eventId === null ? '' : ` by ${[eventType, eventId].filter(Boolean).join(' ')}`;
    lines.push(
      ...label('tombstone', [`deleted ${formatMoment(deletedAt)} UTC${by}${erased}`], terminal),
    );
  } else if (version) {
    const { updatedAt, eventId, eventType } = version;
    const by =
      eventId === null ? 'a copy carried along' : [eventType, eventId].filter(Boolean).join(' ');
    lines.push(...label('stored', [`${formatMoment(updatedAt, true)} UTC, ${by}`], terminal));
  }
  lines.push(...label('row', row ? formatRow(row) : ['none'], terminal));
  for (const { table, count, ids } of children) {
    const more = count > ids.length ? ', …' : '';
    lines.push(...label('children', [`${count} in ${table}: ${ids.join(', ')}${more}`], terminal));
  }
  return lines;
}

function formatRow(row: NonNullable<StoredReport['row']>): string[] {
  const names = Object.keys(row.shown);
  const width = Math.max(0, ...names.map((name) => name.length));
  const values = Object.entries(row.shown).map(
    ([name, value]) => `${name.padEnd(width)}  ${showValue(value)}`,
  );
  const list = (title: string, columns: readonly string[]) =>
    columns.length === 0 ? [] : [`${title}: ${columns.join(', ')}`];
  return [
    `${row.table}, written ${formatMoment(row.syncedAt)} UTC`,
    ...values,
    ...list('set, not shown', row.set),
    ...list('empty', row.empty),
    ...list('null', row.null),
  ];
}

function showValue(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function countEvents({ outcomes, eventsLeftOut, events, version }: EntityReport): string {
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

function formatEvents({ events, tombstone }: EntityReport, { width, paint }: Terminal): string[] {
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

function formatJobs({ jobs, jobsMentioning }: EntityReport, terminal: Terminal): string[] {
  const mentions =
    jobsMentioning > 0 ? [`${jobsMentioning} jobs of other entities mention it`] : [];
  if (jobs.length === 0 && mentions.length === 0) return [];
  return [
    '',
    ...label(
      'queue',
      [
        ...jobs.flatMap((job) => [
          `${job.type} ${job.id}`,
          ...formatJob(job).map((line) => `  ${line}`),
        ]),
        ...mentions,
      ],
      terminal,
    ),
  ];
}

/** Of those that are done, how many. */
function formatRuns({ handlers }: EntityReport, terminal: Terminal): string[] {
  if (handlers.length === 0) return [];
  const open = handlers.filter(({ state }) => state !== 'done');
  const done = handlers.length - open.length;
  const lines = [
    ...(done > 0 ? [`${done} done, of the events above`] : []),
    ...open.flatMap((run) => formatRun(run, true)),
  ];
  return ['', ...label('handlers', lines, terminal)];
}

function formatJob(job: JobLine): string[] {
  const { state, attemptsMade, attempts, stalls } = job;
  const facts = [
    state,
    `added ${formatMoment(job.addedAt)} UTC`,
    ...(job.dueAt === null ? [] : [`due about ${formatMoment(job.dueAt)} UTC`]),
    ...(job.startedAt === null ? [] : [`taken ${formatMoment(job.startedAt)} UTC`]),
    ...(job.finishedAt === null ? [] : [`over ${formatMoment(job.finishedAt)} UTC`]),
    ...(job.processedBy === null ? [] : [`by ${job.processedBy}`]),
    `${attemptsMade} of ${attempts} attempts made`,
    ...(stalls > 0 ? [`${stalls} workers died with it`] : []),
    ...(job.outcome === null ? [] : [`came to ${job.outcome}`]),
    ...(job.forced ? ['forced'] : []),
  ];
  return [facts.join(', '), ...(job.failedReason === null ? [] : [job.failedReason])];
}

/** What of the queue could not be looked at. */
function formatQueue({ queue }: WhyReport, { width }: Terminal): string[] {
  return queue.truncated.flatMap(({ state, looked, total }) =>
    wrapText(
      `Of ${total} ${state} jobs only the newest ${looked} were looked at: others may be about it, too.`,
      width,
    ),
  );
}

function formatJson(value: unknown): string[] {
  return value === null ? ['not kept'] : JSON.stringify(value, null, 2).split('\n');
}

/** A name at the margin, its lines beside it. */
function label(name: string, lines: readonly string[], { width, paint }: Terminal): string[] {
  const margin = ' '.repeat(LABEL_WIDTH + 1);
  const wrapped = lines.flatMap((line) => wrapText(toPlainText(line), width - margin.length, '  '));
  return wrapped.map((line, index) =>
    index === 0 ? `${paint('dim', name.padEnd(LABEL_WIDTH))} ${line}` : `${margin}${line}`,
  );
}

function plain(text: string): Cell {
  return { text: toPlainText(text) };
}
