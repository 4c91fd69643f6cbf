/** `organization.*`. */
import type { DeletedObjectJSON, OrganizationJSON } from '@clerk/backend';
import { chanceOf, createdAtOf, type Draw, drawEntityId } from './draw.js';
import { COMPANY_WORDS } from './names.js';
import { imageUrlOf } from './people.js';
import { deriveId, drawChance, drawDigits, drawIndex, drawOne } from './random.js';

export function buildOrganization(draw: Draw) {
  return describeOrganization(drawEntityId(draw, 'org'), draw);
}

export function buildDeletedOrganization(draw: Draw) {
  const id = drawEntityId(draw, 'org');
  const { slug } = describeCompany(id);
  return { object: 'organization', id, slug, deleted: true } satisfies DeletedObjectJSON;
}

interface Moment {
  at: number;
  version: number;
  userId?: string | undefined;
}

/** The organization as of a version, updated at `at`, created by `userId`. Memberships nest it. */
export function describeOrganization(id: string, { at, version, userId }: Moment) {
  const random = chanceOf(id, 'organization');
  const company = describeCompany(id);
  return {
    object: 'organization',
    id,
    name: company.name,
    slug: company.slug,
    image_url: imageUrlOf(id),
    has_image: drawChance(random, 0.5),
    members_count: 1 + drawIndex(random, 40) + version,
    missing_member_with_elevated_permissions: false,
    pending_invitations_count: drawIndex(chanceOf(id, `invitations ${version}`), 6),
    max_allowed_memberships: drawOne(random, [5, 50, 500]),
    admin_delete_enabled: true,
    public_metadata: { plan: drawOne(chanceOf(id, `plan ${version}`), ['free', 'team', 'scale']) },
    private_metadata: drawChance(random, 0.3) ? { account_number: drawDigits(random, 8) } : {},
    created_by: userId ?? deriveId('user', `${id}/creator`),
    role_set_key: null,
    last_active_at: at,
    created_at: createdAtOf(id, at),
    updated_at: at,
  } satisfies OrganizationJSON;
}

/** The part of an organization that others may see. Invitations and domains nest it. */
export function describePublicOrganization(id: string) {
  return { id, ...describeCompany(id), image_url: imageUrlOf(id), has_image: false };
}

function describeCompany(id: string): { name: string; slug: string } {
  const random = chanceOf(id, 'company');
  const { first, second, kind } = COMPANY_WORDS;
  const name = `${drawOne(random, first)} ${drawOne(random, second)} ${drawOne(random, kind)}`;
  return { name, slug: `${name.toLowerCase().replaceAll(' ', '-')}-${drawDigits(random, 5)}` };
}
