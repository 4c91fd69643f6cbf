/** What an event says, as facts about entities. Pure data: projections make facts, decide weighs them, apply writes them. */
import { type ClerkEvent } from '../clerk/event.js';
import { type EntityKey, type Version } from '../db/versions.js';
import { type Row, type TableName } from '../db/tables.js';

/** The entities that have a mirror table, parents first. The rank is the global lock order: a child is never held without its parents. */
export const ENTITIES = {
  user: { table: 'users', rank: 0 },
  organization: { table: 'organizations', rank: 0 },
  organization_membership: { table: 'organization_memberships', rank: 1 },
  organization_invitation: { table: 'organization_invitations', rank: 1 },
  organization_domain: { table: 'organization_domains', rank: 1 },
  session: { table: 'sessions', rank: 1 },
  role: { table: 'roles', rank: 1 },
  permission: { table: 'permissions', rank: 1 },
  waitlist_entry: { table: 'waitlist_entries', rank: 1 },
  subscription: { table: 'subscriptions', rank: 1 },
  subscription_item: { table: 'subscription_items', rank: 1 },
  payment_attempt: { table: 'payment_attempts', rank: 1 },
  email: { table: 'email_messages', rank: 1 },
  sms: { table: 'sms_messages', rank: 1 },
} as const satisfies Record<string, { table: TableName; rank: number }>;

export type EntityType = keyof typeof ENTITIES;

export interface Key extends EntityKey {
  entityType: EntityType;
}

/**
 * - `state`: the whole entity as of `version`. It needs its parents, and falls when one of them was deleted.
 * - `snapshot`: a parent's state as another entity's event carries it along.
 * - `mention`: the entity exists; nothing else is known.
 * - `deletion`: the entity is gone for good.
 */
export type Fact =
  | { kind: 'state'; key: Key; version: Version; row: Row; parents: readonly Key[] }
  | { kind: 'snapshot'; key: Key; version: Version; row: Row }
  | { kind: 'mention'; key: Key }
  | { kind: 'deletion'; key: Key; version: Version };

/** What one event says. The first fact decides the event's outcome; each of the others stands or falls by itself, so that order does not matter. */
export type Facts = readonly [Fact, ...Fact[]];

/** Why an event is recorded and nothing else. */
export interface Ignored {
  ignored: string;
}

export interface ProjectionPolicy {
  /** CLERK_INSTANCE_ID. Undefined: events of any instance count. */
  instanceId: string | undefined;
  /** SYNC_ENTITIES. Undefined: all. */
  mirrored: readonly TableName[] | undefined;
  defaultRole: string;
  /** Undefined: any. */
  allowedRoles: readonly string[] | undefined;
}

/** Turns an event into facts. Throws SyncError `event.rejected` when the event cannot be understood. */
export type Projection = (event: ClerkEvent, policy: ProjectionPolicy) => Facts;

export function keyOf(entityType: EntityType, entityId: string): Key {
  return { entityType, entityId };
}
