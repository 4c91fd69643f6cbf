/** role.* and permission.* -> roles, permissions. Pure. */
import { isRecord } from '../record.js';
import { deletionOf, stateOf } from './entity.js';
import { readFlag, readText } from './read.js';

export const roleChanged = stateOf('role', (data) => ({
  columns: {
    key: readText(data['key']),
    name: readText(data['name']),
    description: readText(data['description']),
    is_creator_eligible: readFlag(data['is_creator_eligible']),
    permissions: readPermissionKeys(data['permissions']),
  },
}));

export const roleDeleted = deletionOf('role');

export const permissionChanged = stateOf('permission', (data) => ({
  columns: {
    key: readText(data['key']),
    name: readText(data['name']),
    description: readText(data['description']),
    type: readText(data['type']),
  },
}));

export const permissionDeleted = deletionOf('permission');

function readPermissionKeys(list: unknown): string[] | null {
  if (!Array.isArray(list)) return null;
  return list.flatMap((item) =>
    isRecord(item) && typeof item['key'] === 'string' ? [item['key']] : [],
  );
}
