/** `npm run prune`: retention. Runs of handlers, payloads of the ledger, sessions that are over, and tombstones that nothing needs any more. */
import { readConfig, type Config } from '../config.js';
import { type Database } from '../db/database.js';
import { countOldRuns, pruneRuns } from '../db/prune-runs.js';
import {
  countPayloads,
  countSessions,
  prunePayloads,
  pruneSessions,
  readClock,
} from '../db/retention.js';
import { isSyncError, SyncError } from '../errors.js';
import { readArguments, type Command, type CommandContext } from './command.js';
import { withDatabase, withQueue } from './connections.js';
import { createProgress } from './progress.js';
import { pruneMemories } from './prune/prune-memories.js';
import { readHorizons } from './prune/horizons.js';
import { describePruned, toPrunedJson, type Pruned } from './prune/receipt.js';

const USAGE = `Usage: npm run prune [-- options]
Removes what is older than EVENT_RETENTION_DAYS and SESSION_RETENTION_DAYS say: payloads of the ledger, whose rows stay; runs of
handlers; sessions that are over; tombstones, once nothing in ledger or queue can bring back what was deleted. May run at any time,
beside workers.
  --dry-run          change nothing; say what would go
  --json             the receipt as one JSON object`;

export const pruneCommand: Command = {
  usage: USAGE,
  async run(args, context) {
    const { values, positionals } = readArguments(
      args,
      {
        'dry-run': { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
      },
      USAGE,
    );
    if (positionals.length > 0) {
      throw new SyncError(
        'usage.invalid',
        `"${positionals.join(' ')}" belongs to no option.\n${USAGE}`,
      );
    }
    const config = readConfig(context.environment, ['database']);
    const pruned = await withDatabase(config, (db) =>
      prune(db, { config, context, isDryRun: values['dry-run'] }),
    );
    const lines = values.json ? [toPrunedJson(pruned)] : describePruned(pruned);
    for (const line of lines) context.print(line);
    return pruned.queueTrouble !== null || pruned.sessions.refused > 0 ? 1 : 0;
  },
};

interface Options {
  config: Config;
  context: CommandContext;
  isDryRun: boolean;
}

async function prune(db: Database, { config, context, isDryRun }: Options): Promise<Pruned> {
  const horizons = readHorizons(config, await readClock(db));
  const bounds = {
    lockTimeoutSeconds: config.DATABASE_LOCK_TIMEOUT,
    idleTimeoutSeconds: config.DATABASE_IDLE_TIMEOUT,
  };
  const watch = <T>(label: string, work: (show: (done: number) => void) => Promise<T>) =>
    withProgress(context, label, work);

  const runs = isDryRun
    ? await countOldRuns(db, horizons.payloads)
    : await watch('runs of handlers', (onProgress) =>
        pruneRuns(db, { before: horizons.payloads, bounds, onProgress }),
      );
  const payloads = isDryRun
    ? await countPayloads(db, horizons.payloads)
    : await watch('payloads', (onProgress) =>
        prunePayloads(db, { before: horizons.payloads, bounds, onProgress }),
      );
  const sessions = isDryRun
    ? { sessions: await countSessions(db, horizons.sessions), refused: 0, reason: null }
    : await watch('sessions', (onProgress) =>
        pruneSessions(db, { before: horizons.sessions, bounds, onProgress }),
      );
  const done = { isDryRun, horizons, runs, payloads, sessions };
  try {
    const memories = await withQueue(config, (open) =>
      watch('looking for what names the deleted', (onProgress) =>
        pruneMemories({ db, open }, { horizons, bounds, isDryRun, onProgress }),
      ),
    );
    return { ...done, memories, queueTrouble: null };
  } catch (error) {
    if (!isSyncError(error, 'queue.unavailable')) throw error;
    return { ...done, memories: null, queueTrouble: error.message };
  }
}

async function withProgress<T>(
  { writeProgress, isTerminal }: CommandContext,
  label: string,
  work: (show: (done: number) => void) => Promise<T>,
): Promise<T> {
  const progress = createProgress({ label, total: null, write: writeProgress, isTerminal });
  try {
    return await work(progress.show);
  } finally {
    progress.end();
  }
}
