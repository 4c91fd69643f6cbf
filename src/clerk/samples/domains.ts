/** `organizationDomain.*`: a domain whose people may join an organization. Verified from its second version on. */
import type { DeletedObjectJSON } from '@clerk/backend';
import { chanceOf, createdAtOf, type Draw, drawEntityId, parentOrganizationId } from './draw.js';
import { describePublicOrganization } from './organizations.js';
import { drawDigits, drawIndex, drawOne } from './random.js';

export function buildDomain(draw: Draw) {
  const id = drawEntityId(draw, 'orgdmn');
  const random = chanceOf(id, 'domain');
  const passing = chanceOf(id, `domain ${draw.version}`);
  const organizationId = parentOrganizationId(draw, id);
  const name = `${drawOne(random, ['mail', 'team', 'staff'])}${drawDigits(random, 6)}.example.com`;
  const affiliation = describeVerification(draw);
  return {
    object: 'organization_domain',
    id,
    organization_id: organizationId,
    name,
    enrollment_mode: drawOne(random, ENROLLMENT_MODES),
    affiliation_email_address: `postmaster@${name}`,
    affiliation_verification: affiliation,
    ownership_verification: null,
    verification: affiliation,
    total_pending_invitations: drawIndex(passing, 5),
    total_pending_suggestions: drawIndex(passing, 5),
    public_organization_data: describePublicOrganization(organizationId),
    created_at: createdAtOf(id, draw.at),
    updated_at: draw.at,
  };
}

export function buildDeletedDomain(draw: Draw) {
  return {
    object: 'organization_domain',
    id: drawEntityId(draw, 'orgdmn'),
    deleted: true,
  } satisfies DeletedObjectJSON;
}

function describeVerification({ at, version }: Draw) {
  return {
    status: version > 0 ? 'verified' : 'unverified',
    strategy: 'affiliation_email_code',
    attempts: version,
    expire_at: at + TEN_MINUTES_MS,
    verified_at: null,
  };
}

const ENROLLMENT_MODES = [
  'manual_invitation',
  'automatic_invitation',
  'automatic_suggestion',
] as const;
const TEN_MINUTES_MS = 600_000;
