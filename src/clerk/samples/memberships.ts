/** `organizationMembership.*`: all three, deleted too, carry the whole membership with what it joins. */
import {
  chanceOf,
  createdAtOf,
  type Draw,
  drawEntityId,
  parentOrganizationId,
  parentUserId,
} from './draw.js';
import { describeOrganization } from './organizations.js';
import { describePerson } from './people.js';
import { drawIndex } from './random.js';

export function buildMembership(draw: Draw) {
  const id = drawEntityId(draw, 'orgmem');
  const organizationId = parentOrganizationId(draw, id);
  const createdAt = createdAtOf(id, draw.at);
  const isAdmin = (drawIndex(chanceOf(id, 'role'), 3) + draw.version) % 3 === 0;
  return {
    object: 'organization_membership',
    id,
    ...(isAdmin ? ADMIN : MEMBER),
    public_metadata: { seat: draw.version + 1 },
    private_metadata: {},
    // As first created: nested copies never look newer than the organization's own events.
    organization: describeOrganization(organizationId, {
      at: createdAtOf(organizationId, draw.at),
      version: 0,
    }),
    public_user_data: describeMember(parentUserId(draw, id)),
    created_at: createdAt,
    updated_at: draw.at,
  };
}

function describeMember(userId: string) {
  const person = describePerson(userId);
  return {
    user_id: userId,
    first_name: person.firstName,
    last_name: person.lastName,
    profile_image_url: person.imageUrl,
    image_url: person.imageUrl,
    has_image: false,
    identifier: person.email,
    username: null,
    banned: false,
    deprovisioned: false,
  };
}

const READ = ['org:sys_memberships:read', 'org:sys_domains:read'];
const MEMBER = { role: 'org:member', role_name: 'Member', permissions: READ };
const ADMIN = {
  role: 'org:admin',
  role_name: 'Admin',
  permissions: [
    ...READ,
    'org:sys_memberships:manage',
    'org:sys_domains:manage',
    'org:sys_profile:manage',
  ],
};
