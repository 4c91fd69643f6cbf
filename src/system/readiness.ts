/** Waits for a part to say that it can work. */
import { setTimeout as sleep } from 'node:timers/promises';
import { SyncError, messageOf } from '../errors.js';
import { isRecord } from '../record.js';

const POLL_MS = 100;
const ANSWER_TIMEOUT_MS = 5_000;
/** A first start compiles every file, on a machine that may be slow. */
const READY_TIMEOUT_MS = 60_000;

/**
 * @param opsUrls by the part's name.
 * @throws SyncError `work.failed` with the part's own reason when one does not become ready; the abort reason when told to stop.
 */
export async function waitUntilReady(
  opsUrls: Readonly<Record<string, string>>,
  stopping: AbortSignal,
): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  for (const [name, opsUrl] of Object.entries(opsUrls)) {
    for (;;) {
      const reason = await askReason(`${opsUrl}/readyz`);
      stopping.throwIfAborted();
      if (reason === null) break;
      if (Date.now() > deadline) {
        throw new SyncError(
          'work.failed',
          `${name} is not ready after ${READY_TIMEOUT_MS / 1000} s: ${reason}`,
        );
      }
      await sleep(POLL_MS, undefined, { signal: stopping });
    }
  }
}

/** Null when it is ready. */
async function askReason(url: string): Promise<string | null> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
    if (response.ok) return null;
    const answer: unknown = await response.json();
    return isRecord(answer) ? String(answer['reason']) : `it answers ${response.status}`;
  } catch (error) {
    return `nobody answers at ${url} (${messageOf(error)})`;
  }
}
