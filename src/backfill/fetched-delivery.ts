/** From an object of Clerk's Backend API to what the projections take: an event that says how the object is now, or that it is gone. Pure. */
import { type ApiEntityName } from '../clerk/api-entities.js';
import { type Delivery } from '../clerk/event.js';
import { redactEnvelope, type RedactionPolicy } from '../redaction.js';
import { type JsonRecord } from '../record.js';

/** What can be listed, by the name of its table: what its events are called. */
const FAMILIES = {
  users: 'user',
  organizations: 'organization',
  organization_memberships: 'organizationMembership',
  organization_invitations: 'organizationInvitation',
  organization_domains: 'organizationDomain',
  roles: 'role',
  permissions: 'permission',
  waitlist_entries: 'waitlistEntry',
} as const satisfies Record<ApiEntityName, string>;

/** Parents first. */
export const FETCHED_ENTITIES = Object.keys(FAMILIES) as ApiEntityName[]; // the table holds no other keys

export interface Fetch {
  instanceId: string;
  /** Milliseconds since 1970. */
  fetchedAt: number;
  redaction: RedactionPolicy;
}

/**
 * For a backfill: loses against whatever is stored at the same `updated_at`, so that a webhook's version stays.
 * One and the same version of an object has one and the same id.
 */
export function toBackfillDelivery(
  entity: ApiEntityName,
  object: JsonRecord,
  fetch: Fetch,
): Delivery {
  const version = typeof object['updated_at'] === 'number' ? object['updated_at'] : 0;
  const id = `backfill-${String(object['id'])}-${version}`;
  return {
    ...toDelivery({ id, type: changedType(entity), data: object }, fetch),
    fetched: 'loses-ties',
  };
}

/** For a repair: what Clerk says now wins over what is stored at the same `updated_at`. */
export function toRepairDelivery(
  entity: ApiEntityName,
  object: JsonRecord,
  fetch: Fetch,
): Delivery {
  const id = `reconcile-${String(object['id'])}-${fetch.fetchedAt}`;
  return {
    ...toDelivery({ id, type: changedType(entity), data: object }, fetch),
    fetched: 'wins-ties',
  };
}

/** For what is stored here, and Clerk says that it has no such object. */
export function toDeletionDelivery(entity: ApiEntityName, id: string, fetch: Fetch): Delivery {
  const delivery = toDelivery(
    {
      id: `reconcile-${id}-${fetch.fetchedAt}`,
      type: `${FAMILIES[entity]}.deleted`,
      data: { id, deleted: true },
    },
    fetch,
  );
  return { ...delivery, fetched: 'wins-ties' };
}

/** An invitation has no event for a change: any of its own carries it whole. */
function changedType(entity: ApiEntityName): string {
  return entity === 'organization_invitations'
    ? 'organizationInvitation.created'
    : `${FAMILIES[entity]}.updated`;
}

function toDelivery(
  { id, type, data }: { id: string; type: string; data: JsonRecord },
  { instanceId, fetchedAt, redaction }: Fetch,
): Delivery {
  const envelope = {
    object: 'event',
    type,
    data,
    timestamp: fetchedAt,
    instance_id: instanceId,
  };
  redactEnvelope(envelope, type, redaction);
  return { id, body: JSON.stringify(envelope), envelope, receivedAt: fetchedAt };
}
