/** From a sample to an item of a collection, and from an item to what the Backend API shows. */
import { sampleEvent, type SampleOptions } from '../../../src/clerk/samples/index.js';
import { isRecord } from '../../../src/record.js';
import { type Collection, type Item, type JsonObject, readItem, textOf } from './collection.js';
import { type Kind, KINDS } from './kinds.js';

export type Collections = Readonly<Record<Kind, Collection>>;

/** Made up as for a webhook, less what only the webhook has. */
export function makeObject(kind: Kind, options: SampleOptions): JsonObject {
  const { user: _, ...data } = sampleEvent(KINDS[kind].created, options).data;
  return kind === 'waitlist_entries' ? { ...data, object: 'waitlist_entry' } : data;
}

export function itemOf(object: JsonObject): Item {
  return {
    id: String(object['id']),
    createdAt: Number(object['created_at']),
    parents: parentsOf(object),
    text: JSON.stringify(object),
  };
}

/** As JSON text. */
export function showText(collections: Collections, kind: Kind, item: Item): string {
  if (kind !== 'organization_memberships') return textOf(item);
  return JSON.stringify(joinMembership(collections, readItem(item)));
}

/** What a membership joins, as it is now. */
function joinMembership({ users, organizations }: Collections, membership: JsonObject): JsonObject {
  const { organization, public_user_data: userData } = membership;
  const current = isRecord(organization) && organizations.get(String(organization['id']));
  const user = isRecord(userData) && users.get(String(userData['user_id']));
  return {
    ...membership,
    organization: current ? readItem(current) : organization,
    public_user_data: user ? describeMember(readItem(user)) : userData,
  };
}

function describeMember(user: JsonObject): JsonObject {
  const [email] = user['email_addresses'] as { email_address: string }[]; // an array in every user
  return {
    user_id: user['id'],
    first_name: user['first_name'],
    last_name: user['last_name'],
    profile_image_url: user['profile_image_url'],
    image_url: user['image_url'],
    has_image: user['has_image'],
    identifier: email?.email_address ?? user['username'],
    username: user['username'],
    banned: user['banned'],
    deprovisioned: user['deprovisioned'],
  };
}

/** The `data` of a deletion. */
export function describeDeletion(object: JsonObject): JsonObject {
  const { id, object: kind, slug, external_id: externalId } = object;
  return {
    object: kind,
    id,
    deleted: true,
    ...(slug ? { slug } : {}),
    ...(externalId ? { external_id: externalId } : {}),
  };
}

function parentsOf(object: JsonObject): string[] {
  const { organization, public_user_data: user, organization_id: organizationId } = object;
  const ids = [
    organizationId,
    // An accepted invitation names a user, and outlives it.
    object['object'] === 'organization_invitation' ? undefined : object['user_id'],
    isRecord(organization) ? organization['id'] : undefined,
    isRecord(user) ? user['user_id'] : undefined,
  ];
  return ids.filter((id) => typeof id === 'string');
}
