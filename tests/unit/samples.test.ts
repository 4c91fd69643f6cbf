import { EVENT_TYPES, type EventType } from '../../src/clerk/event-types.js';
import {
  sampleEvent,
  sampleId,
  type SampleOptions,
  seededRandom,
} from '../../src/clerk/samples/index.js';

const NOW = Date.UTC(2026, 0, 15);
const SEEDS = Array.from({ length: 40 }, (_, seed) => seed);

const dated = 'id object created_at updated_at';
const user = `${dated} external_id primary_email_address_id primary_phone_number_id primary_web3_wallet_id
  username first_name last_name has_image image_url public_metadata private_metadata unsafe_metadata
  email_addresses phone_numbers web3_wallets passkeys password_enabled two_factor_enabled totp_enabled
  backup_code_enabled mfa_enabled_at mfa_disabled_at external_accounts saml_accounts enterprise_accounts
  last_sign_in_at last_active_at banned locked lockout_expires_in_seconds verification_attempts_remaining
  delete_self_enabled create_organization_enabled legal_accepted_at`;
const session = `${dated} user_id client_id status last_active_at expire_at abandon_at actor user`;
const organization = `${dated} name slug has_image max_allowed_memberships admin_delete_enabled public_metadata`;
const membership = `${dated} role permissions public_metadata organization public_user_data`;
const invitation = `${dated} email_address role role_name organization_id inviter_id public_inviter_data
  status public_metadata url expires_at`;
const domain = `${dated} organization_id name enrollment_mode affiliation_email_address
  affiliation_verification ownership_verification verification total_pending_invitations
  total_pending_suggestions`;
const role = `${dated} name key description is_creator_eligible permissions`;
const permission = `${dated} name key description type`;
const deleted = 'object id deleted';
const email = `id object slug from_email_name to_email_address user_id subject body body_plain status data
  delivered_by_clerk`;
const sms = `object id from_phone_number to_phone_number message status data delivered_by_clerk created_at_ms`;
const waitlistEntry = `${dated} email_address status invitation`;
const payer = 'id user_id first_name last_name email organization_id organization_name image_url';
const subscription = `${dated} status active_at canceled_at ended_at past_due_at latest_payment_id payer_id
  payer payment_source_id items`;
const item = `${dated} status is_free_trial period_start period_end interval plan_id plan subscription_id`;
const attempt = `id instance_id payment_id invoice_id statement_id gateway_external_id status created_at
  updated_at paid_at failed_at failed_reason billing_date charge_type payee payer totals payment_source
  subscription_items`;

/** For each type the value of `object` and the fields that its payload always has. */
const EXPECTED: Record<EventType, [object: string | undefined, fields: string]> = {
  'user.created': ['user', user],
  'user.updated': ['user', user],
  'user.deleted': ['user', deleted],
  'session.created': ['session', session],
  'session.pending': ['session', session],
  'session.ended': ['session', session],
  'session.removed': ['session', session],
  'session.revoked': ['session', session],
  'organization.created': ['organization', organization],
  'organization.updated': ['organization', organization],
  'organization.deleted': ['organization', deleted],
  'organizationMembership.created': ['organization_membership', membership],
  'organizationMembership.updated': ['organization_membership', membership],
  'organizationMembership.deleted': ['organization_membership', membership],
  'organizationInvitation.created': ['organization_invitation', invitation],
  'organizationInvitation.accepted': ['organization_invitation', `${invitation} user_id data`],
  'organizationInvitation.revoked': ['organization_invitation', invitation],
  'organizationDomain.created': ['organization_domain', domain],
  'organizationDomain.updated': ['organization_domain', domain],
  'organizationDomain.deleted': ['organization_domain', deleted],
  'role.created': ['role', role],
  'role.updated': ['role', role],
  'role.deleted': ['role', 'object id'],
  'permission.created': ['permission', permission],
  'permission.updated': ['permission', permission],
  'permission.deleted': ['permission', 'object id'],
  'email.created': ['email', email],
  'sms.created': ['sms_message', sms],
  'waitlistEntry.created': ['waitlist_entry', waitlistEntry],
  'waitlistEntry.updated': ['waitlist_entry', waitlistEntry],
  'subscription.created': ['commerce_subscription', subscription],
  'subscription.updated': ['commerce_subscription', subscription],
  'subscription.active': ['commerce_subscription', subscription],
  'subscription.pastDue': ['commerce_subscription', subscription],
  'subscriptionItem.created': ['commerce_subscription_item', `${item} payer`],
  'subscriptionItem.updated': ['commerce_subscription_item', `${item} payer`],
  'subscriptionItem.active': ['commerce_subscription_item', `${item} payer`],
  'subscriptionItem.canceled': ['commerce_subscription_item', `${item} payer`],
  'subscriptionItem.upcoming': ['commerce_subscription_item', `${item} payer`],
  'subscriptionItem.ended': ['commerce_subscription_item', `${item} payer`],
  'subscriptionItem.abandoned': ['commerce_subscription_item', `${item} payer`],
  'subscriptionItem.incomplete': ['commerce_subscription_item', `${item} payer`],
  'subscriptionItem.pastDue': ['commerce_subscription_item', `${item} payer`],
  'subscriptionItem.freeTrialEnding': ['commerce_subscription_item', `${item} payer`],
  'paymentAttempt.created': [undefined, attempt],
  'paymentAttempt.updated': [undefined, attempt],
};

describe.each(EVENT_TYPES)('a sample of %s', (type) => {
  test('is a complete envelope', () => {
    expect(seeded(type)).toEqual({
      type,
      object: 'event',
      timestamp: NOW,
      instance_id: expect.stringMatching(/^ins_[0-9A-Za-z]{27}$/),
      data: expect.any(Object),
      event_attributes: {
        http_request: {
          client_ip: expect.stringMatching(/^203\.0\.113\.\d{1,3}$/),
          user_agent: expect.stringMatching(/^Mozilla/),
        },
      },
    });
  });

  test('has every field that Clerk always sends', () => {
    const [object, fields] = EXPECTED[type];
    for (const seed of SEEDS) {
      const { data } = seeded(type, seed);
      expect(Object.keys(data)).toEqual(expect.arrayContaining(words(fields)));
      const spelt = data['object'] === 'waitlistEntry' ? 'waitlist_entry' : data['object'];
      expect(spelt).toBe(object);
    }
  });

  test('survives JSON', () => {
    for (const seed of SEEDS) {
      const event = seeded(type, seed);
      // toStrictEqual: an undefined field would get lost on the way.
      expect(JSON.parse(JSON.stringify(event))).toStrictEqual(event);
    }
  });

  test('is the same for the same seed, another for another', () => {
    expect(seeded(type, 'one')).toStrictEqual(seeded(type, 'one'));
    expect(seeded(type, 'one').data['id']).not.toBe(seeded(type, 'two').data['id']);
  });

  test('is about the entity asked for', () => {
    const id = sampleId('any');
    expect(seeded(type, 1, { entityId: id }).data['id']).toBe(id);
  });

  test('grows with its version', () => {
    const [first, second, third] = [0, 1, 2].map((version) => seeded(type, 1, { version }));
    expect(second?.timestamp).toBeGreaterThan(first?.timestamp ?? Infinity);
    expect(third?.timestamp).toBeGreaterThan(second?.timestamp ?? Infinity);
    if (!first || !('updated_at' in first.data)) return;
    expect(second?.data['updated_at']).toBeGreaterThan(Number(first.data['updated_at']));
    expect(second?.data['created_at']).toBe(first.data['created_at']);
  });

  test('names nobody real', () => {
    for (const seed of SEEDS) {
      const text = JSON.stringify(seeded(type, seed).data);
      for (const [, host] of text.matchAll(/(?:@|https?:\/\/)([\w.-]+)/g)) {
        expect(host).toMatch(/(^|\.)example\.(com|org|net)$/);
      }
      for (const [, number] of text.matchAll(/"(\+\d+)"/g)) expect(number).toMatch(/^\+1555\d{7}$/);
    }
  });
});

describe('several events about one user', () => {
  const entityId = sampleId('user', seededRandom('one person'));
  const created = seeded('user.created', 1, { entityId }).data;
  const later = seeded('user.updated', 2, { entityId, version: 3, now: NOW + 86_400_000 }).data;

  test('keep address, username and creation time', () => {
    for (const field of words('email_addresses phone_numbers username created_at external_id')) {
      expect(later[field]).toEqual(created[field]);
    }
  });

  test('change what a person changes', () => {
    for (const field of words('first_name last_sign_in_at public_metadata updated_at')) {
      expect(later[field]).not.toEqual(created[field]);
    }
  });

  test('agree with what other events say about the user', () => {
    const session = seeded('session.created', 3, { userId: entityId }).data;
    expect(session['user_id']).toBe(entityId);
    expect(session['user']).toMatchObject({ id: entityId, username: created['username'] });
    const membership = seeded('organizationMembership.created', 4, { userId: entityId }).data;
    const addresses = Object(created['email_addresses']);
    expect(membership['public_user_data']).toMatchObject({
      user_id: entityId,
      identifier: addresses[0].email_address,
    });
  });
});

describe('a user', () => {
  const users = SEEDS.map((seed) => Object(seeded('user.created', seed).data));

  test('has a primary address among its own', () => {
    for (const one of users) {
      const ids = one.email_addresses.map(({ id }: { id: string }) => id);
      expect(ids).toContain(one.primary_email_address_id);
    }
  });

  test('is sometimes one with a second address, a phone, an outside account, a role', () => {
    expect(users.some((one) => one.email_addresses.length === 2)).toBe(true);
    expect(users.some((one) => one.phone_numbers.length === 1)).toBe(true);
    expect(users.some((one) => one.external_accounts.length === 1)).toBe(true);
    const roles = new Set(users.map((one) => one.public_metadata.role));
    expect(roles).toEqual(new Set([undefined, 'client', 'admin']));
  });

  test('never shares an address with another', () => {
    const many = Array.from({ length: 2000 }, (_, seed) => seeded('user.created', seed).data);
    const addresses = many.map((one) => Object(one['email_addresses'])[0].email_address);
    expect(new Set(addresses).size).toBe(many.length);
  });
});

describe('the parents asked for', () => {
  const userId = sampleId('user');
  const organizationId = sampleId('org');
  const parents = { userId, organizationId };

  test.each<[EventType, object]>([
    ['organization.created', { created_by: userId }],
    [
      'organizationMembership.deleted',
      { organization: { id: organizationId }, public_user_data: { user_id: userId } },
    ],
    [
      'organizationInvitation.accepted',
      {
        organization_id: organizationId,
        user_id: userId,
        status: 'accepted',
        data: { public_organization_data: { id: organizationId } },
      },
    ],
    ['organizationDomain.created', { organization_id: organizationId }],
    ['session.ended', { user_id: userId, last_active_organization_id: organizationId }],
    ['email.created', { user_id: userId }],
    ['sms.created', { user_id: userId }],
    ['subscription.created', { payer: { organization_id: organizationId, user_id: '' } }],
    ['subscriptionItem.active', { payer: { organization_id: organizationId } }],
    ['paymentAttempt.created', { payer: { organization_id: organizationId } }],
  ])('are in %s', (type, expected) => {
    expect(seeded(type, 1, parents).data).toMatchObject(expected);
  });

  test('make the user the payer where no organization is asked for', () => {
    const { data } = seeded('subscription.created', 1, { userId });
    expect(data['payer']).toMatchObject({ user_id: userId, organization_id: '' });
  });
});

describe('a payload', () => {
  test('has the state that its type names', () => {
    expect(seeded('session.revoked').data['status']).toBe('revoked');
    expect(seeded('organizationInvitation.revoked').data['status']).toBe('revoked');
    expect(seeded('subscription.pastDue').data).toMatchObject({ status: 'past_due' });
    expect(seeded('subscriptionItem.freeTrialEnding').data['is_free_trial']).toBe(true);
    expect(seeded('paymentAttempt.created').data['status']).toBe('pending');
  });

  test('nests whole objects', () => {
    const session = Object(seeded('session.created').data);
    expect(Object.keys(session.user)).toEqual(expect.arrayContaining(words(user)));
    const membership = Object(seeded('organizationMembership.deleted').data);
    expect(Object.keys(membership.organization)).toEqual(
      expect.arrayContaining(words(organization)),
    );
    const role = Object(seeded('role.created').data);
    expect(Object.keys(role.permissions[0])).toEqual(expect.arrayContaining(words(permission)));
    const subscription = Object(seeded('subscription.created').data);
    expect(Object.keys(subscription.payer)).toEqual(expect.arrayContaining(words(payer)));
    expect(Object.keys(subscription.items[0])).toEqual(expect.arrayContaining(words(item)));
    expect(subscription.payer.id).toBe(subscription.payer_id);
  });

  test('comes in both shapes where Clerk sends both', () => {
    const wholes = SEEDS.map((seed) => 'permissions' in seeded('role.deleted', seed).data);
    expect(new Set(wholes)).toEqual(new Set([true, false]));
    const names = SEEDS.map((seed) => seeded('waitlistEntry.created', seed).data['object']);
    expect(new Set(names)).toEqual(new Set(['waitlistEntry', 'waitlist_entry']));
  });

  test('carries the one-time code that its message shows', () => {
    const sms = Object(seeded('sms.created').data);
    expect(sms.data.otp_code).toMatch(/^\d{6}$/);
    expect(sms.message).toContain(sms.data.otp_code);
  });
});

test('an id has its prefix and 27 base62 characters', () => {
  expect(sampleId('user')).toMatch(/^user_[0-9A-Za-z]{27}$/);
  expect(sampleId('org', seededRandom(7))).toBe(sampleId('org', seededRandom(7)));
  expect(sampleId('org')).not.toBe(sampleId('org'));
});

test('a seeded stream stays within 0 and 1 and spreads', () => {
  const random = seededRandom('spread');
  const numbers = Array.from({ length: 10_000 }, random);
  expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...numbers)).toBeLessThan(1);
  expect(numbers.reduce((sum, one) => sum + one) / numbers.length).toBeCloseTo(0.5, 1);
});

test('without options a sample is of now', () => {
  const before = Date.now();
  expect(sampleEvent('user.created').timestamp).toBeGreaterThanOrEqual(before);
});

function seeded(type: EventType, seed: number | string = 1, options: SampleOptions = {}) {
  return sampleEvent(type, { random: seededRandom(seed), now: NOW, ...options });
}

function words(text: string): string[] {
  return text.split(/\s+/);
}
