/** user.* -> users. Pure. */
import { isRecord, type JsonRecord } from '../record.js';
import { deletionOf, stateOf, type Columns } from './entity.js';
import { type ProjectionPolicy } from './fact.js';
import { readRecord, readText, readTime } from './read.js';

/** A person removed by directory sync comes as user.updated with one of these, not as user.deleted. The first that holds wins. */
const STATUSES = ['deprovisioned', 'banned', 'locked'] as const;

export const userChanged = stateOf('user', (data, _event, policy) => ({
  columns: userColumns(data, policy),
}));

export const userDeleted = deletionOf('user');

export function userColumns(data: JsonRecord, policy: ProjectionPolicy): Columns<'user'> {
  return {
    email: readPrimary(data['email_addresses'], data['primary_email_address_id'], 'email_address'),
    first_name: readText(data['first_name']),
    last_name: readText(data['last_name']),
    username: readText(data['username']),
    phone: readPrimary(data['phone_numbers'], data['primary_phone_number_id'], 'phone_number'),
    image_url: readText(data['image_url']),
    role: readRole(data['public_metadata'], policy),
    external_id: readText(data['external_id']),
    status: STATUSES.find((status) => data[status] === true) ?? 'active',
    last_sign_in_at: readTime(data['last_sign_in_at']),
    public_metadata: readRecord(data['public_metadata']),
    private_metadata: readRecord(data['private_metadata']),
    unsafe_metadata: readRecord(data['unsafe_metadata']),
  };
}

/** The address whose id is the primary one: null when there is none, never a guess. */
function readPrimary(list: unknown, primaryId: unknown, field: string): string | null {
  if (!Array.isArray(list) || typeof primaryId !== 'string') return null;
  const primary: unknown = list.find((item) => isRecord(item) && item['id'] === primaryId);
  return isRecord(primary) ? readText(primary[field]) : null;
}

/** `unsafe_metadata` is the user's to write, so it is never asked. */
function readRole(
  publicMetadata: unknown,
  { defaultRole, allowedRoles }: ProjectionPolicy,
): string {
  const role = isRecord(publicMetadata) ? readText(publicMetadata['role']) : null;
  if (role === null || (allowedRoles && !allowedRoles.includes(role))) return defaultRole;
  return role;
}
