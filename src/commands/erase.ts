/** `npm run erase`: takes a person out of tables, ledger and queue, for good, and says what it did. */
import { createClerkApi } from '../clerk/backend-api.js';
import { readConfig, type Config } from '../config.js';
import { type Database } from '../db/database.js';
import { listInstances } from '../db/erasure-search.js';
import { SyncError } from '../errors.js';
import { USER_ID } from '../person.js';
import { HANDLER_QUEUE_NAME } from '../queue/handler-job.js';
import { readArguments, type Command } from './command.js';
import { withDatabase, withQueue } from './connections.js';
import { erasePerson } from './erase/erase-person.js';
import { describeErasure, isComplete, toErasureJson } from './erase/receipt.js';
import { createProgress } from './progress.js';

const USAGE = `Usage: npm run erase -- USER_ID [options]
Takes a person out of the tables, the ledger and the queue. Delete them at Clerk first: a tombstone stays, so that no late event
brings them back. May be run again at any time; after an interruption it goes on.
  USER_ID            Clerk's id, such as user_2abc
  --dry-run          change nothing; count what would go
  --without-clerk    do not ask Clerk whether the user is gone there: for when it cannot be asked
  --json             the receipt as one JSON object
Exit code: 0 nothing names them any more, 1 the work failed or is to be run again, 2 wrong usage or configuration.`;

export const eraseCommand: Command = {
  usage: USAGE,
  async run(args, { environment, print, writeProgress, isTerminal }) {
    const { userId, isDryRun, asksClerk, asJson } = readOptions(args);
    const config = readConfig(environment, asksClerk ? ['database', 'clerk'] : ['database']);
    const progress = createProgress({
      label: 'looked at',
      total: null,
      write: writeProgress,
      isTerminal,
    });
    return withDatabase(config, async (db) => {
      if (asksClerk) await refuseUntilGone(db, userId, config);
      const bounds = {
        lockTimeoutSeconds: config.DATABASE_LOCK_TIMEOUT,
        idleTimeoutSeconds: config.DATABASE_IDLE_TIMEOUT,
      };
      const options = { userId, isDryRun, bounds, onLook: progress.show };
      const erasure = await withQueue(config, (open) =>
        withQueue(
          config,
          (handlers) => erasePerson({ db, open, handlers }, options).finally(progress.end),
          HANDLER_QUEUE_NAME,
        ),
      );
      const receipt = { ...erasure, userId, isDryRun, asksClerk };
      for (const line of asJson ? [toErasureJson(receipt)] : describeErasure(receipt)) print(line);
      return isComplete(receipt) ? 0 : 1;
    });
  },
};

function readOptions(args: string[]) {
  const { values, positionals } = readArguments(
    args,
    {
      'dry-run': { type: 'boolean', default: false },
      'without-clerk': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
    USAGE,
  );
  const [userId = '', ...more] = positionals;
  if (more.length > 0 || !USER_ID.test(userId)) {
    throw new SyncError('usage.invalid', `Which user? One id of Clerk's: user_...\n${USAGE}`);
  }
  const { 'dry-run': isDryRun, 'without-clerk': withoutClerk, json: asJson } = values;
  return { userId, isDryRun, asksClerk: !withoutClerk, asJson };
}

/** @throws SyncError `work.failed` while Clerk has the user, or when the key is of another instance; those of `ClerkApi`. */
async function refuseUntilGone(db: Database, userId: string, config: Config): Promise<void> {
  const clerk = createClerkApi({
    secretKey: config.CLERK_SECRET_KEY ?? '',
    apiUrl: config.CLERK_API_URL,
  });
  const instances = config.CLERK_INSTANCE_ID
    ? [config.CLERK_INSTANCE_ID]
    : await listInstances(db, userId);
  const asked = await clerk.readInstance();
  if (instances.length > 0 && !instances.includes(asked.id)) {
    throw new SyncError(
      'work.failed',
      `CLERK_SECRET_KEY is a key of the instance ${asked.id}, and the user is of ${instances.join(', ')}: that it has no such user says nothing. Set the key of that instance.`,
    );
  }
  if (await clerk.findUser(userId)) {
    throw new SyncError(
      'work.failed',
      `Clerk still has ${userId}: its next event would bring the person back. Delete the user at Clerk first, then run this again.`,
    );
  }
}
