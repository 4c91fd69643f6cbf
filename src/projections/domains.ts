/** organizationDomain.* -> organization_domains. Pure. */
import { isRecord } from '../record.js';
import { deletionOf, stateOf } from './entity.js';
import { keyOf } from './fact.js';
import { readText, requireId } from './read.js';

export const domainChanged = stateOf('organization_domain', (data, event) => {
  const organizationId = requireId(data['organization_id'], event, 'data.organization_id');
  // `verification` is the old name of `affiliation_verification`; Clerk has announced that it goes.
  const verification =
    data['affiliation_verification'] ?? data['verification'] ?? data['ownership_verification'];
  return {
    columns: {
      organization_id: organizationId,
      name: readText(data['name']),
      enrollment_mode: readText(data['enrollment_mode']),
      verification_status: isRecord(verification) ? readText(verification['status']) : null,
      affiliation_email: readText(data['affiliation_email_address']),
    },
    parents: [keyOf('organization', organizationId)],
  };
});

export const domainDeleted = deletionOf('organization_domain');
