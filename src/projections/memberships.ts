/** organizationMembership.* -> organization_memberships. All three types carry the whole membership, deleted too. Pure. */
import { isRecord, type JsonRecord } from '../record.js';
import { deletionOf, stateOf } from './entity.js';
import { keyOf, type Fact } from './fact.js';
import { readNestedOrganization } from './organizations.js';
import { readId, readMention, readRecord, readText, readTexts, requireId } from './read.js';

export const membershipChanged = stateOf('organization_membership', (data, event) => {
  const organizationId = readId(data['organization'], event, 'data.organization');
  const userId = requireId(readUserId(data), event, 'data.public_user_data.user_id');
  return {
    columns: {
      organization_id: organizationId,
      user_id: userId,
      role: readText(data['role']),
      permissions: readTexts(data['permissions']),
      public_metadata: readRecord(data['public_metadata']),
    },
    parents: [keyOf('organization', organizationId), keyOf('user', userId)],
    others: readParents(data),
  };
});

export const membershipDeleted = deletionOf('organization_membership', readParents);

/** The user is only mentioned: its nested snapshot has no version. */
function readParents(data: JsonRecord): Fact[] {
  return [
    ...readNestedOrganization(data['organization']),
    ...readMention('user', readUserId(data)),
  ];
}

function readUserId(data: JsonRecord): unknown {
  const user = data['public_user_data'];
  return isRecord(user) ? user['user_id'] : undefined;
}
