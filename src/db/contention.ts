/** For work of our own beside the workers': a transaction that lost against one of theirs is tried again, a few times. */
import { setTimeout as sleep } from 'node:timers/promises';
import { classifyFault } from './faults.js';

const MAX_TRIES = 8;
const FIRST_PAUSE_MS = 50;

/** @throws what `work` throws: at once when time does not mend it, else at last. */
export async function retryContended<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (tries >= MAX_TRIES || classifyFault(error) !== 'contention') throw error;
      await sleep(FIRST_PAUSE_MS * 2 ** (tries - 1) * (0.5 + Math.random() / 2));
    }
  }
}
