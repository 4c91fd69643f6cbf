/** What an instance holds, named as the Backend API's paths, and which webhook events tell of it. */
import { type EventType } from '../../../src/clerk/event-types.js';

interface KindEvents {
  created: EventType;
  /** By the object's new status, where it has one. Undefined: Clerk has no event for it. */
  updated: (status: unknown) => EventType | undefined;
  deleted?: EventType;
  /** Whether the deletion carries all of what is deleted. */
  isDeletedWhole?: boolean;
}

export const KINDS = {
  users: {
    created: 'user.created',
    updated: () => 'user.updated',
    deleted: 'user.deleted',
  },
  organizations: {
    created: 'organization.created',
    updated: () => 'organization.updated',
    deleted: 'organization.deleted',
  },
  organization_memberships: {
    created: 'organizationMembership.created',
    updated: () => 'organizationMembership.updated',
    deleted: 'organizationMembership.deleted',
    isDeletedWhole: true,
  },
  organization_invitations: {
    created: 'organizationInvitation.created',
    updated: (status) => INVITATION_EVENTS.get(status),
  },
  organization_domains: {
    created: 'organizationDomain.created',
    updated: () => 'organizationDomain.updated',
    deleted: 'organizationDomain.deleted',
  },
  organization_roles: {
    created: 'role.created',
    updated: () => 'role.updated',
    deleted: 'role.deleted',
  },
  organization_permissions: {
    created: 'permission.created',
    updated: () => 'permission.updated',
    deleted: 'permission.deleted',
  },
  waitlist_entries: {
    created: 'waitlistEntry.created',
    updated: () => 'waitlistEntry.updated',
  },
  sessions: {
    created: 'session.created',
    updated: (status) => SESSION_EVENTS.get(status),
  },
} as const satisfies Record<string, KindEvents>;

export type Kind = keyof typeof KINDS;

export function eventsOf(kind: Kind): KindEvents {
  return KINDS[kind];
}

const INVITATION_EVENTS = new Map<unknown, EventType>([
  ['accepted', 'organizationInvitation.accepted'],
  ['revoked', 'organizationInvitation.revoked'],
]);

const SESSION_EVENTS = new Map<unknown, EventType>([
  ['ended', 'session.ended'],
  ['removed', 'session.removed'],
  ['revoked', 'session.revoked'],
]);
