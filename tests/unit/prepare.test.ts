/** From a queued delivery to its ledger row, and to facts or a verdict. Nothing that Clerk can send throws. */
import fc from 'fast-check';
import { EVENT_TYPES } from '../../src/clerk/event-types.js';
import { type ProjectionPolicy } from '../../src/projections/fact.js';
import { prepareEvent } from '../../src/projections/prepare.js';

const RECEIVED_AT = Date.UTC(2026, 0, 15, 12);
const OCCURRED_AT = RECEIVED_AT - 2_000;
const POLICY: ProjectionPolicy = {
  instanceId: 'ins_1',
  mirrored: undefined,
  defaultRole: 'client',
  allowedRoles: undefined,
};

describe('an event that is', () => {
  const envelope = {
    type: 'user.updated',
    timestamp: OCCURRED_AT,
    instance_id: 'ins_1',
    data: { id: 'user_1' },
  };
  const entry = {
    id: 'msg_1',
    type: 'user.updated',
    entityType: 'user',
    entityId: 'user_1',
    instanceId: 'ins_1',
    occurredAt: OCCURRED_AT,
    receivedAt: RECEIVED_AT,
    error: null,
    payload: envelope,
  };

  test('understood has its facts, and no verdict yet', () => {
    expect(prepare(envelope)).toEqual({
      entry,
      document: toDocument(envelope),
      facts: [expect.objectContaining({ kind: 'state' })],
      verdict: undefined,
      force: false,
      fetched: false,
    });
  });

  test('ignored has a reason, and keeps its payload for a replay', () => {
    const other = { ...envelope, instance_id: 'ins_2' };
    const error = 'The event belongs to another Clerk instance (ins_2).';
    expect(prepare(other)).toEqual({
      entry: { ...entry, instanceId: 'ins_2', payload: other, error },
      document: toDocument(other),
      facts: undefined,
      verdict: 'ignored',
      force: false,
      fetched: false,
    });
  });

  test('of an unknown type is ignored, never failed', () => {
    const odd = { type: 'starship.launched', data: 'odd' };
    expect(prepare(odd)).toEqual({
      entry: {
        ...entry,
        type: 'starship.launched',
        entityType: 'starship',
        entityId: null,
        instanceId: null,
        occurredAt: RECEIVED_AT,
        payload: odd,
        error: expect.stringMatching(/not known/),
      },
      document: toDocument(odd),
      facts: undefined,
      verdict: 'ignored',
      force: false,
      fetched: false,
    });
  });

  test('a deletion without an id has failed, with the reason and its payload', () => {
    const odd = { ...envelope, type: 'user.deleted', data: { deleted: true } };
    expect(prepare(odd)).toEqual({
      entry: {
        ...entry,
        type: 'user.deleted',
        entityId: null,
        payload: odd,
        error: 'user.deleted: "data.id" is missing or not an id.',
      },
      document: toDocument(odd),
      facts: undefined,
      verdict: 'failed',
      force: false,
      fetched: false,
    });
  });

  test.each([
    [
      'nested beyond measure',
      `{"type":"a.b","data":${'['.repeat(10_000)}${']'.repeat(10_000)}}`,
      /too deep/,
    ],
    ['not JSON', '{', /not JSON/],
    ['no event', '[]', /not an event/],
  ])('%s has failed, and leaves what is known of it', (_what, body, error) => {
    expect(prepareEvent({ id: 'msg_1', body, receivedAt: RECEIVED_AT }, POLICY)).toEqual({
      entry: {
        id: 'msg_1',
        type: null,
        entityType: null,
        entityId: null,
        instanceId: null,
        occurredAt: null,
        receivedAt: RECEIVED_AT,
        error: expect.stringMatching(error),
        payload: null,
      },
      document: undefined,
      facts: undefined,
      verdict: 'failed',
      force: false,
      fetched: false,
    });
  });

  test('only to be described has neither facts nor a verdict', () => {
    const delivery = { id: 'msg_1', body: JSON.stringify(envelope), receivedAt: RECEIVED_AT };
    expect(prepareEvent(delivery, undefined)).toEqual({
      entry,
      document: toDocument(envelope),
      facts: undefined,
      verdict: undefined,
      force: false,
      fetched: false,
    });
    const malformed = { ...delivery, body: JSON.stringify({ ...envelope, data: null }) };
    expect(prepareEvent(malformed, undefined)).toMatchObject({
      verdict: undefined,
      force: false,
      fetched: false,
      entry: { error: null },
    });
  });
});

test('whatever the data of a known type, the event gets facts or a verdict with a reason', () => {
  const data = fc.oneof(
    json(),
    fc.record(
      {
        id: fc.oneof(fc.constant('x_1'), json()),
        updated_at: fc.oneof(fc.double(), json()),
        organization: fc.oneof(fc.record({ id: json(), updated_at: json() }), json()),
        public_user_data: fc.oneof(fc.record({ user_id: json() }), json()),
        organization_id: fc.oneof(fc.constant('org_1'), json()),
        user_id: fc.oneof(fc.constant('user_1'), json()),
        user: fc.oneof(
          fc.record({ id: json(), updated_at: json(), public_metadata: json() }),
          json(),
        ),
        items: fc.oneof(
          fc.array(fc.record({ id: json(), updated_at: fc.double(), plan: json() })),
          json(),
        ),
        payer: fc.oneof(fc.record({ id: json(), user_id: json() }), json()),
        totals: fc.oneof(fc.record({ grand_total: json() }), json()),
        seats: fc.oneof(fc.record({ quantity: fc.double() }), json()),
        verification: json(),
        invitation: json(),
        failed_reason: json(),
        email_addresses: fc.oneof(fc.array(json()), json()),
        primary_email_address_id: json(),
        public_metadata: json(),
        permissions: json(),
        members_count: json(),
      },
      { requiredKeys: [] },
    ),
  );
  const envelopes = fc.record({
    type: fc.constantFrom(...EVENT_TYPES),
    timestamp: fc.oneof(fc.double(), json()),
    instance_id: json(),
    data,
  });
  fc.assert(
    fc.property(envelopes, (envelope) => {
      const { facts, verdict, entry } = prepare(envelope);
      expect(facts === undefined).toBe(verdict !== undefined);
      expect(entry.error === null).toBe(verdict === undefined);
      expect(JSON.stringify(entry)).not.toMatch(/\\u0000|\\ud[89a-f]/i);
    }),
    { numRuns: 1_000 },
  );
});

function prepare(envelope: object) {
  const body = JSON.stringify(envelope);
  return prepareEvent({ id: 'msg_1', body, receivedAt: RECEIVED_AT }, POLICY);
}

/** Any JSON, with NUL among its characters. */
function json() {
  return fc.jsonValue({ stringUnit: 'binary' });
}

function toDocument(value: unknown) {
  return { value, text: JSON.stringify(value) };
}
