/** Who is meant, and what is left of an event once they are out of it. */
import { sampleEvent } from '../../src/clerk/samples/index.js';
import { judgeEvent } from '../../src/commands/erase/own.js';
import { createRecognition, findMention, readIdentifiers, type Person } from '../../src/person.js';
import { nameOf } from '../../src/projections/decide.js';
import { leaveOutErased, listUsers } from '../../src/projections/erased.js';
import { keyOf } from '../../src/projections/fact.js';
import { prepareEvent } from '../../src/projections/prepare.js';
import { type JsonRecord } from '../../src/record.js';
import { scrub, scrubOwn, type Scrubbing } from '../../src/scrub.js';
import { POLICY } from '../support/applying.js';

const ANN = 'user_ann';
const WALLET = '0x00000000000000000000000000000000000000aa';
const person: Person = {
  userId: ANN,
  identifiers: new Set(['ann@example.com', '+15550100001', WALLET]),
};
const recognition = createRecognition(person);
const scrubbing: Scrubbing = { userIds: [ANN], identifies: recognition.byIdentifier };

describe('the addresses of a person', () => {
  test('are those of objects about them, not those of whoever stands beside them', () => {
    const event = {
      data: {
        id: 'sess_1',
        user_id: ANN,
        user: {
          id: ANN,
          email_addresses: [{ email_address: 'Ann@Example.com' }],
          phone_numbers: [{ phone_number: '+15550100001' }],
          web3_wallets: [{ web3_wallet: WALLET }],
          external_accounts: [{ email_address: 'ann@work.example', provider_user_id: '1' }],
          username: 'ann',
          unsafe_metadata: { email: 'boss@example.com' },
        },
        public_inviter_data: { user_id: 'user_bob', identifier: 'bob@example.com' },
        payer: { user_id: ANN, email: 'billing@ann.example' },
      },
    };
    expect([...readIdentifiers(event, ANN)].sort()).toEqual(
      ['ann@example.com', '+15550100001', WALLET, 'ann@work.example', 'billing@ann.example'].sort(),
    );
  });

  test('are no usernames, which are other people’s first names', () => {
    expect(readIdentifiers({ user_id: ANN, identifier: 'ann' }, ANN).size).toBe(0);
  });
});

describe('a person is recognised', () => {
  test.each([
    ['ann@example.com', true],
    ['Write to ANN@EXAMPLE.COM.', true],
    ['mailto:ann@example.com?subject=x', true],
    ['joann@example.com', false],
    ['jo.ann@example.com', false],
    ['ann@example.com.au', false],
    ['ann@example.community', false],
    ['tel:+15550100001', true],
    ['+155501000012', false],
    ['ann', false],
  ])('by an address: %s is %s', (text, isMeant) => {
    expect(recognition.byIdentifier(text)).toBe(isMeant);
  });

  test.each([
    [ANN, true],
    [`https://img.example.com/${ANN}.png`, true],
    [`${ANN}a`, false],
    [`x${ANN}`, false],
  ])('by the id: %s is %s', (text, isMeant) => {
    expect(recognition.byId(text)).toBe(isMeant);
  });

  test('in keys as in values, however deep', () => {
    const nest = (depth: number): unknown =>
      JSON.parse(`${'['.repeat(depth)}{"ann@example.com":1}${']'.repeat(depth)}`);
    expect(findMention(nest(20_000), recognition)).toEqual({ byId: false, byIdentifier: true });
    expect(findMention({ a: 'nobody' }, recognition)).toBeNull();
  });
});

describe('scrubbing', () => {
  const invitation = {
    type: 'organizationInvitation.created',
    timestamp: 1,
    event_attributes: { http_request: { client_ip: '203.0.113.7' } },
    data: {
      id: 'orginv_1',
      email_address: 'joe@example.com',
      inviter_id: ANN,
      organization_id: 'org_1',
      public_inviter_data: { user_id: ANN, first_name: 'Ann', identifier: 'ann@example.com' },
      public_metadata: { note: 'ask ann@example.com', team: 'blue', 'ann@example.com': 1 },
    },
  };

  test('leaves of an event about others all that is theirs, and the bare id', () => {
    expect(scrub(invitation, scrubbing)).toEqual({
      type: invitation.type,
      timestamp: 1,
      data: {
        ...invitation.data,
        public_inviter_data: { user_id: ANN },
        public_metadata: { note: null, team: 'blue' },
      },
    });
  });

  test('leaves of a payment the amounts, and of payer and card the ids', () => {
    const payment = {
      id: 'cpayatt_1',
      totals: { grand_total: { amount: 100, currency: 'USD' } },
      payer: { id: 'cpayer_1', user_id: ANN, first_name: 'Ann', email: 'x@example.com' },
      payment_source: { id: 'cpm_1', last4: '4242', card_type: 'visa' },
    };
    expect(scrub(payment, scrubbing)).toEqual({
      ...payment,
      payer: { id: 'cpayer_1', user_id: ANN },
      payment_source: { id: 'cpm_1' },
    });
    const others = { ...payment, payer: { ...payment.payer, user_id: 'user_bob' } };
    expect(scrub(others, scrubbing)).toEqual(others);
  });

  test.each([
    'user.updated',
    'session.created',
    'organizationMembership.created',
    'email.created',
  ] as const)('leaves of %s of their own what the worker needs to find the tombstone', (type) => {
    const options = type === 'user.updated' ? { entityId: ANN } : { userId: ANN };
    const event = sampleEvent(type, options);
    expect(judgeEvent(event, person).isOwn).toBe(true);
    const left = scrubOwn(event as unknown as JsonRecord, scrubbing); // an event is plain JSON
    const text = JSON.stringify(left);
    expect(text).toContain(ANN);
    expect(text.length).toBeLessThan(type === 'organizationMembership.created' ? 1_500 : 800);
    expect(text).not.toMatch(/@|first_name|ip_address|user_agent|metadata_|image_url":"[^"]*user_/);
    const prepared = prepareEvent({ id: 'msg_1', body: text, receivedAt: 1 }, POLICY);
    expect(prepared.verdict).toBeUndefined();
    expect(prepared.entry.entityId).toBe((event.data as { id: string }).id); // every sample has one
  });

  test('changes nothing that is scrubbed already', () => {
    for (const event of [invitation, sampleEvent('session.created', { userId: ANN })]) {
      const once = scrub(event, scrubbing);
      expect(scrub(once, scrubbing)).toEqual(once);
      const own = scrubOwn(event as unknown as JsonRecord, scrubbing); // as above
      expect(scrubOwn(own, scrubbing)).toEqual(own);
    }
  });
});

describe('a late event of somebody who was erased', () => {
  const known = new Map([
    [nameOf(keyOf('user', ANN)), { version: null, deleted: true, erased: true }],
    [nameOf(keyOf('waitlist_entry', 'wait_1')), { version: null, deleted: true, erased: true }],
  ]);
  const keep = (event: object) => {
    const delivery = { id: 'msg_1', body: JSON.stringify(event), receivedAt: 1 };
    const prepared = prepareEvent(delivery, POLICY);
    return leaveOutErased(prepared, listUsers(prepared), known);
  };

  test.each([
    ['that is unknown', { type: 'thing.created', data: { id: 'x', user_id: ANN, name: 'Ann' } }],
    ['that cannot be applied', { type: 'user.created', data: { id: { at: 1 }, user_id: ANN } }],
    [
      'of an entity that was erased with them',
      sampleEvent('waitlistEntry.updated', { entityId: 'wait_1' }),
    ],
  ])('%s keeps no payload, and of its body the ids', (_what, event) => {
    const { entry, body } = keep(event);
    expect(entry.payload).toBeNull();
    expect(body).not.toMatch(/Ann|@/);
  });

  test.each(['email.created', 'sms.created', 'organizationInvitation.accepted'] as const)(
    'falls with them, though no foreign key says so: %s',
    (type) => {
      const { facts, entry } = keep(sampleEvent(type, { userId: ANN }));
      expect(facts?.[0]).toMatchObject({
        parents: expect.arrayContaining([keyOf('user', ANN)]) as unknown,
      });
      expect(entry.payload).toBeNull();
    },
  );

  test('about somebody else is kept, without them', () => {
    const invitation = sampleEvent('organizationInvitation.created', { userId: 'user_joe' });
    const data = {
      ...invitation.data,
      inviter_id: ANN,
      public_inviter_data: { user_id: ANN, first_name: 'Canary' },
    };
    const { facts, entry, body } = keep({ ...invitation, data });
    expect(facts?.[0]).toMatchObject({ kind: 'state', row: { inviter_id: ANN } });
    for (const kept of [JSON.stringify(facts), JSON.stringify(entry), body]) {
      expect(kept).not.toContain('Canary');
      expect(kept).toContain('"organization_id"');
    }
  });

  test('that says no more of them than the id is kept whole', () => {
    const { event_attributes: _request, ...event } = sampleEvent('organization.updated', {
      userId: ANN,
    });
    expect(JSON.stringify(event)).toContain(ANN);
    expect(keep(event)).toMatchObject({ body: undefined, entry: { payload: event } });
  });

  test('that does not name them is left as it is', () => {
    const event = sampleEvent('session.created', { userId: 'user_joe' });
    expect(keep(event)).toMatchObject({ body: undefined, entry: { payload: event } });
  });
});
