/** What BullMQ's Postgres backend needs to live through an outage. With Redis, ioredis does all this. */
import { type RedisQueueBackend } from 'bullmq';
import { isRecord } from '../record.js';

/** Without this a process that starts before its database never recovers: BullMQ keeps its first answer, also when that is a refusal. */
export function retryReadiness(backend: RedisQueueBackend): void {
  // Private, and the only place: every query of BullMQ's waits for it first.
  const { connection } = backend as unknown as { connection: Readiness }; // as above
  const waitUntilReady = connection.waitUntilReady.bind(connection);
  connection.waitUntilReady = async () => {
    try {
      await waitUntilReady();
    } catch (error) {
      connection.readyPromise = undefined;
      throw error;
    }
  };
}

const STEPS = ['moveToActive', 'moveToCompleted', 'moveToFailed'] as const;

/**
 * A worker waits (its `runRetryDelay`) and repeats a step that failed for want of a connection, yet it knows only Redis's words
 * for that. Anything else it asks again without a pause, or counts as the job's own failure, which uses up an attempt.
 */
export function translateOutages(
  backend: RedisQueueBackend,
  onError: (error: Error) => void,
): void {
  const steps = backend as unknown as Record<(typeof STEPS)[number], Step>; // whatever their arguments
  for (const name of STEPS) {
    const step = steps[name].bind(backend);
    steps[name] = async (...args) => {
      try {
        return await step(...args);
      } catch (error) {
        if (isAboutJob(error)) throw error;
        if (error instanceof Error) onError(error);
        const message = 'The queue does not answer.';
        throw Object.assign(new Error(message, { cause: error }), { code: 'ECONNREFUSED' });
      }
    };
  }
}

type Step = (...args: unknown[]) => Promise<unknown>;

interface Readiness {
  readyPromise: Promise<void> | undefined;
  waitUntilReady: () => Promise<void>;
}

/** BullMQ numbers what it raises on purpose: a lost lock, a job that is gone. */
function isAboutJob(error: unknown): boolean {
  return isRecord(error) && typeof error['code'] === 'number';
}
