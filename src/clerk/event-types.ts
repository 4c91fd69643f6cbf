/** The 46 event types that Clerk documents, in one list. Others are accepted, too: this list is for samples and the registry. */
export const EVENT_TYPES = [
  'user.created',
  'user.updated',
  'user.deleted',
  'session.created',
  'session.pending',
  'session.ended',
  'session.removed',
  'session.revoked',
  'organization.created',
  'organization.updated',
  'organization.deleted',
  'organizationMembership.created',
  'organizationMembership.updated',
  'organizationMembership.deleted',
  'organizationInvitation.created',
  'organizationInvitation.accepted',
  'organizationInvitation.revoked',
  'organizationDomain.created',
  'organizationDomain.updated',
  'organizationDomain.deleted',
  'role.created',
  'role.updated',
  'role.deleted',
  'permission.created',
  'permission.updated',
  'permission.deleted',
  'email.created',
  'sms.created',
  'waitlistEntry.created',
  'waitlistEntry.updated',
  'subscription.created',
  'subscription.updated',
  'subscription.active',
  'subscription.pastDue',
  'subscriptionItem.created',
  'subscriptionItem.updated',
  'subscriptionItem.active',
  'subscriptionItem.canceled',
  'subscriptionItem.upcoming',
  'subscriptionItem.ended',
  'subscriptionItem.abandoned',
  'subscriptionItem.incomplete',
  'subscriptionItem.pastDue',
  'subscriptionItem.freeTrialEnding',
  'paymentAttempt.created',
  'paymentAttempt.updated',
] as const;

export type EventType = (typeof EVENT_TYPES)[number];

const OTHER_TYPE = 'other';
/** All that `labelOfType` can say. */
export const TYPE_LABELS = [...EVENT_TYPES, OTHER_TYPE] as const;

/** For a metric, whose labels must not grow with what strangers invent: the type itself where it is one of Clerk's, else `other`. */
export function labelOfType(type: string | null): string {
  return EVENT_TYPES.find((known) => known === type) ?? OTHER_TYPE;
}
