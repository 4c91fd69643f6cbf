/** `npm run migrate`: brings the database, and the queue's own tables when the queue is in Postgres, up to this program. */
import { readConfig } from '../config.js';
import { classifyFault } from '../db/faults.js';
import { migrate } from '../db/migrate.js';
import { isSyncError, messageOf, SyncError } from '../errors.js';
import { migrateQueue } from '../queue/migrate.js';
import { readArguments, type Command } from './command.js';
import { explainDatabaseFault } from './connections.js';

const USAGE = 'Usage: npm run migrate';

export const migrateCommand: Command = {
  usage: USAGE,
  async run(args, { environment, print }) {
    readArguments(args, {}, USAGE);
    const config = readConfig(environment, ['database']);
    const url = config.DIRECT_DATABASE_URL ?? config.DATABASE_URL ?? '';
    try {
      const applied = await migrate({ url, schema: config.DATABASE_SCHEMA });
      for (const name of applied) print(`applied ${name}`);
      print(`The schema "${config.DATABASE_SCHEMA}" is up to date.`);
      if (!config.REDIS_URL) {
        await migrateQueue({ databaseUrl: url });
        print('The queue is in Postgres (REDIS_URL is not set); its tables are up to date.');
      }
      return 0;
    } catch (error) {
      if (isSyncError(error)) throw error;
      if (classifyFault(error) === 'outage') throw explainDatabaseFault(error);
      throw new SyncError('work.failed', `The migration failed: ${messageOf(error)}`, {
        cause: error,
      });
    }
  },
};
