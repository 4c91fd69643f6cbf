/** The report as a person reads it: the conclusion first, then what it rests on. Pure. */
import { formatMoment } from '../format-time.js';
import { wrapText } from '../terminal-table.js';
import { toPlainText, type Terminal } from '../terminal.js';
import { formatRun } from './conclude-runs.js';
import { countEvents, formatEvents, sayAfter } from './format-events.js';
import { formatStored } from './format-stored.js';
import { label } from './label.js';
import { type JobLine, type LedgerLine } from './report-lines.js';
import { type EntityReport, type EventReport, type WhyReport } from './report.js';
import { type Conclusion } from './state.js';

const MARKS = { bad: ['!', 'red'], note: ['*', 'yellow'], good: ['=', 'green'] } as const;
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
