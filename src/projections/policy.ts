/** What the configuration says of how events become rows, and of how long a batch may hold the database up. Pure. */
import { type Config } from '../config.js';
import { type ProjectionPolicy } from './fact.js';
import { type BatchBounds } from './transaction.js';

export function toPolicy(config: Config): ProjectionPolicy {
  return {
    instanceId: config.CLERK_INSTANCE_ID,
    mirrored: config.SYNC_ENTITIES,
    defaultRole: config.DEFAULT_USER_ROLE,
    allowedRoles: config.USER_ROLES,
  };
}

export function toBounds(config: Config): BatchBounds {
  return {
    lockTimeoutSeconds: config.DATABASE_LOCK_TIMEOUT,
    idleTimeoutSeconds: config.DATABASE_IDLE_TIMEOUT,
  };
}
