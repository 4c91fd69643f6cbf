/** A command has the time that ingest has not: what the queue leaves unanswered for a moment is asked again. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isSyncError, messageOf, SyncError } from '../errors.js';

/** A restart of Redis, or a disk that makes it wait. */
const PATIENCE_MS = 30_000;
const PAUSE_MS = 500;

/**
 * @param ask must be safe to repeat: the queue may have heard it although it did not answer.
 * @throws SyncError `queue.unavailable` once the patience is over.
 */
export async function askPatiently<T>(ask: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (Date.now() >= deadline) {
        if (isSyncError(error)) throw error;
        throw new SyncError(
          'queue.unavailable',
          `The queue does not answer any more: ${messageOf(error)}.`,
          { cause: error },
        );
      }
      await sleep(PAUSE_MS);
    }
  }
}
