/** Event type -> projection: the one place that says what each of Clerk's events does. A forgotten row does not compile. */
import { type EventType } from '../clerk/event-types.js';
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
import { emailCreated, smsCreated } from './messages.js';
import { membershipChanged, membershipDeleted } from './memberships.js';
import { organizationChanged, organizationDeleted } from './organizations.js';
import { permissionChanged, permissionDeleted, roleChanged, roleDeleted } from './access.js';
import { paymentAttemptChanged, subscriptionChanged, subscriptionItemChanged } from './billing.js';
import { domainChanged, domainDeleted } from './domains.js';
import { deletionOf } from './entity.js';
import { invitationChanged } from './invitations.js';
import { sessionChanged } from './sessions.js';
import { userChanged, userDeleted } from './users.js';
import { waitlistEntryChanged } from './waitlist.js';

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
  'session.created': sessionChanged,
  'session.pending': sessionChanged,
  'session.ended': sessionChanged,
  'session.removed': sessionChanged,
  'session.revoked': sessionChanged,
  'organizationInvitation.created': invitationChanged,
  'organizationInvitation.accepted': invitationChanged,
  'organizationInvitation.revoked': invitationChanged,
  'organizationDomain.created': domainChanged,
  'organizationDomain.updated': domainChanged,
  'organizationDomain.deleted': domainDeleted,
  'role.created': roleChanged,
  'role.updated': roleChanged,
  'role.deleted': roleDeleted,
  'permission.created': permissionChanged,
  'permission.updated': permissionChanged,
  'permission.deleted': permissionDeleted,
  'email.created': emailCreated,
  'sms.created': smsCreated,
  'waitlistEntry.created': waitlistEntryChanged,
  'waitlistEntry.updated': waitlistEntryChanged,
  'subscription.created': subscriptionChanged,
  'subscription.updated': subscriptionChanged,
  'subscription.active': subscriptionChanged,
  'subscription.pastDue': subscriptionChanged,
  'subscriptionItem.created': subscriptionItemChanged,
  'subscriptionItem.updated': subscriptionItemChanged,
  'subscriptionItem.active': subscriptionItemChanged,
  'subscriptionItem.canceled': subscriptionItemChanged,
  'subscriptionItem.upcoming': subscriptionItemChanged,
  'subscriptionItem.ended': subscriptionItemChanged,
  'subscriptionItem.abandoned': subscriptionItemChanged,
  'subscriptionItem.incomplete': subscriptionItemChanged,
  'subscriptionItem.pastDue': subscriptionItemChanged,
  'subscriptionItem.freeTrialEnding': subscriptionItemChanged,
  'paymentAttempt.created': paymentAttemptChanged,
  'paymentAttempt.updated': paymentAttemptChanged,
} satisfies Record<EventType, Projection>;

/** Clerk sends no event for these; `npm run reconcile` finds out, and says it in their words. */
const DELETIONS_WITHOUT_EVENT: ReadonlyMap<string, Projection> = new Map([
  ['organizationInvitation.deleted', deletionOf('organization_invitation')],
  ['waitlistEntry.deleted', deletionOf('waitlist_entry')],
]);

/** @throws SyncError `event.rejected` when the event cannot be understood. */
export function project(event: ClerkEvent, policy: ProjectionPolicy): Facts | Ignored {
  if (policy.instanceId && event.instanceId && event.instanceId !== policy.instanceId) {
    return { ignored: `The event belongs to another Clerk instance (${event.instanceId}).` };
  }
  const projection = isKnown(event.type)
    ? REGISTRY[event.type]
    : DELETIONS_WITHOUT_EVENT.get(event.type);
  if (!projection) return { ignored: 'The event type is not known to this version.' };
  return keepMirrored(projection(event, policy), policy);
}

/**
 * Of an entity that is not mirrored only a placeholder may be made, where a mirrored one needs it as its parent; and its
 * deletion still counts, where mirrored children go with it.
 */
function keepMirrored([first, ...others]: Facts, { mirrored }: ProjectionPolicy): Facts | Ignored {
  const isMirrored = (table: TableName) => !mirrored || mirrored.includes(table);
  const isParent = (table: TableName) =>
    CASCADES[table]?.some(({ child }) => isMirrored(child)) ?? false;
  const counts = ({ kind, key }: Fact) => {
    const { table } = ENTITIES[key.entityType];
    return isMirrored(table) || (kind === 'deletion' && isParent(table));
  };
  if (!counts(first)) {
    return { ignored: `SYNC_ENTITIES leaves out ${ENTITIES[first.key.entityType].table}.` };
  }
  const kept = others.flatMap((fact): Fact[] => {
    if (counts(fact)) return [fact];
    const { key } = fact;
    return isParent(ENTITIES[key.entityType].table) ? [{ kind: 'mention', key }] : [];
  });
  return [first, ...kept];
}

function isKnown(type: string): type is EventType {
  return Object.hasOwn(REGISTRY, type);
}
