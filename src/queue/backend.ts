/** Where the queue lives: in Redis when REDIS_URL is set, else in Postgres. The one place that decides. */
import { SyncError } from '../errors.js';
import { type Backend } from './contract.js';
import { createPostgresBackend } from './postgres.js';
import { createRedisBackend } from './redis.js';

export interface BackendOptions {
  redisUrl: string | undefined;
  /** REDIS_CLUSTER, which several URLs in REDIS_URL imply. */
  isCluster: boolean;
  databaseUrl: string | undefined;
  prefix: string;
  onError: (error: Error) => void;
}

/** @throws SyncError `config.invalid` when neither URL is set. */
export function chooseBackend(options: BackendOptions): Backend {
  const { redisUrl, isCluster, databaseUrl, prefix, onError } = options;
  if (redisUrl) return createRedisBackend({ url: redisUrl, isCluster, prefix, onError });
  if (databaseUrl) return createPostgresBackend({ url: databaseUrl, onError });
  throw new SyncError(
    'config.invalid',
    'Neither REDIS_URL nor DATABASE_URL is set: there is no place for the queue.',
  );
}
