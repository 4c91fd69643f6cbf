/** The envelope with its traps: what ingest asks of a body, and what the worker reads from it. */
import { parseEvent, readEnvelope, readTimestamp } from '../../src/clerk/event.js';

const RECEIVED_AT = Date.UTC(2026, 0, 15, 12);
const OCCURRED_AT = Date.UTC(2026, 0, 15, 11, 59, 58);

describe('ingest takes', () => {
  test.each([
    ['a known event', '{"type":"user.created","data":{"id":"user_1"}}', 'user.created'],
    ['an unknown type', '{"type":"starship.launched"}', 'starship.launched'],
    ['a type without a dot', '{"type":"x"}', 'x'],
    ['odd data', '{"type":"user.created","data":[1]}', 'user.created'],
    ['white space around it', ' {"type":"a.b"}\n', 'a.b'],
    ['a type that names a property of every object', '{"type":"constructor"}', 'constructor'],
  ])('%s', (_name, text, type) => {
    expect(readEnvelope(JSON.parse(text))).toEqual({ envelope: JSON.parse(text), type });
  });
});

describe('ingest refuses, with 400 and the cause,', () => {
  test.each([
    ['nothing', undefined, /not JSON/],
    ['null', 'null', /not a JSON object/],
    ['an array', '[{"type":"a.b"}]', /not a JSON object/],
    ['a string', '"user.created"', /not a JSON object/],
    ['no type', '{"data":{}}', /"type"/],
    ['an empty type', '{"type":""}', /"type"/],
    ['a type that is a number', '{"type":7}', /"type"/],
    ['a type that is null', '{"type":null}', /"type"/],
    ['a type that only a prototype has', '{"__proto__":{"type":"a.b"}}', /"type"/],
  ])('%s', (_name, text, cause) => {
    expect(() => readEnvelope(text === undefined ? text : JSON.parse(text))).toThrow(
      expect.objectContaining({
        code: 'webhook.rejected',
        status: 400,
        message: expect.stringMatching(cause),
      }),
    );
  });
});

test('a queued delivery is read as the event that Clerk sent', () => {
  const envelope = {
    type: 'user.updated',
    object: 'event',
    timestamp: OCCURRED_AT,
    instance_id: 'ins_1',
    data: { id: 'user_1', first_name: 'Ann' },
  };
  expect(read(envelope)).toEqual({
    id: 'msg_1',
    type: 'user.updated',
    entityType: 'user',
    entityId: 'user_1',
    data: { id: 'user_1', first_name: 'Ann' },
    instanceId: 'ins_1',
    occurredAt: OCCURRED_AT,
    receivedAt: RECEIVED_AT,
    envelope,
    text: JSON.stringify(envelope),
  });
});

describe('the time of an event', () => {
  test.each([
    ['is taken in milliseconds', OCCURRED_AT, OCCURRED_AT],
    ['is taken in seconds', 1_768_478_398, 1_768_478_398_000],
    ['is taken in seconds with a fraction', 1_768_478_398.25, 1_768_478_398_250],
    ['loses a fraction of a millisecond', OCCURRED_AT + 0.4, OCCURRED_AT],
    ['below 1e12 is in seconds', 999_999_999, 999_999_999_000],
    ['of 1e12 is in milliseconds', 1e12, 1e12],
  ])('%s', (_name, timestamp, occurredAt) => {
    expect(read({ type: 'user.updated', timestamp }).occurredAt).toBe(occurredAt);
  });

  test.each<[string, unknown]>([
    ['missing', undefined],
    ['zero', 0],
    ['negative', -1_768_478_398],
    ['null', null],
    ['text', '1768478398000'],
    ['an object', {}],
    ['in microseconds', OCCURRED_AT * 1000],
    ['beyond the year 9999', 253_402_300_800_000],
    ['beyond it once taken for seconds', 999_999_999_999],
    ['next to nothing', 1e-9],
  ])('that is %s counts as the time of receipt', (_name, timestamp) => {
    expect(read({ type: 'user.updated', timestamp }).occurredAt).toBe(RECEIVED_AT);
  });

  test('too great for a number counts as the time of receipt', () => {
    expect(readText('{"type":"user.updated","timestamp":1e999}').occurredAt).toBe(RECEIVED_AT);
  });
});

describe("an object's time", () => {
  test.each<[string, unknown, number | null]>([
    ['is in milliseconds', 1_768_478_398_000, 1_768_478_398_000],
    ['is never taken for seconds', 1_768_478_398, 1_768_478_398],
    ['may be the last of the year 9999', 253_370_764_800_000, 253_370_764_800_000],
    ['is null when zero', 0, null],
    ['is null when it rounds to zero', 0.4, null],
    ['is null when negative', -1, null],
    ['is null when missing', undefined, null],
    ['is null when text', '1768478398000', null],
    ['is null when infinite', Infinity, null],
    ['is null when not a number', NaN, null],
    ['is null beyond the year 9999', 1e16, null],
  ])('%s', (_name, value, ms) => {
    expect(readTimestamp(value)).toBe(ms);
  });
});

describe('the entity of an event', () => {
  test.each([
    ['user.created', 'user'],
    ['organizationMembership.updated', 'organization_membership'],
    ['subscriptionItem.freeTrialEnding', 'subscription_item'],
    ['waitlistEntry.created', 'waitlist_entry'],
    ['starship.launched.twice', 'starship'],
    ['plain', 'plain'],
    ['.created', ''],
  ])('of %s is of the type %j', (type, entityType) => {
    expect(read({ type }).entityType).toBe(entityType);
  });

  test.each<[string, unknown]>([
    ['missing', {}],
    ['empty', { id: '' }],
    ['a number', { id: 17 }],
    ['null', { id: null }],
    ['too long for an index', { id: 'u'.repeat(256) }],
    ["that of a prototype's", JSON.parse('{"__proto__":{"id":"user_1"}}')],
  ])('has no id when it is %s', (_name, data) => {
    expect(read({ type: 'user.created', data }).entityId).toBeNull();
  });

  test('has an id of up to 255 characters', () => {
    const id = 'u'.repeat(255);
    expect(read({ type: 'user.created', data: { id } }).entityId).toBe(id);
  });
});

describe('whatever is odd about an event, it is read:', () => {
  test.each<[string, unknown]>([
    ['null', null],
    ['a string', 'user_1'],
    ['a number', 17],
    ['an array', [{ id: 'user_1' }]],
  ])('data that is %s is kept and names no entity', (_name, data) => {
    expect(read({ type: 'user.created', data })).toMatchObject({ data, entityId: null });
  });

  test('data may be missing', () => {
    expect(read({ type: 'user.created' })).toMatchObject({ data: undefined, entityId: null });
  });

  test.each([undefined, null, 7, {}])('an instance_id of %j counts as none', (instance_id) => {
    expect(read({ type: 'user.created', instance_id }).instanceId).toBeNull();
  });

  test('a type of any length is cut to what an index holds', () => {
    const event = read({ type: `${'A'.repeat(300)}.created` });
    expect(event.type).toBe('A'.repeat(255));
    expect(event.entityType).toHaveLength(255);
  });

  test('a type that is cut in the middle of a character is still one that Postgres can hold', () => {
    const event = read({ type: `${'a'.repeat(254)}😀` });
    expect(event.type).toBe(`${'a'.repeat(254)}\uFFFD`);
    expect(event.entityType).toBe(`${'a'.repeat(254)}\uFFFD`);
  });

  test('what Postgres cannot hold is cleaned, in keys and values, in data and envelope alike', () => {
    const event = readText(
      String.raw`{"type":"a\u0000.b","instance_id":"ins\ud800","data":{"id":"user_\u0000","k\udc00":["\u0000"]}}`,
    );
    expect(event).toMatchObject({
      type: 'a\uFFFD.b',
      entityType: 'a\uFFFD',
      instanceId: 'ins\uFFFD',
      entityId: 'user_\uFFFD',
      data: { id: 'user_\uFFFD', 'k\uFFFD': ['\uFFFD'] },
    });
    expect(JSON.stringify(event.envelope)).not.toMatch(/\\u(0000|d[89a-f])/);
  });

  test('a __proto__ key is data, and changes no object', () => {
    const event = readText(
      '{"type":"user.created","data":{"id":"user_1","__proto__":{"admin":true}}}',
    );
    expect(Object(event.data).admin).toBeUndefined();
    expect(Object({}).admin).toBeUndefined();
    expect(JSON.stringify(event.data)).toBe('{"id":"user_1","__proto__":{"admin":true}}');
  });
});

describe('a delivery that cannot be held is rejected for good:', () => {
  const rejected = (message: RegExp) =>
    expect.objectContaining({
      code: 'event.rejected',
      retryable: false,
      message: expect.stringMatching(message),
    });

  test.each([
    ['10,000 arrays', '['.repeat(10_000) + ']'.repeat(10_000)],
    ['10,000 objects', '{"a":'.repeat(10_000) + '1' + '}'.repeat(10_000)],
  ])('data nested as %s', (_name, data) => {
    expect(() => readText(`{"type":"user.updated","data":${data}}`)).toThrow(rejected(/too deep/));
  });

  test.each([
    ['not JSON', 'user.created', /not JSON/],
    ['not an object', '[]', /not an event/],
    ['without a type', '{}', /not an event/],
  ])('a body %s', (_name, body, cause) => {
    expect(() => readText(body)).toThrow(rejected(cause));
  });
});

function read(envelope: object) {
  return readText(JSON.stringify(envelope));
}

function readText(body: string) {
  return parseEvent({ id: 'msg_1', body, receivedAt: RECEIVED_AT });
}
