/** Which events reach the tables, and why the others do not. */
import { EVENT_TYPES } from '../../src/clerk/event-types.js';
import { parseEvent } from '../../src/clerk/event.js';
import { sampleEvent } from '../../src/clerk/samples/index.js';
import { type ProjectionPolicy } from '../../src/projections/fact.js';
import { MIRRORED_TYPES, project } from '../../src/projections/registry.js';

const MEMBERSHIP = {
  id: 'orgmem_1',
  organization: { id: 'org_1', updated_at: 1_768_478_400_000 },
  public_user_data: { user_id: 'user_1' },
};

test.each(EVENT_TYPES)('a sample of %s is understood, or ignored with a reason', (type) => {
  const found = run(sampleEvent(type));
  if (MIRRORED_TYPES.includes(type)) expect(found).toEqual(expect.any(Array));
  else expect(found).toEqual({ ignored: expect.stringContaining(type) });
});

test('users, organizations and memberships are mirrored', () => {
  for (const family of ['user', 'organization', 'organizationMembership']) {
    const expected = ['created', 'updated', 'deleted'].map((action) => `${family}.${action}`);
    expect(MIRRORED_TYPES).toEqual(expect.arrayContaining(expected));
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
  test.each([
    ['user.created', { id: 'user_1' }, 'users'],
    ['organization.updated', { id: 'org_1' }, 'organizations'],
    ['organizationMembership.created', MEMBERSHIP, 'organization_memberships'],
    ['organizationMembership.deleted', { id: 'orgmem_1' }, 'organization_memberships'],
  ] as const)('leaves out %s when its table is not named, and says so', (type, data, table) => {
    const all = ['users', 'organizations', 'organization_memberships'] as const;
    const mirrored = all.filter((name) => name !== table);
    const reason = { ignored: `SYNC_ENTITIES leaves out ${table}.` };
    expect(run({ type, data }, { mirrored })).toEqual(reason);
    expect(run({ type, data }, { mirrored: [table] })).not.toEqual(reason);
  });

  test.each([
    ['user.deleted', 'users'],
    ['organization.deleted', 'organizations'],
  ] as const)('heeds %s all the same while its memberships are mirrored', (type, table) => {
    const data = { id: 'x_1' };
    expect(run({ type, data }, { mirrored: ['organization_memberships'] })).toMatchObject([
      { kind: 'deletion' },
    ]);
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
