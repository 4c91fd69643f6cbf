/** The configuration of a whole system, of which less is needed than of a single process: what is unset is brought along. */
import { readBoardAccess } from '../board-access.js';
import { readConfig, type Config } from '../config.js';
import { type Environment } from '../environment.js';
import { SyncError } from '../errors.js';

/** @throws SyncError `config.invalid` as readConfig and readBoardAccess do, and where half a database is configured. */
export function readSystemConfig(environment: Environment): Config {
  const config = readConfig(environment);
  readBoardAccess(config);
  if (config.DIRECT_DATABASE_URL && !config.DATABASE_URL) {
    throw new SyncError(
      'config.invalid',
      'DIRECT_DATABASE_URL is set and DATABASE_URL is not. Set both, or neither: then clerk-sync brings a Postgres of its own.',
    );
  }
  return config;
}
