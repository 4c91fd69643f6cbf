/** `npm run forget`: drops a tombstone, after saying what it is: for an id that only the Dashboard's test sends deleted. */
import { readConfig, type Config } from '../config.js';
import { type Database } from '../db/database.js';
import { classifyFault } from '../db/faults.js';
import {
  countOutcomes,
  findTables,
  readEvent,
  readVersionRecords,
  type VersionRecord,
} from '../db/history.js';
import { dropTombstone, findRefusedChildren } from '../db/tombstones.js';
import { SyncError } from '../errors.js';
import { readArguments, type Command, type CommandContext } from './command.js';
import { withDatabase } from './connections.js';
import {
  adviseReturn,
  buildForgetReport,
  describeTombstone,
  refuse,
  type ForgetOutcome,
  type TombstoneKnowledge,
} from './forget/report.js';
import { askYesNo, toPlainText } from './terminal.js';
import { quote, sayMoment } from './why/state.js';
import { readOneId } from './why.js';

const USAGE = `Usage: npm run forget -- ID [options]
  ID                 of an entity that was deleted
  --yes              do not ask; needed where nobody can answer
  --dry-run          say what would be forgotten, and change nothing
  --entity-type T    which one, where the same id was deleted under several types
  --json             one JSON document
Clerk never uses an id again, so that a deletion is final. Only the Dashboard's test sends delete and make one id again and again.
Exit code: 0 forgotten, 1 there is nothing to forget or it must stay, 2 wrong usage.`;

export const forgetCommand: Command = {
  usage: USAGE,
  async run(args, context) {
    const { values, positionals } = readArguments(
      args,
      {
        yes: { type: 'boolean', default: false },
        'dry-run': { type: 'boolean', default: false },
        'entity-type': { type: 'string' },
        json: { type: 'boolean', default: false },
      },
      USAGE,
    );
    const id = readOneId(positionals, USAGE);
    const config = readConfig(context.environment, ['database']);
    return withDatabase(config, async (db) => {
      const version = await chooseTombstone(db, id, values['entity-type']);
      const forgetting = {
        db,
        config,
        known: await gatherTombstone(db, version),
        say: createSay(context, values.json),
      };
      return forget(forgetting, { isDryRun: values['dry-run'], isConfirmed: values.yes });
    });
  },
};

interface Forgetting {
  db: Database;
  config: Config;
  known: TombstoneKnowledge;
  say: Say;
}

/** Lines for a person; the document for a program. */
interface Say {
  line: (text: string) => void;
  end: (known: TombstoneKnowledge, end: { outcome: ForgetOutcome; reason?: string }) => void;
}

function createSay({ print }: CommandContext, isJson: boolean): Say {
  return {
    line: (text) => {
      if (!isJson) print(toPlainText(text));
    },
    end: (known, end) => {
      if (isJson) print(JSON.stringify(buildForgetReport(known, end), null, 2));
    },
  };
}

async function forget(
  { db, config, known, say }: Forgetting,
  { isDryRun, isConfirmed }: { isDryRun: boolean; isConfirmed: boolean },
): Promise<number> {
  describeTombstone(known).forEach(say.line);
  const reason = refuse(known);
  if (reason !== null) {
    say.end(known, { outcome: 'refused', reason });
    throw new SyncError('work.failed', reason);
  }
  if (isDryRun) {
    say.line('Nothing was changed (--dry-run). Once it is forgotten:');
    adviseReturn(known).forEach(say.line);
    say.end(known, { outcome: 'would-forget' });
    return 0;
  }
  if (!isConfirmed && !(await confirm())) {
    say.line('Nothing was changed.');
    say.end(known, { outcome: 'declined' });
    return 1;
  }
  await drop(db, config, known.version);
  say.line('Forgotten: as far as this database knows, it was never deleted.');
  adviseReturn(known).forEach(say.line);
  say.end(known, { outcome: 'forgotten' });
  return 0;
}

/** @throws SyncError `usage.invalid` where nobody can be asked. */
async function confirm(): Promise<boolean> {
  if (process.stdin.isTTY) return askYesNo('Forget that it was deleted?');
  throw new SyncError(
    'usage.invalid',
    'Nothing was changed: nobody can be asked here, for stdin is no terminal. Add --yes to forget it, or --dry-run to look.',
  );
}

/** @throws SyncError `database.contended` when a worker holds the entity for too long. */
async function drop(db: Database, config: Config, version: VersionRecord): Promise<void> {
  const bounds = {
    lockTimeoutSeconds: config.DATABASE_LOCK_TIMEOUT,
    idleTimeoutSeconds: config.DATABASE_IDLE_TIMEOUT,
  };
  let isDropped: boolean;
  try {
    isDropped = await db.transact((tx) => dropTombstone(tx, version, bounds));
  } catch (error) {
    if (classifyFault(error) !== 'contention') throw error;
    throw new SyncError(
      'database.contended',
      'Nothing was changed: a worker, or somebody else, holds the entity. Run it again in a moment.',
    );
  }
  if (isDropped) return;
  throw new SyncError(
    'work.failed',
    'Nothing was changed: the tombstone has become another one meanwhile. Run it again to see which.',
  );
}

async function gatherTombstone(db: Database, version: VersionRecord): Promise<TombstoneKnowledge> {
  const { entityType, entityId, eventId } = version;
  const outcomes = await countOutcomes(db, entityId);
  const refused = outcomes.find(
    (row) => row.entityType === entityType && row.outcome === 'tombstoned',
  );
  return {
    version,
    event: eventId === '' ? null : await readEvent(db, eventId),
    refused: refused?.events ?? 0,
    refusedChildren: await findRefusedChildren(db, entityId),
  };
}

/** @throws SyncError `work.failed` when there is none, `usage.invalid` when there are several. */
async function chooseTombstone(
  db: Database,
  id: string,
  entityType: string | undefined,
): Promise<VersionRecord> {
  const versions = await readVersionRecords(db, id);
  const tombstones = versions.filter(
    (version) =>
      (version.deletedAt ?? version.erasedAt) !== null &&
      (entityType === undefined || version.entityType === entityType),
  );
  const [first, second] = tombstones;
  if (!first) throw new SyncError('work.failed', await explainNone(db, id, versions));
  if (!second) return first;
  const types = tombstones.map((tombstone) => tombstone.entityType).join(', ');
  throw new SyncError(
    'usage.invalid',
    `${quote(id)} was deleted under several entity types: ${types}. Choose one with --entity-type.`,
  );
}

async function explainNone(
  db: Database,
  id: string,
  versions: readonly VersionRecord[],
): Promise<string> {
  const tombstones = versions.filter(({ deletedAt, erasedAt }) => (deletedAt ?? erasedAt) !== null);
  if (tombstones.length > 0) {
    const types = tombstones.map(({ entityType }) => entityType).join(', ');
    return `${quote(id)} was deleted under another entity type: ${types}.`;
  }
  const stored = versions.find(({ updatedAt }) => updatedAt !== null);
  if (stored?.updatedAt) {
    return `There is nothing to forget: ${stored.entityType} ${id} is not deleted, but stored as of ${sayMoment(stored.updatedAt)}. More: npm run why -- ${quote(id)}`;
  }
  const [table] = await findTables(db, id);
  if (table) {
    return `There is nothing to forget: ${quote(id)} is not deleted, but has a row in ${table}. More: npm run why -- ${quote(id)}`;
  }
  return `There is nothing to forget: no tombstone of ${quote(id)} is stored. More: npm run why -- ${quote(id)}`;
}
