/** Which parts each process needs before it counts as ready. */
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../errors.js';
import { type Logger } from '../logger.js';
import { type OpenQueue } from '../queue/contract.js';
import { type CheckReadiness } from './ops-app.js';

/** The queue answers, and does not evict. What endangers events without stopping us is logged, once. */
export function createQueueCheck(queue: OpenQueue, logger: Logger): CheckReadiness {
  let warned: string | null = null;
  return async () => {
    try {
      const { blocking, warning } = await queue.findTrouble();
      if (warning !== null && warning !== warned) logger.warn(warning);
      warned = warning;
      return blocking;
    } catch (error) {
      return `The queue does not answer: ${messageOf(error).replace(/\.$/, '')}.`;
    }
  };
}

/** Ready when every check is; the reasons of those that are not. */
export function combineChecks(checks: readonly CheckReadiness[]): CheckReadiness {
  return async () => {
    const reasons = (await Promise.all(checks.map((check) => check()))).filter(
      (reason) => reason !== null,
    );
    return reasons.length === 0 ? null : reasons.join(' ');
  };
}

/** Not ready from the moment a stop begins, whatever `check` says: load balancers turn away before anything closes. */
export function failWhenStopping(check: CheckReadiness, stopping: AbortSignal): CheckReadiness {
  const whenStopping = () => (stopping.aborted ? 'stopping' : null);
  return async () => whenStopping() ?? (await check()) ?? whenStopping();
}

const POLL_MS = 50;

/** Asks until ready, or until patience ends. @returns what the last check said. */
export async function waitUntilReady(
  check: CheckReadiness,
  patienceMs: number,
): Promise<string | null> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const reason = await check();
    if (reason === null || Date.now() >= deadline) return reason;
    await sleep(POLL_MS);
  }
}
