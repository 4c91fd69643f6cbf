/** The endpoints that are compared: how each is started, and what it owes the queue. */
import { Job } from 'bullmq';
import { fromJob, toJobId } from '../src/queue/job.js';
import { SECRET } from '../tests/support/clerk.js';
import { type BenchQueue } from './bench-queue.js';
import { VoidFigure } from './contract.js';
import { createEvents, type EventOptions } from './events.js';
import { startIngest, startNode, type BenchProcess, type Settings } from './processes.js';

export type Endpoint = BenchProcess & { url: string };

export interface IngestKind {
  start: (queue: BenchQueue) => Promise<Endpoint>;
  /** Is on the queue what was accepted, which is all of these events? @throws VoidFigure with what differs. */
  check: (queue: BenchQueue, accepted: EventOptions) => Promise<void>;
}

export type IngestName = 'clerk-sync' | 'plain-queue' | 'body-only';

export const INGESTS: Readonly<Record<IngestName, IngestKind>> = {
  'clerk-sync': { start: ({ settings }) => startIngest(settings), check: checkDeliveries },
  'plain-queue': {
    start: ({ settings }) => startBaseline('plain-queue', settings),
    check: checkPlainJobs,
  },
  'body-only': { start: () => startBaseline('body-only', {}), check: async () => undefined },
};

export async function startBaseline(
  name: IngestName | 'upsert-in-request',
  settings: Settings,
): Promise<Endpoint> {
  const baseline = await startNode(`bench/baselines/${name}.ts`, {
    CLERK_WEBHOOK_SIGNING_SECRET: SECRET,
    ...settings,
  });
  const { port } = await baseline.ready;
  return { ...baseline, url: `http://127.0.0.1:${Number(port)}/api/webhooks` };
}

/** To read all of the bodies would take longer than to send them. */
const READ_ONE_IN = 50;

async function checkDeliveries({ queue }: BenchQueue, accepted: EventOptions): Promise<void> {
  const waiting = new Set(await queue.getRanges(['wait'], 0, -1));
  let count = 0;
  for (const { id, body } of createEvents(accepted)) {
    const jobId = toJobId(id);
    if (!waiting.has(jobId)) throw new VoidFigure(`The queue lacks ${id}, which was accepted.`);
    count += 1;
    if (count % READ_ONE_IN !== 1) continue;
    const job = await Job.fromId(queue, jobId);
    const delivery = fromJob(job?.data);
    if (delivery.id !== id || delivery.body !== body)
      throw new VoidFigure(`What the queue holds as ${id} is not what was sent.`);
  }
  requireCount(waiting.size, count);
}

/** Its job ids are numbers in the order of arrival, so which event a job should hold is not known. */
async function checkPlainJobs({ queue }: BenchQueue, accepted: EventOptions): Promise<void> {
  const waiting = await queue.getRanges(['wait'], 0, -1);
  const updates = new Map<unknown, unknown>();
  for (const { entityId, updatedAt } of createEvents(accepted)) updates.set(entityId, updatedAt);
  requireCount(waiting.length, updates.size);
  for (const id of waiting.filter((_id, index) => index % READ_ONE_IN === 0)) {
    const job = await Job.fromId<{ data: Record<string, unknown> }>(queue, id);
    const { id: userId, updated_at } = job?.data.data ?? {};
    if (updates.get(userId) !== updated_at)
      throw new VoidFigure(`What the queue holds as ${id} is not what was sent.`);
  }
}

function requireCount(found: number, expected: number): void {
  if (found !== expected)
    throw new VoidFigure(`The queue holds ${found} events; ${expected} were accepted.`);
}
