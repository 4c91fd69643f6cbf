import { createLargeBody } from '../../bench/event-templates.js';
import { createEvents, userIdAt, type BenchEvent } from '../../bench/events.js';

const take = (options: Partial<Parameters<typeof createEvents>[0]> = {}): BenchEvent[] => [
  ...createEvents({ seed: 'tests', count: 500, ...options }),
];

test('every event has an id, a user and an address of its own, and the same options give the same events', () => {
  const events = take();
  expect(new Set(events.map(({ id }) => id)).size).toBe(500);
  expect(new Set(events.map(({ entityId }) => entityId)).size).toBe(500);
  const addresses = events.map(
    ({ body }) => JSON.parse(body).data.email_addresses[0].email_address,
  );
  expect(new Set(addresses).size).toBe(500);
  expect(take()).toEqual(events);
});

test('another seed shares no id', () => {
  const known = new Set(take().flatMap(({ id, entityId }) => [id, entityId]));
  const others = take({ seed: 'others' });
  expect(others.filter(({ id, entityId }) => known.has(id) || known.has(entityId))).toEqual([]);
});

test('what is told of an event is what its body says, and each is younger than those before it', () => {
  let latest = 0;
  for (const { type, entityId, updatedAt, body } of take()) {
    const envelope = JSON.parse(body);
    expect(envelope).toMatchObject({ type, timestamp: updatedAt });
    expect(envelope.data).toMatchObject({ id: entityId, updated_at: updatedAt });
    expect(envelope.data.image_url).toContain(entityId);
    expect(updatedAt).toBeGreaterThan(latest);
    latest = updatedAt;
  }
});

test.each([
  ['1 kB', 1_100, 1_300],
  ['3 kB', 3_000, 3_500],
  ['20 kB', 20_000, 20_500],
] as const)('a body of %s has that size', (size, least, most) => {
  const sizes = take({ sizes: { [size]: 1 } }).map(({ body }) => Buffer.byteLength(body));
  expect(Math.min(...sizes)).toBeGreaterThanOrEqual(least);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(most);
});

test('sizes are mixed in the shares that are asked for', () => {
  const events = take({ count: 4_000, sizes: { '1 kB': 1, '20 kB': 3 } });
  const large = events.filter(({ body }) => body.length > 10_000).length;
  expect(large / events.length).toBeCloseTo(0.75, 1);
});

test('with a number of users every event is an update of one of them', () => {
  const events = take({ users: 20 });
  const users = new Set(Array.from({ length: 20 }, (_, index) => userIdAt('tests', index)));
  expect(new Set(events.map(({ entityId }) => entityId))).toEqual(users);
  expect(new Set(events.map(({ type }) => type))).toEqual(new Set(['user.updated']));
});

test('a large body is JSON of the size that is asked for', () => {
  const body = createLargeBody(256 * 1024);
  expect(Buffer.byteLength(body)).toBeGreaterThanOrEqual(256 * 1024);
  expect(Buffer.byteLength(body)).toBeLessThan(257 * 1024);
  expect(JSON.parse(body)).toMatchObject({ type: 'user.updated' });
});
