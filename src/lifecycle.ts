/** Opening and closing in order. What was opened last is closed first, within a deadline; a second signal exits at once. */
import closeWithGrace from 'close-with-grace';
import { isSyncError, messageOf } from './errors.js';
import { type Logger } from './logger.js';

export interface Closable {
  name: string;
  close: () => Promise<void> | void;
}

export interface ClosingOptions {
  /** After which the process exits with code 1 even if something still hangs. */
  graceSeconds: number;
  logger: Logger;
}

/** Closes `resources` in reverse order on SIGTERM, SIGINT, an uncaught error, or the death of the process that started this one. */
export function closeOnSignal(
  resources: Closable[],
  { graceSeconds, logger }: ClosingOptions,
): void {
  const closer = closeWithGrace(
    { delay: graceSeconds * 1000, logger: false },
    async ({ signal, err }) => {
      if (err) logger.fatal({ err }, 'stopping after an error nobody caught');
      else logger.info({ signal }, 'stopping');
      await closeAll(resources, logger);
      logger.info('stopped');
    },
  );
  process.once('disconnect', () => {
    closer.close();
  });
}

/** Closes in reverse order; one that fails is logged and does not keep the others open. */
export async function closeAll(resources: Closable[], logger: Logger): Promise<void> {
  for (const { name, close } of [...resources].reverse()) {
    try {
      await close();
    } catch (error) {
      logger.error({ err: error, resource: name }, 'could not close cleanly');
    }
  }
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
