import { FETCHED_ENTITIES } from '../backfill/fetched-delivery.js';
import { type ApiEntityName } from '../clerk/api-entities.js';
import { SyncError } from '../errors.js';

/** Those named, or all of them, parents first. @throws SyncError `usage.invalid` for a name that Clerk does not list. */
export function readEntities(names: readonly string[], usage: string): ApiEntityName[] {
  const unknown = names.find((name) => !FETCHED_ENTITIES.some((entity) => entity === name));
  if (unknown !== undefined) {
    throw new SyncError('usage.invalid', `Clerk does not list "${unknown}".\n${usage}`);
  }
  return FETCHED_ENTITIES.filter((entity) => names.length === 0 || names.includes(entity));
}

/** For the usage: the names, four on a line. */
export function listEntities(indent: string): string {
  return `${FETCHED_ENTITIES.slice(0, 4).join(', ')},\n${indent}${FETCHED_ENTITIES.slice(4).join(', ')}; none: all of them`;
}
