/** What the queue has to do with it, in words. Pure. */
import { type FoundJob } from '../../queue/find-jobs.js';
import { formatAgo, formatSpan } from '../format-time.js';
import { count, quote, sayEvent, type Conclusion } from './state.js';

export interface QueueKnowledge {
  /** Why it could not be asked. */
  trouble: string | null;
  isPaused: boolean;
  /** Connected workers; null when the store does not tell. */
  workers: number | null;
}

/** A batch takes milliseconds: whoever holds a job for so long waits for something. */
const LONG_MS = 60_000;

/** On what is not done yet; failed and completed jobs are not its business. */
export function concludeJobs(
  jobs: readonly FoundJob[],
  queue: QueueKnowledge,
  now: number,
): Conclusion[] {
  const waiting = jobs.filter(({ state }) => state === 'waiting');
  return [
    ...(waiting.length > 0 ? [sayWaiting(waiting, queue, now)] : []),
    ...jobs.filter(({ state }) => state === 'active').map((job) => sayActive(job, now)),
    ...jobs.filter(({ state }) => state === 'delayed').map((job) => sayDelayed(job, now)),
  ];
}

/** A failure that the ledger does not tell of: the worker could not write it, or died. */
export function sayFailedJob(job: FoundJob, now: number): Conclusion {
  const when = job.finishedAt === null ? '' : ` ${formatAgo(job.finishedAt, now)}`;
  const reason = job.failedReason ?? 'no reason is kept.';
  return {
    level: 'bad',
    text: `${sayEvent(job)} failed${when}: ${endSentence(reason)} Mend the cause, then: npm run replay -- --id ${quote(job.id)}`,
  };
}

export function endSentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

function sayWaiting(jobs: readonly FoundJob[], queue: QueueKnowledge, now: number): Conclusion {
  const { isPaused, workers } = queue;
  const oldest = Math.min(...jobs.map(({ addedAt }) => addedAt));
  const [first] = jobs;
  const who =
    jobs.length === 1 && first ? `${sayEvent(first)} waits` : `${count(jobs.length, 'event')} wait`;
  const since = formatSpan(Math.max(0, now - oldest));
  return {
    level: isPaused || workers === 0 ? 'bad' : 'note',
    text: `${who} in the queue${jobs.length === 1 ? '' : ', the oldest'} for ${since}: ${sayCause(queue)}`,
  };
}

function sayCause({ isPaused, workers }: QueueKnowledge): string {
  if (isPaused) return 'the queue is paused. Resume it on the board.';
  if (workers === 0) return 'no worker is connected. Start one: npm run worker';
  if (workers === null) return 'is a worker running?';
  return `${workers === 1 ? 'a worker is' : `${workers} workers are`} connected, and will come to it.`;
}

function sayActive(job: FoundJob, now: number): Conclusion {
  const held = Math.max(0, now - (job.startedAt ?? job.addedAt));
  const long = held > LONG_MS ? ' So long it waits for the database, or for a lock.' : '';
  const worker = job.processedBy ?? 'a worker';
  return {
    level: long ? 'bad' : 'note',
    text: `${sayEvent(job)} is in the hands of ${worker} for ${formatSpan(held)}.${long}`,
  };
}

function sayDelayed(job: FoundJob, now: number): Conclusion {
  const again = sayWhen(job.dueAt, now);
  if (job.attemptsMade === 0) {
    return {
      level: 'note',
      text: `${sayEvent(job)} was put aside and is looked at again ${again}: it is of a newer version of this program than the worker that took it.`,
    };
  }
  const reason = endSentence(job.failedReason ?? 'no reason is kept');
  return {
    level: 'note',
    text: `${sayEvent(job)} is tried again ${again}: attempt ${job.attemptsMade} of ${job.attempts} failed: ${reason}`,
  };
}

function sayWhen(dueAt: number | null, now: number): string {
  if (dueAt === null) return 'later';
  return dueAt > now ? `in about ${formatSpan(dueAt - now)}` : 'at any moment';
}
