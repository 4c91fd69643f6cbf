/** Which of Bull Board's routes are open. A list of what is allowed: a route that a new version brings is refused until it stands here. */
import { type BeforeHook, type BullBoardRequest } from '@bull-board/api/typings/app';
import { type Logger } from '../logger.js';
import { maskWord } from '../masking.js';

/** Resolves with the reason when refused. */
type Rule = (request: BullBoardRequest) => Promise<string | null> | string | null;

const allow: Rule = () => null;

/** Reading gives what board-queue.ts masked. Changing may neither bring an unsigned event in nor take an accepted one away. */
const RULES: Readonly<Record<string, Rule>> = {
  'get /api/queues': allow,
  'get /api/job-schedulers': allow,
  'get /api/queues/:queueName/metrics': allow,
  'get /api/queues/:queueName/default-job-options': allow,
  'get /api/queues/:queueName/workers': allow,
  'get /api/queues/:queueName/rate-limit': allow,
  'get /api/queues/:queueName/job-data-schema': allow,
  'get /api/queues/:queueName/:jobId': allow,
  'get /api/queues/:queueName/:jobId/logs': allow,
  'get /api/queues/:queueName/:jobId/flow': allow,
  'put /api/queues/pause': allow,
  'put /api/queues/resume': allow,
  'put /api/queues/:queueName/pause': allow,
  'put /api/queues/:queueName/resume': allow,
  'put /api/queues/:queueName/promote': allow,
  'put /api/queues/:queueName/:jobId/promote': allow,
  'put /api/queues/:queueName/retry/:queueStatus': allow,
  'put /api/queues/:queueName/:jobId/retry': allow,
  'put /api/queues/:queueName/clean/:queueStatus': ({ params }) =>
    keepAccepted(params['queueStatus']),
  'put /api/queues/:queueName/:jobId/clean': async ({ queues, params }) => {
    const job = await queues.get(String(params['queueName']))?.getJob(String(params['jobId']));
    return job ? keepAccepted(await job.getState()) : null; // Bull Board answers 404
  },
};

const REFUSAL =
  'The board does not do this: events come in by the signed endpoint alone, and none that was accepted may be lost. It retries, promotes, pauses, and removes what is completed or failed.';

export function createRouteGuard(logger: Logger): BeforeHook {
  return async ({ method, route, request }) => {
    const rule = RULES[`${method} ${route}`];
    const reason = rule ? await rule(request) : REFUSAL;
    const { jobId, queueStatus } = request.params as Record<string, string | undefined>;
    const asked = { method, route, id: maskWord(jobId ?? ''), state: maskWord(queueStatus ?? '') };
    if (reason !== null) {
      logger.warn(asked, 'refused at the board');
      return { allow: false, status: 403, message: reason };
    }
    if (method !== 'get') logger.info(asked, 'asked for at the board');
    return { allow: true };
  };
}

/** What is completed or failed is in the ledger. */
function keepAccepted(state: unknown): string | null {
  if (state === 'completed' || state === 'failed') return null;
  return 'Only what is completed or failed can be removed: the rest was accepted, and is still to be applied.';
}
