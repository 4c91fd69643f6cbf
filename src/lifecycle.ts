/** A stop in order: not ready first, then what was opened last is closed first, all within a deadline. A second signal exits at once. */
import closeWithGrace from 'close-with-grace';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDoneWithin } from './deadline.js';
import { isSyncError, messageOf } from './errors.js';
import { type Logger } from './logger.js';

export interface Closable {
  name: string;
  close: () => Promise<void> | void;
}

export interface ClosingOptions {
  /** Aborted first of all: readiness fails, answers close their connections, and whoever waits gives up. */
  stopping: AbortController;
  /** How long the process then works on, because load balancers notice late. Part of the grace. */
  delaySeconds?: number;
  /** After which the process exits with code 1 even if something still hangs. */
  graceSeconds: number;
  logger: Logger;
}

/** Closes `resources` in reverse order on SIGTERM, SIGINT, an uncaught error, or the death of the process that started this one. */
export function closeOnSignal(
  resources: readonly Closable[],
  { stopping, delaySeconds = 0, graceSeconds, logger }: ClosingOptions,
): void {
  const closer = closeWithGrace(
    {
      delay: graceSeconds * 1000,
      logger: false,
      onSecondSignal: (signal) => logger.error({ signal }, 'told to stop twice; exiting at once'),
      onSecondError: (err) => logger.fatal({ err }, 'another error while stopping; exiting'),
      onTimeout: () => logger.error('the grace is over; exiting'),
    },
    async ({ signal, err }) => {
      stopping.abort();
      if (err) logger.fatal({ err }, 'stopping after an error nobody caught');
      else logger.info({ signal }, 'stopping');
      const delayMs = signal ? delaySeconds * 1000 : 0;
      await sleep(delayMs);
      const hanging = await closeAll(resources, {
        withinMs: graceSeconds * 1000 - delayMs,
        logger,
      });
      // A rejection is what makes the exit code 1.
      if (hanging.length > 0) throw new Error(`Not closed: ${hanging.join(', ')}.`);
      logger.info('stopped');
    },
  );
  process.once('disconnect', () => {
    if (!stopping.signal.aborted) closer.close();
  });
}

/** Of the time, what each that is closed later keeps for itself, however long an earlier one hangs; and as much for the exit. */
const RESERVED_SHARE = 1 / 20;

/**
 * Closes in reverse order. One that fails, or is not done in its time, is logged and does not keep the others open.
 * @returns the names of those that were not done.
 */
export async function closeAll(
  resources: readonly Closable[],
  { withinMs, logger }: { withinMs: number; logger: Logger },
): Promise<string[]> {
  const deadline = performance.now() + withinMs;
  const hanging: string[] = [];
  for (const [left, { name, close }] of [...resources.entries()].reverse()) {
    const reservedMs = withinMs * RESERVED_SHARE * (left + 1);
    try {
      const closing = (async () => close())();
      if (await isDoneWithin(closing, deadline - performance.now() - reservedMs)) continue;
      hanging.push(name);
      logger.error({ resource: name }, 'does not close in time; going on without it');
    } catch (error) {
      logger.error({ err: error, resource: name }, 'could not close cleanly');
    }
  }
  return hanging;
}

/** Runs a process's wiring; an expected failure ends it with one clear message on stderr and its exit code. */
export async function runMain(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    process.stderr.write(`${isSyncError(error) ? messageOf(error) : inspectUnexpected(error)}\n`);
    process.exit(isSyncError(error) ? error.exitCode : 1);
  }
}

function inspectUnexpected(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
