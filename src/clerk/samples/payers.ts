/** Who pays: a person or an organization. The organization asked for wins over the user asked for. */
import { chanceOf, createdAtOf, type Draw } from './draw.js';
import { describePublicOrganization } from './organizations.js';
import { describePerson, imageUrlOf } from './people.js';
import { deriveId, drawChance } from './random.js';

/** The payer of `billedId`, such as a subscription: the same in each event about it. */
export function buildPayer(draw: Draw, billedId: string) {
  const byChance = drawChance(chanceOf(billedId, 'payer'), 0.5);
  const isOrganization = draw.organizationId ? true : draw.userId ? false : byChance;
  const ownerId = isOrganization
    ? (draw.organizationId ?? deriveId('org', billedId))
    : (draw.userId ?? deriveId('user', billedId));
  const id = deriveId('cpayer', ownerId);
  const createdAt = createdAtOf(id, draw.at);
  return {
    object: 'commerce_payer',
    id,
    ...(isOrganization ? describeOrganizationPayer(ownerId) : describeUserPayer(ownerId)),
    email: describePerson(ownerId).email,
    image_url: imageUrlOf(ownerId),
    created_at: createdAt,
    updated_at: createdAt,
  };
}

// Clerk's schema requires all five fields as strings and says that only one kind is populated: the others are empty.
function describeUserPayer(userId: string) {
  const person = describePerson(userId);
  return {
    user_id: userId,
    first_name: person.firstName ?? '',
    last_name: person.lastName ?? '',
    organization_id: '',
    organization_name: '',
  };
}

function describeOrganizationPayer(organizationId: string) {
  return {
    user_id: '',
    first_name: '',
    last_name: '',
    organization_id: organizationId,
    organization_name: describePublicOrganization(organizationId).name,
  };
}
