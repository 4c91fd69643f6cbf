/** Tells the queue of the runs that commits have left behind. Before a run is marked the queue has it: a crash repeats, and loses none. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Database } from '../db/database.js';
import { markRelayed, relayAgain, takeUnrelayed, type RunKey } from '../db/handler-runs.js';

export interface RelayOptions {
  db: Database;
  /** Resolves once the queue has them; one that it knows already changes nothing. */
  add: (runs: readonly RunKey[]) => Promise<void>;
  /** Called with how many the queue was told of. */
  onRelayed: (runs: number) => void;
  onError: (error: Error) => void;
}

export interface Relay {
  /** There is something to do: a commit of this process wrote runs. */
  notify: () => void;
  close: () => Promise<void>;
}

const PAGE_SIZE = 500;
/** For what other workers wrote, and what a crash or an outage left. */
const POLL_MS = 1_000;
/** How often it looks for runs whose jobs the queue may have lost. */
const LOOK_BACK_MS = 60_000;

export function startRelay(options: RelayOptions): Relay {
  const closing = new AbortController();
  const { signal } = closing;
  // As functions: others change what the compiler believes to know.
  const isClosing = () => signal.aborted;
  let isNotified = false;
  const hasNews = () => isNotified;
  let wake: () => void = () => undefined;
  const rest = () =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, POLL_MS);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  let lookBackAt = 0;
  const run = async () => {
    while (!isClosing()) {
      isNotified = false;
      if (Date.now() >= lookBackAt) {
        lookBackAt = Date.now() + LOOK_BACK_MS;
        await relayAgain(options.db, PAGE_SIZE).catch(options.onError);
      }
      const result = await relay(options);
      if (result === 'failed') await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
      else if (result === 'done' && !hasNews() && !isClosing()) await rest();
    }
  };
  const running = run();
  return {
    notify() {
      isNotified = true;
      wake();
    },
    async close() {
      closing.abort();
      wake();
      await running;
    },
  };
}

/** Never rejects: what failed is tried again, for as long as it takes. */
async function relay({
  db,
  add,
  onRelayed,
  onError,
}: RelayOptions): Promise<'done' | 'more' | 'failed'> {
  try {
    const runs = await db.transact(async (tx) => {
      const taken = await takeUnrelayed(tx, PAGE_SIZE);
      if (taken.length === 0) return taken;
      await add(taken);
      await markRelayed(tx, taken);
      return taken;
    });
    if (runs.length > 0) onRelayed(runs.length);
    return runs.length === PAGE_SIZE ? 'more' : 'done';
  } catch (error) {
    onError(error instanceof Error ? error : new Error(String(error)));
    return 'failed';
  }
}
