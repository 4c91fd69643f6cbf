/** What the configuration says of how events become rows. Pure. */
import { type Config } from '../config.js';
import { type ProjectionPolicy } from './fact.js';

export function toPolicy(config: Config): ProjectionPolicy {
  return {
    instanceId: config.CLERK_INSTANCE_ID,
    mirrored: config.SYNC_ENTITIES,
    defaultRole: config.DEFAULT_USER_ROLE,
    allowedRoles: config.USER_ROLES,
  };
}
