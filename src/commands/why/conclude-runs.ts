/** What became of the handlers of an event, in words and as lines. Pure. */
import { type RunRecord } from '../../db/read-runs.js';
import { formatAgo, formatMoment, formatSpan } from '../format-time.js';
import { endSentence } from './conclude-jobs.js';
import { count, quote, type Conclusion } from './state.js';

export interface KnownRun extends RunRecord {
  /** When the next attempt is due, about; null: nobody knows, or there is none. */
  dueAt: number | null;
}

export interface RunsKnowledge {
  byEvent: ReadonlyMap<string, readonly KnownRun[]>;
  /** Connected ones that run handlers. Null: the store does not tell, or could not be asked. */
  workers: number | null;
}

/** As `--json` has it. Times as ISO 8601. */
export interface RunLine {
  eventId: string;
  handler: string;
  /** Above 1: a replay asked for it. */
  round: number;
  state: 'waiting' | 'done' | 'failed' | 'skipped';
  attempts: number;
  /** Since when it waits, or waited. */
  createdAt: string;
  relayedAt: string | null;
  finishedAt: string | null;
  /** Of the next attempt, about. */
  dueAt: string | null;
  reason: string | null;
}

export interface Circumstances {
  workers: number | null;
  now: number;
  /** Whether several events are told of, so that each has to be named. */
  isNamed: boolean;
}

/** More would hide the rest. */
const RUNS_SAID = 3;

/** On what is not done. The newest first. */
export function concludeRuns(
  runs: readonly KnownRun[],
  circumstances: Circumstances,
): Conclusion[] {
  const open = runs.filter(({ outcome }) => outcome !== 'done').reverse();
  const said = open.slice(0, RUNS_SAID).map((run) => concludeRun(run, circumstances));
  const more = open.length - said.length;
  if (more > 0) {
    said.push({
      level: 'note',
      text: `${count(more, 'more run')} of handlers not done: see below.`,
    });
  }
  return said;
}

export function toRunLine(run: KnownRun): RunLine {
  return {
    eventId: run.eventId,
    handler: run.handler,
    round: run.round,
    state: run.outcome ?? 'waiting',
    attempts: run.attempts,
    createdAt: new Date(run.createdAt).toISOString(),
    relayedAt: toIso(run.relayedAt),
    finishedAt: toIso(run.finishedAt),
    dueAt: toIso(run.dueAt),
    reason: run.error,
  };
}

export function formatRun({ handler, state, ...run }: RunLine, isNamed: boolean): string[] {
  const facts = [
    `${handler}${isNamed ? ` of ${run.eventId}` : ''}: ${state}`,
    `since ${formatMoment(run.finishedAt ?? run.createdAt)} UTC`,
    `${count(run.attempts, 'attempt')} begun`,
    ...(run.round > 1 ? [`round ${run.round}`] : []),
    ...(state === 'waiting' && run.relayedAt === null ? ['the queue was not told yet'] : []),
    ...(run.dueAt === null ? [] : [`due about ${formatMoment(run.dueAt)} UTC`]),
  ];
  return [facts.join(', '), ...(run.reason === null ? [] : [`  ${run.reason}`])];
}

function concludeRun(run: KnownRun, circumstances: Circumstances): Conclusion {
  const { now, isNamed } = circumstances;
  const of = isNamed ? ` of ${run.eventId}` : '';
  const who = `The handler ${run.handler}${of}`;
  const reason = endSentence(run.error ?? 'no reason is kept');
  switch (run.outcome) {
    case 'failed': {
      const when = run.finishedAt === null ? '' : ` ${formatAgo(run.finishedAt, now)}`;
      const cure = `npm run replay -- --id ${quote(run.eventId)} --handlers ${run.handler}`;
      const text = `${who} failed for good${when}: ${reason} Mend the cause, then: ${cure}`;
      return { level: 'bad', text };
    }
    case 'skipped':
      return { level: 'note', text: `${who} was skipped: ${reason}` };
    case 'done':
    case null:
      return concludeWaiting(run, who, circumstances);
  }
}

function concludeWaiting(run: KnownRun, who: string, { workers, now }: Circumstances): Conclusion {
  const since = formatSpan(Math.max(0, now - run.createdAt));
  if (workers === 0) {
    return {
      level: 'bad',
      text: `${who} waits for ${since}: no worker that runs handlers is connected. Start one: npm run worker (WORKER_TASKS names handlers)`,
    };
  }
  if (run.error !== null) {
    const due =
      run.dueAt !== null && run.dueAt > now ? ` in about ${formatSpan(run.dueAt - now)}` : '';
    return {
      level: 'note',
      text: `${who} is tried again${due}; ${count(run.attempts, 'attempt')} so far: ${endSentence(run.error)}`,
    };
  }
  const state = run.attempts > 0 ? 'is under way, or its worker died' : 'waits its turn';
  return { level: 'note', text: `${who} ${state}, for ${since}.` };
}

function toIso(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
