/** A job as Bull Board gets to see it: masked, and with no other powers than retry, promote and remove. */
import { type QueueJob, type QueueJobJson } from '@bull-board/api/typings/app';
import { collectHidden, MASK, maskStack, maskText, maskValue, maskWord } from '../masking.js';
import { type AnyOpenQueue } from '../queue/contract.js';
import { revive } from '../queue/producer.js';
import { isRecord } from '../record.js';

export type BoardJob = NonNullable<Awaited<ReturnType<AnyOpenQueue['queue']['getJob']>>>;

const ALL_ATTEMPTS = { resetAttemptsMade: true, resetAttemptsStarted: true };

export function showJob(open: AnyOpenQueue, job: BoardJob): QueueJob & { id: string } {
  const id = job.id ?? '';
  return {
    id,
    opts: {},
    getState: () => job.getState(),
    promote: () => job.promote(),
    remove: () => job.remove(),
    async retry(state) {
      if (state === 'completed') await job.retry('completed', ALL_ATTEMPTS);
      else await revive(open, id);
    },
    toJSON: () => maskJob(job),
  };
}

/** Field by field: what a new version of BullMQ adds is not shown until somebody looked at it. */
export function maskJob(job: BoardJob): QueueJobJson {
  const reasons = maskReasons(job);
  return {
    id: job.id,
    name: isOurs(job.data) ? maskWord(job.name) : MASK,
    data: maskData(job.data),
    opts: maskValue(job.opts),
    progress: Number(job.progress) || 0,
    returnvalue: maskValue(job.returnvalue),
    ...reasons,
    attemptsMade: job.attemptsMade,
    attemptsStarted: job.attemptsStarted,
    stalledCounter: job.stalledCounter,
    delay: job.delay,
    priority: job.priority,
    timestamp: job.timestamp,
    ...(job.processedOn === undefined ? {} : { processedOn: job.processedOn }),
    ...(job.finishedOn === undefined ? {} : { finishedOn: job.finishedOn }),
    ...(job.processedBy === undefined ? {} : { processedBy: maskWord(job.processedBy) }),
  };
}

const FOREIGN = `${MASK} not shown: the job was not put here by ingest or relay`;

function maskData(data: unknown): unknown {
  if (!isOurs(data)) return FOREIGN;
  if ('handler' in data) return maskRun(data);
  const { body, ...delivery } = data;
  const event = parseBody(body);
  const size = typeof body === 'string' ? body.length : 0;
  return {
    ...Object(maskValue(delivery)),
    body: event === undefined ? `${MASK} no JSON, ${size} characters` : maskValue(event),
  };
}

/** Ids and a name of the code's, each of one word. */
function maskRun({ version, eventId, handler, round }: Record<string, unknown>): unknown {
  const show = (value: unknown) => (typeof value === 'string' ? maskWord(value) : MASK);
  return {
    version: Number(version),
    eventId: show(eventId),
    handler: show(handler),
    round: Number(round),
  };
}

/** The worker's own reasons hold nothing that may not be shown. An older worker's, and a defect's, might. */
function maskReasons(job: BoardJob): Pick<QueueJobJson, 'failedReason' | 'stacktrace'> {
  const { failedReason: reason, data } = job as { failedReason?: string; data: unknown }; // unset until it fails
  const stacks = job.stacktrace ?? [];
  if (!reason && stacks.length === 0) return { failedReason: '', stacktrace: [] };
  if (!isOurs(data)) return { failedReason: reason ? FOREIGN : '', stacktrace: [] };
  const hidden = collectHidden(parseBody(data['body']));
  return {
    failedReason: maskText(reason ?? '', hidden),
    stacktrace: stacks.filter(Boolean).map((stack) => maskStack(stack, hidden)),
  };
}

function isOurs(data: unknown): data is Record<string, unknown> {
  return isRecord(data) && typeof data['version'] === 'number';
}

function parseBody(body: unknown): unknown {
  try {
    return typeof body === 'string' ? (JSON.parse(body) as unknown) : undefined;
  } catch {
    return undefined;
  }
}
