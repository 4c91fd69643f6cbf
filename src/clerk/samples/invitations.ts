/** `organizationInvitation.*`. There is no event for expiry: `expires_at` says it. */
import {
  chanceOf,
  createdAtOf,
  type Draw,
  drawEntityId,
  parentOrganizationId,
  parentUserId,
} from './draw.js';
import { describePublicOrganization } from './organizations.js';
import { describePerson } from './people.js';
import { deriveId, drawChance, drawText } from './random.js';

export function buildInvitation(draw: Draw) {
  return describeInvitation(drawEntityId(draw, 'orginv'), 'pending', draw);
}

export function buildRevokedInvitation(draw: Draw) {
  return describeInvitation(drawEntityId(draw, 'orginv'), 'revoked', draw);
}

export function buildAcceptedInvitation(draw: Draw) {
  const id = drawEntityId(draw, 'orginv');
  const invitation = describeInvitation(id, 'accepted', draw);
  return {
    ...invitation,
    user_id: parentUserId(draw, id),
    // The specification has the organization under `data`, the SDK's types at the top: a sample has both.
    data: { public_organization_data: invitation.public_organization_data },
  };
}

function describeInvitation(id: string, status: string, draw: Draw) {
  const random = chanceOf(id, 'invitation');
  const inviterId = deriveId('user', `${id}/inviter`);
  const isAdmin = drawChance(random, 0.2);
  const createdAt = createdAtOf(id, draw.at);
  const organizationId = parentOrganizationId(draw, id);
  return {
    object: 'organization_invitation',
    id,
    email_address: describePerson(parentUserId(draw, id)).email,
    role: isAdmin ? 'org:admin' : 'org:member',
    role_name: isAdmin ? 'Admin' : 'Member',
    organization_id: organizationId,
    public_organization_data: describePublicOrganization(organizationId),
    inviter_id: inviterId,
    public_inviter_data: describeInviter(inviterId),
    status,
    public_metadata: { reminders: draw.version },
    private_metadata: {},
    url:
      status === 'pending'
        ? `https://accounts.example.com/accept?__clerk_ticket=${drawText(random, 40)}`
        : null,
    expires_at: draw.at + THIRTY_DAYS_MS,
    created_at: createdAt,
    updated_at: draw.at,
  };
}

function describeInviter(userId: string) {
  const person = describePerson(userId);
  return {
    user_id: userId,
    first_name: person.firstName,
    last_name: person.lastName,
    image_url: person.imageUrl,
    has_image: false,
    identifier: person.email,
  };
}

const THIRTY_DAYS_MS = 30 * 24 * 3_600_000;
