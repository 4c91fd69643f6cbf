/** What goes on the queue: the verified body as it came, or without what may be nowhere. */
import { parseEvent } from '../../src/clerk/event.js';
import { toQueueBody } from '../../src/http/queue-body.js';

const HOT = 'HOT-8f2a';

describe('a body without anything forbidden is queued byte for byte', () => {
  test.each([
    ['its white space', '{ "type" : "user.created",\n\t"data" : { "id" : "user_1" } }\n'],
    [
      'its escapes',
      String.raw`{"type":"user.created","data":{"id":"\u0075ser_1","x":"\u00e9\/\u0000"}}`,
    ],
    ['its numbers', '{"type":"user.created","data":{"a":1.0,"b":1e3,"c":12345678901234567890}}'],
    ['its order of keys', '{"type":"user.created","data":{"b":1,"a":2,"2":3,"1":4}}'],
    ['its __proto__', '{"type":"user.created","data":{"__proto__":{"a":1}}}'],
    ['its metadata', '{"type":"user.created","data":{"private_metadata":{"token":"theirs"}}}'],
    ['its unknown type', '{"type":"constructor","data":[1,"two",null]}'],
    ['10,000 levels', `{"type":"user.created","data":${deepen('1')}}`],
  ])('with %s', (_what, text) => {
    expect(queue(text)).toBe(text);
  });
});

test('a body with something forbidden is queued without it, and otherwise equal', () => {
  const body = queue(
    `{"type":"user.updated","timestamp":1768478400000,"data":{"id":"user_1","phone_numbers":[{"id":"idn_1","backup_codes":["${HOT}"]}]}}`,
  );
  expect(JSON.parse(body)).toEqual({
    type: 'user.updated',
    timestamp: 1768478400000,
    data: { id: 'user_1', phone_numbers: [{ id: 'idn_1' }] },
  });
});

test('private_metadata is queued unless the configuration says otherwise', () => {
  const text = '{"type":"user.updated","data":{"id":"user_1","private_metadata":{"vip":true}}}';
  expect(queue(text)).toBe(text);
  expect(queue(text, false)).toBe('{"type":"user.updated","data":{"id":"user_1"}}');
});

describe('nested 10,000 levels deep, with a forbidden key,', () => {
  const hot = `{"token":"${HOT}"}`;
  test.each([
    ['the innermost', `{"type":"user.updated","data":${deepen(hot)}}`],
    ['beside it', `{"type":"user.updated","data":{"token":"${HOT}","deep":${deepen('1')}}}`],
    ['and the depth not in data', `{"type":"user.updated","data":${hot},"extra":${deepen('1')}}`],
    ['all of it outside data', `{"type":"user.updated","data":{},"extra":${deepen(hot)}}`],
  ])('an event is still queued, and the key is not: %s', (_where, text) => {
    const body = queue(text);
    expect(body).not.toContain(HOT);
    expect(JSON.parse(body)).toMatchObject({ type: 'user.updated' });
  });

  test('an event keeps what the ledger records of it, and no data that a projection would take', () => {
    const body = queue(
      `{"object":"event","type":"user.updated","timestamp":1768478400000,"instance_id":"ins_1","data":${deepen(hot)}}`,
    );
    const event = parseEvent({ id: 'msg_1', body, receivedAt: 5 });
    expect(event).toMatchObject({
      type: 'user.updated',
      occurredAt: 1768478400000,
      instanceId: 'ins_1',
      entityId: null,
      data: expect.any(String),
    });
  });
});

function queue(text: string, storePrivateMetadata = true): string {
  const envelope = JSON.parse(text);
  return toQueueBody(text, envelope, { type: envelope.type, storePrivateMetadata });
}

function deepen(innermost: string): string {
  return `${'[{"a":'.repeat(5_000)}${innermost}${'}]'.repeat(5_000)}`;
}
