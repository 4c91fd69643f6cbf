/** Puts events on a queue: as fast as Redis takes them, or at a steady rate. */
import { type BulkJobOptions } from 'bullmq';
import { setTimeout as sleep } from 'node:timers/promises';
import { readConfig } from '../src/config.js';
import { toJob, toRetention } from '../src/queue/job.js';
import { type BenchQueue } from './bench-queue.js';
import { type BenchEvent } from './events.js';

export interface FillJob {
  name: string;
  data: unknown;
  opts: BulkJobOptions;
}

export type MakeJob = (event: BenchEvent) => FillJob;

export interface FillOptions {
  makeJob: MakeJob;
  /** Called with every event, before the queue has it. */
  onEvents: (events: readonly BenchEvent[]) => Promise<void>;
}

/** As shipped. */
const RETENTION = toRetention(readConfig({}));

/** To the letter what ingest adds. */
export const makeOurJob: MakeJob = (event) => {
  const delivery = { id: event.id, body: event.body, receivedAt: Date.now() };
  return toJob(delivery, event.type, RETENTION);
};

/** What tutorials add: the event as an object, and an id so that a second delivery adds nothing. */
export const makePlainJob: MakeJob = ({ id, type, body }) => ({
  name: type,
  data: JSON.parse(body) as unknown,
  opts: { jobId: id },
});

const BULK_SIZE = 500;
/** One bulk is made while Redis works on the others. */
const BULKS_IN_FLIGHT = 3;

/** @returns how many there were. */
export async function fillQueue(
  { queue }: BenchQueue,
  events: Iterable<BenchEvent>,
  { makeJob, onEvents }: FillOptions,
): Promise<number> {
  const inFlight = new Set<Promise<unknown>>();
  let count = 0;
  for (const bulk of inBulks(events)) {
    await onEvents(bulk);
    const adding = queue.addBulk(bulk.map(makeJob)).finally(() => inFlight.delete(adding));
    inFlight.add(adding);
    if (inFlight.size >= BULKS_IN_FLIGHT) await Promise.race(inFlight);
    count += bulk.length;
  }
  await Promise.all(inFlight);
  return count;
}

const PACE_STEP_MS = 5;

/**
 * Adds each event when it is due, whether or not the queue has taken those before it.
 * @returns by id, when each was due, in ms since 1970: it is from then on that its lag counts.
 */
export async function fillPaced(
  { queue }: BenchQueue,
  events: readonly BenchEvent[],
  { makeJob, perSecond }: { makeJob: MakeJob; perSecond: number },
): Promise<Map<string, number>> {
  const jobs = events.map((event) => ({ id: event.id, job: makeJob(event) }));
  const startsAt = Date.now();
  const due = new Map(
    jobs.map(({ id }, index) => [id, startsAt + (index * 1000) / perSecond] as const),
  );
  const adding: Promise<unknown>[] = [];
  for (let added = 0; added < jobs.length;) {
    const until = Math.min(jobs.length, Math.ceil(((Date.now() - startsAt) / 1000) * perSecond));
    if (until > added) adding.push(queue.addBulk(jobs.slice(added, until).map(({ job }) => job)));
    added = Math.max(added, until);
    await sleep(PACE_STEP_MS);
  }
  await Promise.all(adding);
  return due;
}

function* inBulks(events: Iterable<BenchEvent>): Generator<BenchEvent[]> {
  let bulk: BenchEvent[] = [];
  for (const event of events) {
    if (bulk.push(event) < BULK_SIZE) continue;
    yield bulk;
    bulk = [];
  }
  if (bulk.length > 0) yield bulk;
}
