/** Which events reach the tables, and why the others do not. */
import { EVENT_TYPES } from '../../src/clerk/event-types.js';
import { parseEvent } from '../../src/clerk/event.js';
import { sampleEvent } from '../../src/clerk/samples/index.js';
import { ENTITY_TABLES } from '../../src/config-parsers.js';
import { CASCADES, TABLES, type TableName } from '../../src/db/tables.js';
import { ENTITIES, type ProjectionPolicy } from '../../src/projections/fact.js';
import { project, REGISTRY } from '../../src/projections/registry.js';

/** Where each family of events goes. */
const TABLE_OF = {
  user: 'users',
  session: 'sessions',
  organization: 'organizations',
  organizationMembership: 'organization_memberships',
  organizationInvitation: 'organization_invitations',
  organizationDomain: 'organization_domains',
  role: 'roles',
  permission: 'permissions',
  email: 'email_messages',
  sms: 'sms_messages',
  waitlistEntry: 'waitlist_entries',
  subscription: 'subscriptions',
  subscriptionItem: 'subscription_items',
  paymentAttempt: 'payment_attempts',
} as const;

const MEMBERSHIP = {
  id: 'orgmem_1',
  organization: { id: 'org_1', updated_at: 1_768_478_400_000 },
  public_user_data: { user_id: 'user_1' },
};

test.each(EVENT_TYPES)('a sample of %s is understood', (type) => {
  expect(Object(run(sampleEvent(type, { entityId: 'x_1' })))[0]).toMatchObject({
    kind: type.endsWith('.deleted') ? 'deletion' : 'state',
    key: { entityId: 'x_1' },
  });
});

test('the registry has a projection for every documented event type, and for no other', () => {
  expect(Object.keys(REGISTRY).sort()).toEqual([...EVENT_TYPES].sort());
});

test('SYNC_ENTITIES may name every mirror table, and every mirror table has its entity', () => {
  expect([...ENTITY_TABLES].sort()).toEqual(Object.keys(TABLES).sort());
  const tables = Object.values(ENTITIES).map(({ table }) => table);
  expect(tables.sort()).toEqual(Object.keys(TABLES).sort());
});

test('every child is locked after its parents', () => {
  const rankOf = new Map<string, number>(
    Object.values(ENTITIES).map(({ table, rank }) => [table, rank]),
  );
  for (const [parent, children] of Object.entries(CASCADES)) {
    for (const { child } of children)
      expect(rankOf.get(child)).toBeGreaterThan(Number(rankOf.get(parent)));
  }
});

describe('an event of a type that is not known is ignored, with a reason:', () => {
  test.each([
    'starship.launched',
    'user',
    'user.',
    'USER.CREATED',
    'user.created ',
    'user.archived',
    'constructor',
    '__proto__',
    'toString',
    'hasOwnProperty',
    'valueOf.created',
  ])('%j', (type) => {
    for (const data of [{ id: 'user_1' }, null, 7]) {
      expect(run({ type, data })).toEqual({ ignored: expect.stringMatching(/not known/) });
    }
  });
});

describe('CLERK_INSTANCE_ID', () => {
  const event = (instance_id?: unknown) => ({
    type: 'user.created',
    data: { id: 'user_1' },
    instance_id,
  });

  test('unset lets events of any instance count', () => {
    expect(run(event('ins_dev'))).toHaveLength(1);
  });

  test('set lets only its own count, and the reason names the other', () => {
    const policy = { instanceId: 'ins_prod' };
    expect(run(event('ins_prod'), policy)).toHaveLength(1);
    expect(run(event('ins_dev'), policy)).toEqual({
      ignored: 'The event belongs to another Clerk instance (ins_dev).',
    });
  });

  test.each([undefined, null, 7])('set lets an event count whose instance is %j', (instance) => {
    expect(run(event(instance), { instanceId: 'ins_prod' })).toHaveLength(1);
  });

  test('set ignores an event of another instance though it is malformed', () => {
    const found = run({ ...event('ins_dev'), data: null }, { instanceId: 'ins_prod' });
    expect(found).toEqual({ ignored: expect.stringContaining('ins_dev') });
  });
});

describe('SYNC_ENTITIES', () => {
  test.each(Object.entries(TABLE_OF))('leaves out %s when it does not name %s', (family, table) => {
    const childless = (Object.keys(TABLES) as TableName[]).filter(
      (name) => name !== table && !CASCADES[table]?.some(({ child }) => child === name),
    );
    const types = EVENT_TYPES.filter((type) => type.startsWith(`${family}.`));
    expect(types).not.toHaveLength(0);
    for (const event of types.map((type) => sampleEvent(type))) {
      const reason = { ignored: `SYNC_ENTITIES leaves out ${table}.` };
      expect(run(event, { mirrored: childless })).toEqual(reason);
      expect(run(event, { mirrored: [table] })).not.toEqual(reason);
    }
  });

  test.each([
    ['user.deleted', 'organization_memberships', 'users'],
    ['user.deleted', 'sessions', 'users'],
    ['organization.deleted', 'organization_memberships', 'organizations'],
    ['organization.deleted', 'organization_invitations', 'organizations'],
    ['organization.deleted', 'organization_domains', 'organizations'],
  ] as const)('heeds %s all the same while its %s are mirrored', (type, child, table) => {
    const data = { id: 'x_1' };
    expect(run({ type, data }, { mirrored: [child] })).toMatchObject([{ kind: 'deletion' }]);
    const others = (['users', 'organizations'] as const).filter((name) => name !== table);
    expect(run({ type, data }, { mirrored: others })).toEqual({
      ignored: `SYNC_ENTITIES leaves out ${table}.`,
    });
  });

  test('makes of what is left out no more than the placeholder that a child needs', () => {
    const event = { type: 'organizationMembership.created', data: MEMBERSHIP };
    expect(run(event, { mirrored: ['organization_memberships'] })).toEqual([
      expect.objectContaining({ kind: 'state' }),
      { kind: 'mention', key: { entityType: 'organization', entityId: 'org_1' } },
      { kind: 'mention', key: { entityType: 'user', entityId: 'user_1' } },
    ]);
    expect(run(event, { mirrored: ['organization_memberships', 'organizations'] })).toEqual([
      expect.objectContaining({ kind: 'state' }),
      expect.objectContaining({ kind: 'snapshot' }),
      { kind: 'mention', key: { entityType: 'user', entityId: 'user_1' } },
    ]);
  });
});

describe('SYNC_ENTITIES, of what an event says of others,', () => {
  const session = {
    type: 'session.created',
    data: { id: 'sess_1', user_id: 'user_1', user: { id: 'user_1', updated_at: 1 } },
  };
  const subscription = {
    type: 'subscription.created',
    data: { id: 'csub_1', items: [{ id: 'csub_item_1', updated_at: 1 }] },
  };

  test("keeps of a session's user the placeholder that the session needs", () => {
    expect(run(session, { mirrored: ['sessions'] })).toEqual([
      expect.objectContaining({ kind: 'state' }),
      { kind: 'mention', key: { entityType: 'user', entityId: 'user_1' } },
    ]);
    expect(run(session, { mirrored: ['sessions', 'users'] })).toMatchObject([
      { kind: 'state' },
      { kind: 'snapshot' },
    ]);
  });

  test("keeps nothing of a subscription's items, which nothing needs", () => {
    expect(run(subscription, { mirrored: ['subscriptions'] })).toMatchObject([{ kind: 'state' }]);
    expect(run(subscription, { mirrored: ['subscriptions'] })).toHaveLength(1);
    expect(run(subscription)).toMatchObject([{ kind: 'state' }, { kind: 'snapshot' }]);
  });
});

function run(envelope: object, policy: Partial<ProjectionPolicy> = {}) {
  const body = JSON.stringify(envelope);
  const event = parseEvent({ id: 'msg_1', body, receivedAt: 1_768_478_400_000 });
  return project(event, {
    instanceId: undefined,
    mirrored: undefined,
    defaultRole: 'client',
    allowedRoles: undefined,
    ...policy,
  });
}
