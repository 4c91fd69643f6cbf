/** organizationInvitation.* -> organization_invitations. There is no event for an expiry: readers derive it from `expires_at`. Pure. */
import { stateOf } from './entity.js';
import { keyOf } from './fact.js';
import { readRecord, readText, readTime, requireId } from './read.js';

export const invitationChanged = stateOf('organization_invitation', (data, event) => {
  const organizationId = requireId(data['organization_id'], event, 'data.organization_id');
  return {
    columns: {
      organization_id: organizationId,
      email: readText(data['email_address']),
      role: readText(data['role']),
      status: readText(data['status']),
      user_id: readText(data['user_id']),
      inviter_id: readText(data['inviter_id']),
      expires_at: readTime(data['expires_at']),
      public_metadata: readRecord(data['public_metadata']),
      private_metadata: readRecord(data['private_metadata']),
    },
    parents: [keyOf('organization', organizationId)],
  };
});
