/** Looks jobs up: by svix-id, and, within bounds, by the entity that they are about. Changes nothing. */
import { type Job, type Queue } from 'bullmq';
import { parseEvent, readTimestamp, type ClerkEvent } from '../clerk/event.js';
import { isRecord } from '../record.js';
import { fromJob, toJobId, type JobData } from './job.js';

const JOB_STATES = ['active', 'waiting', 'delayed', 'failed', 'completed'] as const;
export type FoundState = (typeof JOB_STATES)[number] | 'unknown';

/** Times in milliseconds since 1970. */
export interface FoundJob {
  /** The svix-id. */
  id: string;
  type: string;
  state: FoundState;
  addedAt: number;
  /** When a worker last took it. */
  startedAt: number | null;
  finishedAt: number | null;
  /** When a delayed job is due; about, for the queue keeps how long the pause is, not when it began. */
  dueAt: number | null;
  attemptsMade: number;
  attempts: number;
  /** How many workers died with it in their hands. */
  stalls: number;
  /** Of the last attempt that failed. */
  failedReason: string | null;
  /** The worker that has, or had, it. */
  processedBy: string | null;
  /** What a completed job came to. */
  outcome: string | null;
  forced: boolean;
  /** Null when the body cannot be read. */
  event: JobEvent | null;
}

export interface JobEvent extends Pick<
  ClerkEvent,
  'entityType' | 'entityId' | 'occurredAt' | 'receivedAt'
> {
  /** `data.updated_at`. */
  updatedAt: number | null;
  envelope: unknown;
}

export interface Search {
  /** What is about the entity itself, in the order of `SEARCHED_STATES`. */
  jobs: FoundJob[];
  /** How many others only mention it: a membership its user. */
  mentions: number;
  /** Where not all could be looked at. */
  truncated: { state: FoundState; looked: number; total: number }[];
}

export interface SearchOptions {
  entityId: string;
  /** Events of it whose jobs are wanted however many others there are. */
  eventIds?: readonly string[];
  /** Jobs looked at per state at most. */
  bound?: number;
  /** Called with how many jobs have been looked at. */
  onProgress?: (looked: number) => void;
}

/** What is not done yet. Completed jobs are the ledger's to tell of. */
const SEARCHED_STATES = ['active', 'failed', 'delayed', 'waiting'] as const;
/** BullMQ's names for them. */
const NAMES = { active: 'active', failed: 'failed', delayed: 'delayed', waiting: 'wait' } as const;
/** Some seconds of work for the slower of the two stores. */
export const SEARCH_BOUND = 2_000;
const PAGE_SIZE = 100;

/** Null when the queue does not know the event, or not any more. */
export async function findJob(queue: Queue<JobData>, svixId: string): Promise<FoundJob | null> {
  const jobId = toJobId(svixId);
  const job = (await queue.getJob(jobId)) as Job<JobData> | undefined; // BullMQ's type says `any`
  return job ? describeJob(job, toState(await queue.getJobState(jobId)), svixId) : null;
}

/**
 * Looks through the bodies of the jobs that are not done, the newest first: what workers take away meanwhile leaves at the other
 * end, so that nothing is skipped.
 */
export async function findJobsAbout(
  queue: Queue<JobData>,
  { entityId, eventIds = [], bound = SEARCH_BOUND, onProgress }: SearchOptions,
): Promise<Search> {
  const search: Search = { jobs: [], mentions: 0, truncated: [] };
  const seen = new Set<string>();
  let lookedAtAll = 0;
  for (const state of SEARCHED_STATES) {
    let looked = 0;
    while (looked < bound) {
      const last = Math.min(looked + PAGE_SIZE, bound) - 1;
      const ids = await queue.getRanges([NAMES[state]], looked, last, false);
      for (const job of await readJobs(queue, ids)) {
        if (!job.id || seen.has(job.id) || !mentions(job, entityId)) continue;
        seen.add(job.id); // it may have moved on to the state that is looked at next
        const found = describeJob(job, state);
        if (found.event?.entityId === entityId) search.jobs.push(found);
        else search.mentions++;
      }
      looked += ids.length;
      lookedAtAll += ids.length;
      onProgress?.(lookedAtAll);
      if (ids.length < PAGE_SIZE) break;
    }
    if (looked < bound) continue;
    const { [NAMES[state]]: total = 0 } = await queue.getJobCounts(NAMES[state]);
    if (total > bound) search.truncated.push({ state, looked, total });
  }
  for (const id of eventIds.filter((each) => !seen.has(toJobId(each)))) {
    const job = await findJob(queue, id);
    if (job) search.jobs.push(job);
  }
  return search;
}

/** BullMQ's own listing of jobs asks for each of them twice. One that was removed meanwhile is left out. */
async function readJobs(queue: Queue<JobData>, ids: readonly string[]): Promise<Job<JobData>[]> {
  const jobs = await Promise.all(ids.map((id) => queue.getJob(id)));
  return jobs.filter((job): job is Job<JobData> => job !== undefined); // BullMQ's type says `any`
}

/** Cheap, so that only what may be about the entity is parsed. */
function mentions({ data }: Job<JobData>, entityId: string): boolean {
  const body: unknown = isRecord(data) ? data['body'] : undefined;
  return typeof body === 'string' && body.includes(JSON.stringify(entityId));
}

function describeJob(job: Job<JobData>, state: FoundState, svixId?: string): FoundJob {
  const id: unknown = isRecord(job.data) ? job.data['id'] : undefined;
  const startedAt = job.processedOn ?? null;
  const value: unknown = job.returnvalue;
  const outcome = isRecord(value) ? value['outcome'] : undefined;
  return {
    id: svixId ?? (typeof id === 'string' ? id : (job.id ?? '')),
    type: job.name,
    state,
    addedAt: job.timestamp,
    startedAt,
    finishedAt: job.finishedOn ?? null,
    dueAt: state === 'delayed' ? (startedAt ?? job.timestamp) + job.delay : null,
    attemptsMade: job.attemptsMade,
    attempts: job.opts.attempts ?? 1,
    stalls: job.stalledCounter,
    failedReason: job.failedReason || null,
    processedBy: job.processedBy ?? null,
    outcome: typeof outcome === 'string' ? outcome : null,
    forced: isRecord(job.data) && job.data['force'] === true,
    event: readJobEvent(job.data),
  };
}

function readJobEvent(data: unknown): JobEvent | null {
  try {
    const event = parseEvent(fromJob(data));
    const { entityType, entityId, occurredAt, receivedAt, envelope } = event;
    const updatedAt = isRecord(event.data) ? readTimestamp(event.data['updated_at']) : null;
    return { entityType, entityId, occurredAt, receivedAt, updatedAt, envelope };
  } catch {
    return null; // poison: all else that is known of the job is worth telling
  }
}

function toState(state: string): FoundState {
  // BullMQ's other names for what waits: neither priorities nor pauses change what that means here.
  const name = state === 'prioritized' || state === 'waiting-children' ? 'waiting' : state;
  return JOB_STATES.find((known) => known === name) ?? 'unknown';
}
