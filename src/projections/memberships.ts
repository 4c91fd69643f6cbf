/** organizationMembership.* -> organization_memberships. All three types carry the whole membership, deleted too. Pure. */
import { isUsableId, type ClerkEvent } from '../clerk/event.js';
import { isRecord, type JsonRecord } from '../record.js';
import { keyOf, type Fact, type Projection } from './fact.js';
import { organizationSnapshot } from './organizations.js';
import {
  readData,
  readId,
  readRecord,
  readText,
  readTexts,
  readTime,
  requireId,
  versionOf,
} from './read.js';

export const membershipChanged: Projection = (event) => {
  const data = readData(event);
  const key = keyOf('organization_membership', readId(data, event, 'data'));
  const organizationId = readId(data['organization'], event, 'data.organization');
  const userId = readUserId(data, event);
  const row = {
    id: key.entityId,
    organization_id: organizationId,
    user_id: userId,
    role: readText(data['role']),
    permissions: readTexts(data['permissions']),
    public_metadata: readRecord(data['public_metadata']),
    created_at: readTime(data['created_at']),
    updated_at: readTime(data['updated_at']),
    data,
  };
  const parents = [keyOf('organization', organizationId), keyOf('user', userId)];
  const version = versionOf(data, event);
  return [{ kind: 'state', key, version, row, parents }, ...readParents(data)];
};

/** A plain deleted object, without its parents, is understood as well. */
export const membershipDeleted: Projection = (event) => {
  const data = readData(event);
  const key = keyOf('organization_membership', readId(data, event, 'data'));
  return [{ kind: 'deletion', key, version: versionOf(data, event) }, ...readParents(data)];
};

/** The user is only mentioned: its nested snapshot has no version. */
function readParents(data: JsonRecord): Fact[] {
  const { organization, public_user_data: user } = data;
  const facts: Fact[] = [];
  if (isRecord(organization) && isUsableId(organization['id'])) {
    facts.push(organizationSnapshot(keyOf('organization', organization['id']), organization));
  }
  if (isRecord(user) && isUsableId(user['user_id'])) {
    facts.push({ kind: 'mention', key: keyOf('user', user['user_id']) });
  }
  return facts;
}

function readUserId(data: JsonRecord, event: ClerkEvent): string {
  const user = data['public_user_data'];
  const id = isRecord(user) ? user['user_id'] : undefined;
  return requireId(id, event, 'data.public_user_data.user_id');
}
