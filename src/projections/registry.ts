/** Event type -> projection: the one place that says what each of Clerk's events does. A forgotten row does not compile. */
import { EVENT_TYPES, type EventType } from '../clerk/event-types.js';
import { type ClerkEvent } from '../clerk/event.js';
import { CASCADES, type TableName } from '../db/tables.js';
import {
  ENTITIES,
  type Fact,
  type Facts,
  type Ignored,
  type Projection,
  type ProjectionPolicy,
} from './fact.js';
import { membershipChanged, membershipDeleted } from './memberships.js';
import { organizationChanged, organizationDeleted } from './organizations.js';
import { userChanged, userDeleted } from './users.js';

const notMirrored: Projection = (event) => ({
  ignored: `${event.type} has no table of its own yet.`,
});

export const REGISTRY = {
  'user.created': userChanged,
  'user.updated': userChanged,
  'user.deleted': userDeleted,
  'organization.created': organizationChanged,
  'organization.updated': organizationChanged,
  'organization.deleted': organizationDeleted,
  'organizationMembership.created': membershipChanged,
  'organizationMembership.updated': membershipChanged,
  'organizationMembership.deleted': membershipDeleted,
  'session.created': notMirrored,
  'session.pending': notMirrored,
  'session.ended': notMirrored,
  'session.removed': notMirrored,
  'session.revoked': notMirrored,
  'organizationInvitation.created': notMirrored,
  'organizationInvitation.accepted': notMirrored,
  'organizationInvitation.revoked': notMirrored,
  'organizationDomain.created': notMirrored,
  'organizationDomain.updated': notMirrored,
  'organizationDomain.deleted': notMirrored,
  'role.created': notMirrored,
  'role.updated': notMirrored,
  'role.deleted': notMirrored,
  'permission.created': notMirrored,
  'permission.updated': notMirrored,
  'permission.deleted': notMirrored,
  'email.created': notMirrored,
  'sms.created': notMirrored,
  'waitlistEntry.created': notMirrored,
  'waitlistEntry.updated': notMirrored,
  'subscription.created': notMirrored,
  'subscription.updated': notMirrored,
  'subscription.active': notMirrored,
  'subscription.pastDue': notMirrored,
  'subscriptionItem.created': notMirrored,
  'subscriptionItem.updated': notMirrored,
  'subscriptionItem.active': notMirrored,
  'subscriptionItem.canceled': notMirrored,
  'subscriptionItem.upcoming': notMirrored,
  'subscriptionItem.ended': notMirrored,
  'subscriptionItem.abandoned': notMirrored,
  'subscriptionItem.incomplete': notMirrored,
  'subscriptionItem.pastDue': notMirrored,
  'subscriptionItem.freeTrialEnding': notMirrored,
  'paymentAttempt.created': notMirrored,
  'paymentAttempt.updated': notMirrored,
} satisfies Record<EventType, Projection>;

/** Types that reach a mirror table. */
export const MIRRORED_TYPES: readonly EventType[] = EVENT_TYPES.filter(
  (type) => REGISTRY[type] !== notMirrored,
);

/** @throws SyncError `event.rejected` when the event cannot be understood. */
export function project(event: ClerkEvent, policy: ProjectionPolicy): Facts | Ignored {
  if (policy.instanceId && event.instanceId && event.instanceId !== policy.instanceId) {
    return { ignored: `The event belongs to another Clerk instance (${event.instanceId}).` };
  }
  if (!isKnown(event.type)) return { ignored: 'The event type is not known to this version.' };
  const found = REGISTRY[event.type](event, policy);
  return 'ignored' in found ? found : keepMirrored(found, policy);
}

/**
 * Of an entity that is not mirrored only a placeholder may be made, where a mirrored one needs it as its parent; and its
 * deletion still counts, where mirrored children go with it.
 */
function keepMirrored([first, ...others]: Facts, { mirrored }: ProjectionPolicy): Facts | Ignored {
  const isMirrored = (table: TableName) => !mirrored || mirrored.includes(table);
  const counts = ({ kind, key }: Fact) => {
    const { table } = ENTITIES[key.entityType];
    const hasChildren = CASCADES[table]?.some(({ child }) => isMirrored(child)) ?? false;
    return isMirrored(table) || (kind === 'deletion' && hasChildren);
  };
  if (!counts(first)) {
    return { ignored: `SYNC_ENTITIES leaves out ${ENTITIES[first.key.entityType].table}.` };
  }
  const kept = others.map((fact) =>
    counts(fact) ? fact : { kind: 'mention' as const, key: fact.key },
  );
  return [first, ...kept];
}

function isKnown(type: string): type is EventType {
  return Object.hasOwn(REGISTRY, type);
}
