/** One row for each event type: a type without a row does not compile. */
import type { EventType } from '../event-types.js';
import { buildDeletedPermission, buildDeletedRole, buildPermission, buildRole } from './access.js';
import { buildDeletedDomain, buildDomain } from './domains.js';
import type { Builder } from './draw.js';
import { buildAcceptedInvitation, buildInvitation, buildRevokedInvitation } from './invitations.js';
import { buildMembership } from './memberships.js';
import { buildEmail, buildSms } from './messages.js';
import { buildDeletedOrganization, buildOrganization } from './organizations.js';
import { buildPaymentAttempt, buildSettledPaymentAttempt } from './payment-attempts.js';
import { buildSession } from './sessions.js';
import { buildSubscriptionItem } from './subscription-items.js';
import { buildSubscription } from './subscriptions.js';
import { buildDeletedUser, buildUser } from './users.js';
import { buildDecidedWaitlistEntry, buildWaitlistEntry } from './waitlist.js';

export const BUILDERS = {
  'user.created': buildUser,
  'user.updated': buildUser,
  'user.deleted': buildDeletedUser,
  'session.created': buildSession('active'),
  'session.pending': buildSession('pending'),
  'session.ended': buildSession('ended'),
  'session.removed': buildSession('removed'),
  'session.revoked': buildSession('revoked'),
  'organization.created': buildOrganization,
  'organization.updated': buildOrganization,
  'organization.deleted': buildDeletedOrganization,
  'organizationMembership.created': buildMembership,
  'organizationMembership.updated': buildMembership,
  'organizationMembership.deleted': buildMembership,
  'organizationInvitation.created': buildInvitation,
  'organizationInvitation.accepted': buildAcceptedInvitation,
  'organizationInvitation.revoked': buildRevokedInvitation,
  'organizationDomain.created': buildDomain,
  'organizationDomain.updated': buildDomain,
  'organizationDomain.deleted': buildDeletedDomain,
  'role.created': buildRole,
  'role.updated': buildRole,
  'role.deleted': buildDeletedRole,
  'permission.created': buildPermission,
  'permission.updated': buildPermission,
  'permission.deleted': buildDeletedPermission,
  'email.created': buildEmail,
  'sms.created': buildSms,
  'waitlistEntry.created': buildWaitlistEntry,
  'waitlistEntry.updated': buildDecidedWaitlistEntry,
  'subscription.created': buildSubscription('active'),
  'subscription.updated': buildSubscription('active'),
  'subscription.active': buildSubscription('active'),
  'subscription.pastDue': buildSubscription('past_due'),
  'subscriptionItem.created': buildSubscriptionItem('upcoming'),
  'subscriptionItem.updated': buildSubscriptionItem('active'),
  'subscriptionItem.active': buildSubscriptionItem('active'),
  'subscriptionItem.canceled': buildSubscriptionItem('canceled'),
  'subscriptionItem.upcoming': buildSubscriptionItem('upcoming'),
  'subscriptionItem.ended': buildSubscriptionItem('ended'),
  'subscriptionItem.abandoned': buildSubscriptionItem('abandoned'),
  'subscriptionItem.incomplete': buildSubscriptionItem('incomplete'),
  'subscriptionItem.pastDue': buildSubscriptionItem('past_due'),
  'subscriptionItem.freeTrialEnding': buildSubscriptionItem('active', true),
  'paymentAttempt.created': buildPaymentAttempt,
  'paymentAttempt.updated': buildSettledPaymentAttempt,
} satisfies Record<EventType, Builder>;
