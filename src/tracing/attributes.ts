/** Everything that a span may say, whoever made it. What has no row here does not leave the process. */
export const ATTRIBUTES = {
  'bullmq.job.attempts.made': 'attempts that have ended',
  'bullmq.job.id': 'the svix-id, or its digest where BullMQ cannot hold it',
  'bullmq.queue.name': 'the queue',
  'bullmq.queue.operation': 'what BullMQ did: process, complete, delay, retry, fail',
  'bullmq.worker.name': 'the worker, by its process id',
  'clerk_sync.attempt': 'the number of this attempt, from 1',
  'clerk_sync.batch.events': 'events in the batch',
  'clerk_sync.entity.id': "Clerk's id of what the event is about",
  'clerk_sync.entity.type': 'user, organization, …',
  'clerk_sync.event.id': 'the svix-id',
  'clerk_sync.event.type': 'user.created, …',
  'clerk_sync.outcome':
    'applied, stale, tombstoned, ignored, failed; retry: nothing was written yet',
  'clerk_sync.queued_ms': 'from the request to the worker, earlier attempts included',
  'clerk_sync.repeated': 'the ledger had the event already',
  'clerk_sync.status': 'what the queue made of it: queued, duplicate, requeued',
  'db.query.summary': 'what a statement does to which tables',
  'db.query.text': "SQL of Prisma's; values stand for $1, $2, …",
  'db.system.name': 'postgresql',
  'error.type': "a code: this program's, Postgres's SQLSTATE, Node's; never a message",
  'http.request.method': 'POST',
  'http.response.status_code': 'the answer',
  'http.route': 'which of WEBHOOK_PATHS was asked',
  'messaging.destination.name': 'the queue',
  'messaging.operation.type': 'send',
  'messaging.system': 'bullmq',
} as const satisfies Record<string, string>;

export type AttributeName = keyof typeof ATTRIBUTES;
export type SpanFacts = Partial<Record<AttributeName, string | number | boolean>>;
