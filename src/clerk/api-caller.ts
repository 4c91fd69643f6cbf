/** Sends a request to Clerk's Backend API until it is answered: at the pace allowed, with a deadline, again after what passes, a bounded number of times. */
import { ApiFailure, explainFailure, isPassing, NO_ANSWER, readFailure } from './api-failure.js';
import { CLOCK, type Pace } from './api-pace.js';

export interface Patience {
  /** How often one request is sent before it is given up. Being told to wait does not count. */
  attempts: number;
  firstPauseMs: number;
  longestPauseMs: number;
  /** For one answer, its body included. */
  deadlineMs: number;
}

export const PATIENCE: Patience = {
  attempts: 6,
  firstPauseMs: 250,
  longestPauseMs: 8000,
  deadlineMs: 30_000,
};

/** Beyond these the limit is used up by somebody else, for longer than a command should stand still. */
const MAX_REFUSALS = 10;
const LONGEST_RETRY_AFTER_MS = 120_000;

export interface Attempt<T> {
  pace: Pace;
  /** Sends once. Ends at the signal where it can. */
  send: (signal: AbortSignal) => Promise<T>;
  /** Asked before what failed is sent again: what a lost answer has brought about after all, or null. */
  findDone?: () => Promise<T | null>;
}

/** Throws the SyncErrors of `explainFailure`, each with its ApiFailure as the cause; when the signal is aborted, its reason. */
export type Call = <T>(request: Attempt<T>) => Promise<T>;

export function createCaller(patience: Patience, signal: AbortSignal | undefined): Call {
  return async ({ pace, send, findDone }) => {
    const tries = { failed: 0, refused: 0 };
    for (;;) {
      try {
        await pace.takeTurn(signal);
        const answer = await meetDeadline(send, patience.deadlineMs, signal);
        pace.recover();
        return answer;
      } catch (error) {
        signal?.throwIfAborted();
        const failure = readFailure(error);
        if (!failure) throw error;
        const pauseMs = weigh(failure, tries, patience);
        if (pauseMs === undefined) throw explainFailure(failure);
        if (failure.status === 429) {
          pace.slowDown(pauseMs); // for everybody, and nothing has been done
          continue;
        }
        await CLOCK.sleep(pauseMs, signal).catch(() => signal?.throwIfAborted());
      }
      const done = await findDone?.();
      if (done) return done;
    }
  };
}

/** How long to wait before the next try; undefined: there is none. Counts in `tries`. */
function weigh(
  failure: ApiFailure,
  tries: { failed: number; refused: number },
  { attempts, firstPauseMs, longestPauseMs }: Patience,
): number | undefined {
  const { status, retryAfterMs = 0 } = failure;
  const isSpent = status === 429 ? ++tries.refused > MAX_REFUSALS : ++tries.failed >= attempts;
  if (!isPassing(failure) || isSpent || retryAfterMs > LONGEST_RETRY_AFTER_MS) return undefined;
  const growing = firstPauseMs * 2 ** (tries.failed + tries.refused - 1);
  // Uneven, so that several who failed together do not come back together.
  const pauseMs = Math.min(growing, longestPauseMs) * (0.5 + Math.random() / 2);
  return Math.max(pauseMs, retryAfterMs);
}

/** Clerk's own client takes no signal: it is left behind, still waiting, when the time is up. */
function meetDeadline<T>(
  send: (signal: AbortSignal) => Promise<T>,
  deadlineMs: number,
  stop: AbortSignal | undefined,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const controller = new AbortController();
    const abandon = (error: Error) => {
      controller.abort(error);
      reject(error);
    };
    const abandonAtStop = () => abandon(new ApiFailure(NO_ANSWER));
    const timer = setTimeout(abandonAtStop, deadlineMs);
    stop?.addEventListener('abort', abandonAtStop, { once: true });
    const settle = () => {
      clearTimeout(timer);
      stop?.removeEventListener('abort', abandonAtStop);
    };
    send(controller.signal).then(resolve, reject).finally(settle);
  });
}
