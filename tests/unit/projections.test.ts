/** What each event says: its rows, written here by hand, and how little it takes to be understood. */
import { EVENT_TYPES } from '../../src/clerk/event-types.js';
import { parseEvent } from '../../src/clerk/event.js';
import { sampleEvent, sampleId, seededRandom } from '../../src/clerk/samples/index.js';
import { type Fact, type ProjectionPolicy } from '../../src/projections/fact.js';
import { project } from '../../src/projections/registry.js';
import { POLICY } from '../support/applying.js';

const NOW = Date.UTC(2026, 0, 15, 12);
const NOW_ISO = '2026-01-15T12:00:00.000Z';

describe('a user', () => {
  test('with everything fills every column', () => {
    const data = {
      id: 'user_1',
      object: 'user',
      first_name: 'Zoë',
      last_name: 'Núñez',
      username: 'zoe',
      image_url: 'https://img.example.com/1',
      external_id: 'crm-1',
      primary_email_address_id: 'idn_2',
      email_addresses: [
        { id: 'idn_1', email_address: 'old@example.com' },
        { id: 'idn_2', email_address: 'zoe@example.com' },
      ],
      primary_phone_number_id: 'idn_3',
      phone_numbers: [{ id: 'idn_3', phone_number: '+15551234567' }],
      banned: false,
      last_sign_in_at: NOW - 1000,
      public_metadata: { role: 'admin' },
      private_metadata: { plan: 'x' },
      unsafe_metadata: { theme: 'dark' },
      created_at: NOW - 86_400_000,
      updated_at: NOW,
      a_field_of_tomorrow: [1],
    };
    expect(facts('user.updated', data)).toEqual([
      {
        kind: 'state',
        key: { entityType: 'user', entityId: 'user_1' },
        version: { updatedAt: NOW, occurredAt: NOW + 5, eventId: 'msg_1' },
        parents: [],
        row: {
          id: 'user_1',
          email: 'zoe@example.com',
          first_name: 'Zoë',
          last_name: 'Núñez',
          username: 'zoe',
          phone: '+15551234567',
          image_url: 'https://img.example.com/1',
          role: 'admin',
          external_id: 'crm-1',
          status: 'active',
          last_sign_in_at: '2026-01-15T11:59:59.000Z',
          public_metadata: { role: 'admin' },
          private_metadata: { plan: 'x' },
          unsafe_metadata: { theme: 'dark' },
          created_at: '2026-01-14T12:00:00.000Z',
          updated_at: NOW_ISO,
          data,
        },
      },
    ]);
  });

  test('with nothing but an id is a row all the same, as of the event', () => {
    const [fact] = facts('user.created', { id: 'user_1' });
    expect(fact).toMatchObject({ version: { updatedAt: NOW + 5, occurredAt: NOW + 5 } });
    const filled = Object.entries(Object(fact).row).filter(([, value]) => value !== null);
    expect(Object.fromEntries(filled)).toEqual({
      id: 'user_1',
      role: 'client',
      status: 'active',
      data: { id: 'user_1' },
    });
  });

  describe("'s email and phone are the primary ones, never a guess:", () => {
    const one = { id: 'idn_1', email_address: 'a@example.com', phone_number: '+15550000001' };
    const two = { id: 'idn_2', email_address: 'b@example.com', phone_number: '+15550000002' };
    test.each<[string, unknown, unknown, number | null]>([
      ['the primary one, though not the first', [one, two], 'idn_2', 2],
      ['none, when no id is primary', [one], null, null],
      ['none, when the primary id is missing', [one], undefined, null],
      ['none, when the primary id is not among them', [one, two], 'idn_9', null],
      ['none of an empty list', [], 'idn_1', null],
      ['none of no list', null, 'idn_1', null],
      ['none of a list that is an object', { idn_1: one }, 'idn_1', null],
      ['none, when the ids are of the wrong type', [{ ...one, id: 1 }], 1, null],
      ['the primary one among rubbish', [null, 'idn_1', [one], 7, one], 'idn_1', 1],
      [
        'none, when the primary one is empty',
        [{ id: 'idn_1', email_address: '', phone_number: '' }],
        'idn_1',
        null,
      ],
      [
        'none, when the primary one is not text',
        [{ id: 'idn_1', email_address: 7, phone_number: {} }],
        'idn_1',
        null,
      ],
    ])('%s', (_name, list, primaryId, which) => {
      const data = {
        id: 'user_1',
        email_addresses: list,
        phone_numbers: list,
        primary_email_address_id: primaryId,
        primary_phone_number_id: primaryId,
      };
      const [email, phone] =
        [
          [null, null],
          ['a@example.com', '+15550000001'],
          ['b@example.com', '+15550000002'],
        ][which ?? 0] ?? [];
      expect(rowOf('user.updated', data)).toMatchObject({ email, phone });
    });
  });

  describe("'s role", () => {
    const role = (data: object, policy: Partial<ProjectionPolicy> = {}) =>
      Object(rowOf('user.updated', { id: 'user_1', ...data }, { ...POLICY, ...policy })).role;

    test('is the one of public_metadata', () => {
      expect(role({ public_metadata: { role: 'admin' } })).toBe('admin');
    });

    test.each<[string, unknown]>([
      ['missing', {}],
      ['null', { role: null }],
      ['empty', { role: '' }],
      ['a list', { role: ['admin'] }],
      ['true', { role: true }],
      ['in metadata that is null', null],
      ['in metadata that is text', 'admin'],
    ])('is the default when it is %s', (_name, public_metadata) => {
      expect(role({ public_metadata })).toBe('client');
      expect(role({ public_metadata }, { defaultRole: 'guest' })).toBe('guest');
    });

    test('is the default when it is none of the allowed', () => {
      const allowedRoles = ['client', 'staff'];
      expect(role({ public_metadata: { role: 'staff' } }, { allowedRoles })).toBe('staff');
      expect(role({ public_metadata: { role: 'admin' } }, { allowedRoles })).toBe('client');
      expect(role({ public_metadata: { role: 'STAFF' } }, { allowedRoles })).toBe('client');
      expect(role({ public_metadata: { role: 'x' } }, { allowedRoles, defaultRole: 'none' })).toBe(
        'none',
      );
    });

    test('never comes from unsafe_metadata, which the user may write, nor from private_metadata', () => {
      expect(role({ unsafe_metadata: { role: 'admin' } })).toBe('client');
      expect(role({ private_metadata: { role: 'admin' } })).toBe('client');
      expect(role({ role: 'admin' })).toBe('client');
      expect(
        role({ public_metadata: { role: 'client' }, unsafe_metadata: { role: 'admin' } }),
      ).toBe('client');
    });

    test('is not that of a prototype', () => {
      expect(role({ public_metadata: JSON.parse('{"__proto__":{"role":"admin"}}') })).toBe(
        'client',
      );
    });
  });

  describe("'s status", () => {
    test.each([
      [{}, 'active'],
      [{ locked: true }, 'locked'],
      [{ banned: true }, 'banned'],
      [{ banned: true, locked: true }, 'banned'],
      [{ deprovisioned: true }, 'deprovisioned'],
      [{ deprovisioned: true, banned: true, locked: true }, 'deprovisioned'],
      [{ deprovisioned: false, banned: false, locked: true }, 'locked'],
      [{ banned: 'true', locked: 1, deprovisioned: {} }, 'active'],
      [{ banned: null }, 'active'],
    ])('of %j is %s', (flags, status) => {
      expect(rowOf('user.updated', { id: 'user_1', ...flags })).toMatchObject({ status });
    });
  });

  test('with fields of the wrong type has null there, and keeps them in data', () => {
    const data = {
      id: 'user_1',
      first_name: 7,
      last_name: ['x'],
      username: {},
      image_url: false,
      external_id: 0,
      email_addresses: 'a@example.com',
      phone_numbers: 7,
      last_sign_in_at: 'yesterday',
      created_at: -1,
      updated_at: '2026',
      public_metadata: [],
      private_metadata: 'x',
      unsafe_metadata: 7,
    };
    expect(rowOf('user.updated', data)).toEqual({
      id: 'user_1',
      email: null,
      first_name: null,
      last_name: null,
      username: null,
      phone: null,
      image_url: null,
      role: 'client',
      external_id: null,
      status: 'active',
      last_sign_in_at: null,
      public_metadata: null,
      private_metadata: null,
      unsafe_metadata: null,
      created_at: null,
      updated_at: null,
      data,
    });
  });

  test('with empty texts has null there', () => {
    const data = { id: 'user_1', first_name: '', last_name: null, username: '' };
    const expected = { first_name: null, last_name: null, username: null };
    expect(rowOf('user.updated', data)).toMatchObject(expected);
  });
});

describe('an organization', () => {
  const data = {
    id: 'org_1',
    object: 'organization',
    name: 'Acme',
    slug: 'acme',
    image_url: 'https://img.example.com/2',
    members_count: 3,
    created_by: 'user_1',
    public_metadata: { plan: 'free' },
    private_metadata: {},
    created_at: NOW,
    updated_at: NOW,
    max_allowed_memberships: 5,
  };
  const row = {
    id: 'org_1',
    name: 'Acme',
    slug: 'acme',
    image_url: 'https://img.example.com/2',
    members_count: 3,
    created_by: 'user_1',
    public_metadata: { plan: 'free' },
    private_metadata: {},
    created_at: NOW_ISO,
    updated_at: NOW_ISO,
    data,
  };

  test.each(['organization.created', 'organization.updated'])(
    'of %s fills every column',
    (type) => {
      expect(facts(type, data)).toEqual([
        {
          kind: 'state',
          key: { entityType: 'organization', entityId: 'org_1' },
          version: { updatedAt: NOW, occurredAt: NOW + 5, eventId: 'msg_1' },
          parents: [],
          row,
        },
      ]);
    },
  );

  test.each([2.5, -3e9, 2_147_483_648, '3', null, NaN])(
    'a members_count of %j is none',
    (count) => {
      expect(rowOf('organization.updated', { ...data, members_count: count })).toMatchObject({
        members_count: null,
      });
    },
  );

  test('that a membership carries is a snapshot as of its own updated_at, which loses every tie', () => {
    const membership = {
      id: 'orgmem_1',
      organization: data,
      public_user_data: { user_id: 'user_2' },
    };
    expect(facts('organizationMembership.created', membership)[1]).toEqual({
      kind: 'snapshot',
      key: { entityType: 'organization', entityId: 'org_1' },
      version: { updatedAt: NOW, occurredAt: 0, eventId: '' },
      row,
    });
  });
});

describe('a membership', () => {
  const ORG = { entityType: 'organization', entityId: 'org_1' };
  const USER = { entityType: 'user', entityId: 'user_1' };
  const SEAT = { entityType: 'organization_membership', entityId: 'orgmem_1' };
  const data = {
    id: 'orgmem_1',
    role: 'org:admin',
    permissions: ['org:a:read', 'org:a:manage'],
    public_metadata: { seat: 1 },
    organization: { id: 'org_1', name: 'Acme', updated_at: NOW - 1000 },
    public_user_data: { user_id: 'user_1', first_name: 'Ann', identifier: 'ann@example.com' },
    created_at: NOW,
    updated_at: NOW,
  };

  test.each(['organizationMembership.created', 'organizationMembership.updated'])(
    'of %s fills every column, needs both parents, and tells of them',
    (type) => {
      const [own, ...others] = facts(type, data);
      expect(own).toEqual({
        kind: 'state',
        key: SEAT,
        version: { updatedAt: NOW, occurredAt: NOW + 5, eventId: 'msg_1' },
        parents: [ORG, USER],
        row: {
          id: 'orgmem_1',
          organization_id: 'org_1',
          user_id: 'user_1',
          role: 'org:admin',
          permissions: ['org:a:read', 'org:a:manage'],
          public_metadata: { seat: 1 },
          created_at: NOW_ISO,
          updated_at: NOW_ISO,
          data,
        },
      });
      expect(others).toEqual([
        expect.objectContaining({
          kind: 'snapshot',
          key: ORG,
          version: { updatedAt: NOW - 1000, occurredAt: 0, eventId: '' },
        }),
        { kind: 'mention', key: USER },
      ]);
    },
  );

  test.each([undefined, null, 0, -1, 'x'])(
    'only mentions an organization whose updated_at is %j',
    (updated_at) => {
      const organization = { id: 'org_1', name: 'Acme', updated_at };
      const [, second] = facts('organizationMembership.created', { ...data, organization });
      expect(second).toEqual({ kind: 'mention', key: ORG });
    },
  );

  test.each<[unknown, unknown]>([
    [
      ['a', 7, null, 'b'],
      ['a', 'b'],
    ],
    [[], []],
    ['org:a:read', null],
    [null, null],
    [{ 0: 'a' }, null],
  ])('with the permissions %j has %j', (permissions, expected) => {
    expect(rowOf('organizationMembership.updated', { ...data, permissions })).toMatchObject({
      permissions: expected,
    });
  });

  test('that is deleted, sent whole, still tells of its parents', () => {
    expect(facts('organizationMembership.deleted', data)).toEqual([
      {
        kind: 'deletion',
        key: SEAT,
        version: { updatedAt: NOW, occurredAt: NOW + 5, eventId: 'msg_1' },
      },
      expect.objectContaining({ kind: 'snapshot', key: ORG }),
      { kind: 'mention', key: USER },
    ]);
  });

  test.each([
    { deleted: true },
    { organization: null, public_user_data: null },
    { organization: { id: '' }, public_user_data: { user_id: 7 } },
    { organization: 'org_1', public_user_data: ['user_1'] },
  ])('that is deleted needs only its id: %j', (rest) => {
    expect(facts('organizationMembership.deleted', { id: 'orgmem_1', ...rest })).toEqual([
      expect.objectContaining({ kind: 'deletion', key: SEAT }),
    ]);
  });
});

/** A family of events with everything that its columns hold; `row` leaves out what every row has. */
interface Family {
  entityType: string;
  data: Record<string, unknown>;
  row: Record<string, unknown>;
  parents?: { entityType: string; entityId: string }[];
}

const PAYER = { id: 'cpayer_1', user_id: 'user_1', organization_id: '' };
const PAID_BY_USER = { payer_id: 'cpayer_1', user_id: 'user_1', organization_id: null };
const DATED = { created_at: NOW, updated_at: NOW };

const FAMILIES: Record<string, Family> = {
  session: {
    entityType: 'session',
    data: {
      id: 'sess_1',
      user_id: 'user_1',
      client_id: 'client_1',
      status: 'active',
      last_active_organization_id: 'org_1',
      last_active_at: NOW,
      expire_at: NOW,
      abandon_at: NOW,
      ...DATED,
    },
    row: {
      id: 'sess_1',
      user_id: 'user_1',
      client_id: 'client_1',
      status: 'active',
      last_active_organization_id: 'org_1',
      last_active_at: NOW_ISO,
      expire_at: NOW_ISO,
      abandon_at: NOW_ISO,
    },
    parents: [{ entityType: 'user', entityId: 'user_1' }],
  },
  organizationInvitation: {
    entityType: 'organization_invitation',
    data: {
      id: 'orginv_1',
      organization_id: 'org_1',
      email_address: 'a@example.com',
      role: 'org:member',
      status: 'accepted',
      user_id: 'user_1',
      inviter_id: 'user_2',
      expires_at: NOW,
      public_metadata: { a: 1 },
      private_metadata: { b: 2 },
      ...DATED,
    },
    row: {
      id: 'orginv_1',
      organization_id: 'org_1',
      email: 'a@example.com',
      role: 'org:member',
      status: 'accepted',
      user_id: 'user_1',
      inviter_id: 'user_2',
      expires_at: NOW_ISO,
      public_metadata: { a: 1 },
      private_metadata: { b: 2 },
    },
    parents: [{ entityType: 'organization', entityId: 'org_1' }],
  },
  organizationDomain: {
    entityType: 'organization_domain',
    data: {
      id: 'orgdmn_1',
      organization_id: 'org_1',
      name: 'example.com',
      enrollment_mode: 'manual_invitation',
      affiliation_email_address: 'postmaster@example.com',
      affiliation_verification: { status: 'verified' },
      ...DATED,
    },
    row: {
      id: 'orgdmn_1',
      organization_id: 'org_1',
      name: 'example.com',
      enrollment_mode: 'manual_invitation',
      verification_status: 'verified',
      affiliation_email: 'postmaster@example.com',
    },
    parents: [{ entityType: 'organization', entityId: 'org_1' }],
  },
  role: {
    entityType: 'role',
    data: {
      id: 'role_1',
      key: 'org:admin',
      name: 'Admin',
      description: 'May all',
      is_creator_eligible: true,
      permissions: [{ id: 'perm_1', key: 'org:a:read' }, null, 'org:x', { key: 7 }, { key: 'b' }],
      ...DATED,
    },
    row: {
      id: 'role_1',
      key: 'org:admin',
      name: 'Admin',
      description: 'May all',
      is_creator_eligible: true,
      permissions: ['org:a:read', 'b'],
    },
  },
  permission: {
    entityType: 'permission',
    data: {
      id: 'perm_1',
      key: 'org:a:read',
      name: 'A',
      description: 'May read a',
      type: 'user',
      ...DATED,
    },
    row: {
      id: 'perm_1',
      key: 'org:a:read',
      name: 'A',
      description: 'May read a',
      type: 'user',
    },
  },
  email: {
    entityType: 'email',
    data: {
      id: 'ema_1',
      user_id: 'user_1',
      email_address_id: 'idn_1',
      to_email_address: 'a@example.com',
      slug: 'invitation',
      status: 'queued',
      delivered_by_clerk: true,
      ...DATED,
    },
    row: {
      id: 'ema_1',
      user_id: 'user_1',
      email_address_id: 'idn_1',
      to_email: 'a@example.com',
      slug: 'invitation',
      status: 'queued',
      delivered_by_clerk: true,
    },
  },
  sms: {
    entityType: 'sms',
    data: {
      id: 'sms_1',
      user_id: 'user_1',
      phone_number_id: 'idn_1',
      to_phone_number: '+15550100001',
      slug: 'verification_code',
      status: 'queued',
      delivered_by_clerk: false,
      ...DATED,
    },
    row: {
      id: 'sms_1',
      user_id: 'user_1',
      phone_number_id: 'idn_1',
      to_phone: '+15550100001',
      slug: 'verification_code',
      status: 'queued',
      delivered_by_clerk: false,
    },
  },
  waitlistEntry: {
    entityType: 'waitlist_entry',
    data: {
      id: 'wait_1',
      email_address: 'a@example.com',
      status: 'invited',
      is_locked: false,
      invitation: { id: 'inv_1' },
      ...DATED,
    },
    row: {
      id: 'wait_1',
      email: 'a@example.com',
      status: 'invited',
      is_locked: false,
      invitation_id: 'inv_1',
    },
  },
  subscription: {
    entityType: 'subscription',
    data: {
      id: 'csub_1',
      payer_id: 'cpayer_1',
      payer: PAYER,
      status: 'active',
      latest_payment_id: 'cpay_1',
      active_at: NOW,
      past_due_at: NOW,
      canceled_at: NOW,
      ended_at: NOW,
      items: [],
      ...DATED,
    },
    row: {
      id: 'csub_1',
      ...PAID_BY_USER,
      status: 'active',
      latest_payment_id: 'cpay_1',
      active_at: NOW_ISO,
      past_due_at: NOW_ISO,
      canceled_at: NOW_ISO,
      ended_at: NOW_ISO,
    },
  },
  subscriptionItem: {
    entityType: 'subscription_item',
    data: {
      id: 'csub_item_1',
      subscription_id: 'csub_1',
      payer: PAYER,
      status: 'upcoming',
      plan_id: 'cplan_1',
      plan: { slug: 'team' },
      interval: 'month',
      is_free_trial: true,
      seats: { quantity: 5 },
      period_start: NOW,
      period_end: NOW,
      ...DATED,
    },
    row: {
      id: 'csub_item_1',
      ...PAID_BY_USER,
      subscription_id: 'csub_1',
      status: 'upcoming',
      plan_id: 'cplan_1',
      plan_slug: 'team',
      interval: 'month',
      is_free_trial: true,
      quantity: 5,
      period_start: NOW_ISO,
      period_end: NOW_ISO,
    },
  },
  paymentAttempt: {
    entityType: 'payment_attempt',
    data: {
      id: 'cpayatt_1',
      payment_id: 'cpay_1',
      payer: PAYER,
      status: 'failed',
      charge_type: 'recurring',
      totals: { subtotal: { amount: 1 }, grand_total: { amount: 3239, currency: 'USD' } },
      failed_reason: { code: 'card_declined' },
      billing_date: NOW,
      paid_at: NOW,
      failed_at: NOW,
      ...DATED,
    },
    row: {
      id: 'cpayatt_1',
      ...PAID_BY_USER,
      payment_id: 'cpay_1',
      status: 'failed',
      charge_type: 'recurring',
      amount: 3239,
      currency: 'USD',
      failed_code: 'card_declined',
      billing_date: NOW_ISO,
      paid_at: NOW_ISO,
      failed_at: NOW_ISO,
    },
  },
};
const PARENT_IDS = ['user_id', 'organization_id'];

describe.each(Object.entries(FAMILIES))('%s', (family, { entityType, data, row, parents = [] }) => {
  const types = EVENT_TYPES.filter(
    (type) => type.startsWith(`${family}.`) && !type.endsWith('.deleted'),
  );
  const [type = ''] = types;
  const needed = PARENT_IDS.filter((name) =>
    parents.some(({ entityId }) => entityId === data[name]),
  );

  test.each(types)('%s fills every column, and keeps all of its data', (changed) => {
    expect(facts(changed, data)[0]).toEqual({
      kind: 'state',
      key: { entityType, entityId: data['id'] },
      version: { updatedAt: NOW, occurredAt: NOW + 5, eventId: 'msg_1' },
      parents,
      row: { ...row, created_at: NOW_ISO, updated_at: NOW_ISO, data },
    });
  });

  test.each([[undefined], [null], [''], [-1.5], [[]]])(
    'with %j where something else belongs has null there, and keeps it in data',
    (wrong) => {
      const kept = (name: string) => name === 'id' || needed.includes(name);
      const changed = Object.keys(data).map((name) => [
        name,
        // An empty list is a right value of a list.
        kept(name) ? data[name] : name === 'permissions' && Array.isArray(wrong) ? {} : wrong,
      ]);
      const odd = JSON.parse(JSON.stringify(Object.fromEntries(changed)));
      const empty = Object.keys(row).map((name) => [name, kept(name) ? row[name] : null]);
      // A message is made when its event comes.
      const created_at = ['email', 'sms'].includes(family) ? '2026-01-15T12:00:00.005Z' : null;
      const expected = { ...Object.fromEntries(empty), created_at, updated_at: null, data: odd };
      expect(rowOf(type, odd)).toEqual(expected);
    },
  );
});

describe.each([
  ['session.created', 'user_id'],
  ['session.ended', 'user_id'],
  ['organizationInvitation.created', 'organization_id'],
  ['organizationInvitation.accepted', 'organization_id'],
  ['organizationDomain.updated', 'organization_id'],
])('%s without a parent', (type, field) => {
  test.each([undefined, null, '', 7, {}, 'x'.repeat(256)])(
    'is rejected for good, and the reason names the field (%#)',
    (id) => {
      const user = { id: 'user_1', updated_at: NOW };
      expect(() => facts(type, { id: 'x_1', user, [field]: id })).toThrow(
        rejected(`${type}: "data.${field}" is missing or not an id.`),
      );
    },
  );
});

describe('a session', () => {
  const USER = { entityType: 'user', entityId: 'user_1' };
  const session = (user: unknown) => ({ id: 'sess_1', user_id: 'user_1', user, updated_at: NOW });

  test('carries its whole user, as a version of that user', () => {
    const user = { id: 'user_1', first_name: 'Ann', banned: true, updated_at: NOW - 1000 };
    const [, carried, ...more] = facts('session.created', session(user));
    expect(more).toEqual([]);
    expect(carried).toMatchObject({
      kind: 'snapshot',
      key: USER,
      version: { updatedAt: NOW - 1000, occurredAt: NOW + 5, eventId: 'msg_1' },
      row: { id: 'user_1', first_name: 'Ann', status: 'banned', role: 'client', data: user },
    });
  });

  test("'s user without a time of its own counts as of the event", () => {
    const [, carried] = facts('session.created', session({ id: 'user_1', updated_at: 0 }));
    expect(carried).toMatchObject({ kind: 'snapshot', version: { updatedAt: NOW + 5 } });
  });

  test("'s user gets its role by the same policy", () => {
    const user = { id: 'user_1', public_metadata: { role: 'admin' } };
    const policy = { ...POLICY, allowedRoles: ['client'], defaultRole: 'guest' };
    const [, carried] = facts('session.created', session(user), policy);
    expect(carried).toMatchObject({ row: { role: 'guest' } });
  });

  test.each([undefined, null, 'user_1', [], {}, { id: '' }, { id: 7 }])(
    'with the user %j mentions it',
    (user) => {
      const [, second] = facts('session.removed', session(user));
      expect(second).toEqual({ kind: 'mention', key: USER });
    },
  );
});

test.each<[string, object, string | null]>([
  ['affiliation', { affiliation_verification: { status: 'verified' } }, 'verified'],
  ['its old name', { verification: { status: 'unverified' } }, 'unverified'],
  ['ownership', { ownership_verification: { status: 'failed' } }, 'failed'],
  [
    'affiliation before all else',
    {
      affiliation_verification: { status: 'expired' },
      verification: { status: 'verified' },
      ownership_verification: { status: 'failed' },
    },
    'expired',
  ],
  [
    'ownership where the others are null',
    {
      affiliation_verification: null,
      verification: null,
      ownership_verification: { status: 'verified' },
    },
    'verified',
  ],
  ['nothing', { affiliation_verification: null, verification: null }, null],
  ['no more than rubbish', { verification: 'verified' }, null],
])("a domain's verification_status is that of %s", (_name, verifications, expected) => {
  const data = { id: 'orgdmn_1', organization_id: 'org_1', ...verifications };
  expect(rowOf('organizationDomain.updated', data)).toMatchObject({
    verification_status: expected,
  });
});

test('an SMS says under a name of its own when it was made', () => {
  const sms = { id: 'sms_1', created_at_ms: NOW };
  expect(rowOf('sms.created', sms)).toMatchObject({ created_at: NOW_ISO, updated_at: null });
  expect(rowOf('sms.created', { ...sms, created_at: NOW - 1000 })).toMatchObject({
    created_at: '2026-01-15T11:59:59.000Z',
  });
});

describe('a payer', () => {
  const columns = (data: object) => rowOf('subscription.created', { id: 'csub_1', ...data });

  test.each<[string, object, object]>([
    [
      'is an organization',
      { payer: { id: 'cpayer_1', user_id: '', organization_id: 'org_1' } },
      { payer_id: 'cpayer_1', user_id: null, organization_id: 'org_1' },
    ],
    [
      'is known by its id alone',
      { payer_id: 'cpayer_1' },
      { payer_id: 'cpayer_1', user_id: null, organization_id: null },
    ],
    [
      'has the id that stands beside it, where there are two',
      { payer_id: 'cpayer_1', payer: { id: 'cpayer_2', user_id: 'user_1' } },
      { payer_id: 'cpayer_1', user_id: 'user_1', organization_id: null },
    ],
    ['is nobody', { payer: null }, { payer_id: null, user_id: null, organization_id: null }],
  ])('%s', (_name, data, expected) => {
    expect(columns(data)).toMatchObject(expected);
  });
});

describe("a subscription's items", () => {
  const items = (list: unknown, more: object = {}) =>
    facts('subscription.updated', { id: 'csub_1', payer: PAYER, items: list, ...more }).slice(1);

  test('are snapshots with its id and its payer, as of their own time, which lose every tie', () => {
    const item = {
      id: 'csub_item_1',
      status: 'active',
      subscription_id: null,
      plan_id: 'cplan_1',
      ...DATED,
    };
    expect(items([item])).toEqual([
      {
        kind: 'snapshot',
        key: { entityType: 'subscription_item', entityId: 'csub_item_1' },
        version: { updatedAt: NOW, occurredAt: 0, eventId: '' },
        row: {
          id: 'csub_item_1',
          ...PAID_BY_USER,
          subscription_id: 'csub_1',
          status: 'active',
          plan_id: 'cplan_1',
          plan_slug: null,
          interval: null,
          is_free_trial: null,
          quantity: null,
          period_start: null,
          period_end: null,
          created_at: NOW_ISO,
          updated_at: NOW_ISO,
          data: item,
        },
      },
    ]);
  });

  test.each([undefined, null])("with the payer %j have the subscription's", (payer) => {
    const [item] = items([{ id: 'csub_item_1', payer, payer_id: payer, updated_at: NOW }], {
      payer_id: 'cpayer_9',
    });
    expect(item).toMatchObject({ row: { ...PAID_BY_USER, payer_id: 'cpayer_9' } });
  });

  test('with a payer of their own keep it', () => {
    const payer = { id: 'cpayer_2', organization_id: 'org_1' };
    expect(items([{ id: 'csub_item_1', payer, updated_at: NOW }])).toMatchObject([
      { row: { payer_id: 'cpayer_2', user_id: null, organization_id: 'org_1' } },
    ]);
  });

  test('that have no id or no time are left out, and so is what is no list', () => {
    const odd = [null, 7, {}, { id: '' }, { id: 'x', updated_at: 0 }, { updated_at: NOW }];
    expect(items(odd)).toEqual([]);
    expect(items({ 0: { id: 'x', updated_at: NOW } })).toEqual([]);
    expect(items(null)).toEqual([]);
  });
});

test.each([
  [{ grand_total: { amount: 0, currency: 'JPY' } }, 0, 'JPY'],
  [{ grand_total: { amount: 12.5, currency: 'USD' } }, null, 'USD'],
  [{ grand_total: { amount: 3_000_000_000, currency: 'USD' } }, null, 'USD'],
  [{ grand_total: 7 }, null, null],
  [{ subtotal: { amount: 7, currency: 'USD' } }, null, null],
  [[], null, null],
])('a payment attempt with the totals %j has the amount %j', (totals, amount, currency) => {
  const data = { id: 'cpayatt_1', totals };
  expect(rowOf('paymentAttempt.created', data)).toMatchObject({ amount, currency });
});

describe.each([
  ['user.deleted', 'user'],
  ['organization.deleted', 'organization'],
  ['organizationMembership.deleted', 'organization_membership'],
  ['organizationDomain.deleted', 'organization_domain'],
  ['role.deleted', 'role'],
  ['permission.deleted', 'permission'],
])('%s', (type, entityType) => {
  const key = { entityType, entityId: 'x_1' };

  test('as a plain deleted object is a deletion as of the event', () => {
    expect(facts(type, { object: 'any', id: 'x_1', deleted: true })).toEqual([
      {
        kind: 'deletion',
        key,
        version: { updatedAt: NOW + 5, occurredAt: NOW + 5, eventId: 'msg_1' },
      },
    ]);
  });

  test('as a whole object is the same deletion', () => {
    const [fact] = facts(type, { id: 'x_1', name: 'x', first_name: 'y', updated_at: NOW });
    const version = { updatedAt: NOW, occurredAt: NOW + 5, eventId: 'msg_1' };
    expect(fact).toEqual({ kind: 'deletion', key, version });
  });
});

describe.each(EVENT_TYPES)('%s', (type) => {
  test.each([0, 1, 2, 3])('of a sample is understood (%i)', (seed) => {
    const entityId = sampleId('any', seededRandom(seed));
    const event = sampleEvent(type, { random: seededRandom(seed), now: NOW, entityId });
    const [first] = read(event);
    expect(first).toMatchObject({
      kind: type.endsWith('.deleted') ? 'deletion' : 'state',
      key: { entityId },
      version: { occurredAt: NOW, updatedAt: NOW },
      ...(first?.kind === 'state' && { row: { id: entityId, data: event.data } }),
    });
  });

  test.each<[string, unknown]>([
    ['missing', undefined],
    ['null', null],
    ['text', 'user_1'],
    ['a list', [{ id: 'user_1' }]],
    ['a number', 7],
  ])('whose data is %s is rejected for good, with the reason', (_name, data) => {
    expect(() => facts(type, data)).toThrow(rejected(`${type}: "data" is not an object.`));
  });

  test.each<[string, object]>([
    ['missing', {}],
    ['empty', { id: '' }],
    ['null', { id: null }],
    ['a number', { id: 7 }],
    ['an object', { id: {} }],
    ['256 characters long', { id: 'x'.repeat(256) }],
  ])('whose id is %s is rejected for good, and the reason names the field', (_name, data) => {
    const parents = {
      organization: { id: 'org_1' },
      public_user_data: { user_id: 'user_1' },
      organization_id: 'org_1',
      user_id: 'user_1',
    };
    expect(() => facts(type, { ...parents, ...data })).toThrow(
      rejected(`${type}: "data.id" is missing or not an id.`),
    );
  });
});

describe.each(['organizationMembership.created', 'organizationMembership.updated'])(
  '%s',
  (type) => {
    const whole = {
      id: 'orgmem_1',
      organization: { id: 'org_1' },
      public_user_data: { user_id: 'user_1' },
    };
    test.each<[string, object]>([
      ['data.organization.id', { organization: undefined }],
      ['data.organization.id', { organization: null }],
      ['data.organization.id', { organization: 'org_1' }],
      ['data.organization.id', { organization: { id: '' } }],
      ['data.public_user_data.user_id', { public_user_data: undefined }],
      ['data.public_user_data.user_id', { public_user_data: [] }],
      ['data.public_user_data.user_id', { public_user_data: { user_id: 'x'.repeat(256) } }],
    ])('without a parent is rejected, and the reason names %s (%#)', (path, change) => {
      expect(() => facts(type, { ...whole, ...change })).toThrow(
        rejected(`${type}: "${path}" is missing or not an id.`),
      );
    });
  },
);

function rejected(message: string) {
  return expect.objectContaining({ code: 'event.rejected', retryable: false, message });
}

function facts(type: string, data: unknown, policy = POLICY): readonly Fact[] {
  return read({ type, timestamp: NOW + 5, data }, policy);
}

function read(envelope: object, policy = POLICY): readonly Fact[] {
  const event = parseEvent({ id: 'msg_1', body: JSON.stringify(envelope), receivedAt: NOW + 99 });
  const found = project(event, policy);
  if ('ignored' in found) throw new Error(`ignored: ${found.ignored}`);
  return found;
}

/** The row of the event's own entity. */
function rowOf(type: string, data: unknown, policy = POLICY) {
  const [fact] = facts(type, data, policy);
  return fact?.kind === 'state' ? fact.row : undefined;
}
