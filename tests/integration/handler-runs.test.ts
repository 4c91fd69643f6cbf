/** For which events the commit leaves handlers something to do, and for which it does not. */
import { toBackfillDelivery, toRepairDelivery } from '../../src/backfill/fetched-delivery.js';
import { type Delivery } from '../../src/clerk/event.js';
import { sampleEvent, sampleId } from '../../src/clerk/samples/index.js';
import { type Database } from '../../src/db/database.js';
import { createMetrics } from '../../src/metrics.js';
import { listLabels, readHandlers } from '../../src/outbox/read-handlers.js';
import { reportBacklog } from '../../src/outbox/report-backlog.js';
import { type Apply } from '../../src/projections/apply.js';
import { BOUNDS, createQuietApply, openMirror } from '../support/applying.js';
import { newMessageId } from '../support/clerk.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { parseMetrics } from '../support/metrics.js';

const NOW = Date.UTC(2026, 0, 1);

let database: TestDatabase;
let db: Database;
let apply: Apply;
let notified: number;

beforeAll(async () => {
  database = await createDatabase();
  db = openMirror(database.url);
  apply = createQuietApply(db, {
    outbox: {
      // Every type but one, so that whatever starts none is seen.
      handlersFor: (type) => (type === 'session.created' ? [] : ['first', 'second']),
      notify: () => notified++,
    },
  });
});
beforeEach(() => {
  notified = 0;
});
afterAll(async () => {
  await db.close();
  await database.drop();
});

const user = (
  id: string,
  version: number,
  type: 'user.created' | 'user.updated' = 'user.updated',
) => toDelivery(sampleEvent(type, { entityId: id, version, now: NOW }));
const toDelivery = (event: object, id = newMessageId()): Delivery => ({
  id,
  body: JSON.stringify(event),
  receivedAt: NOW,
});
const runsOf = async ({ id }: { id: string }) =>
  database.query<Record<string, unknown>>(
    'SELECT handler, round, relayed_at, finished_at, outcome, attempts FROM clerk.handler_runs WHERE event_id = $1 ORDER BY handler',
    [id],
  );
const outcomesOf = async (...deliveries: Delivery[]) =>
  (await apply(deliveries)).map(({ outcome }) => outcome);

const NEW = { round: 1, relayed_at: null, finished_at: null, outcome: null, attempts: 0 };

test('an applied event leaves one run for each of its handlers, and the relay is told once a batch', async () => {
  const events = [user(sampleId('user'), 0, 'user.created'), user(sampleId('user'), 0)];
  expect(await outcomesOf(...events)).toEqual(['applied', 'applied']);
  for (const event of events) {
    expect(await runsOf(event)).toEqual([
      { handler: 'first', ...NEW },
      { handler: 'second', ...NEW },
    ]);
  }
  expect(notified).toBe(1);
});

test('a type without handlers leaves nothing, and the relay is not told', async () => {
  const event = toDelivery(sampleEvent('session.created', { now: NOW }));
  expect(await outcomesOf(event)).toEqual(['applied']);
  expect(await runsOf(event)).toEqual([]);
  expect(notified).toBe(0);
});

test('stale, tombstoned, ignored and failed events start none', async () => {
  const [id, gone] = [sampleId('user'), sampleId('user')];
  await apply([user(id, 5), toDelivery(sampleEvent('user.deleted', { entityId: gone, now: NOW }))]);
  notified = 0;
  const events = [
    user(id, 1),
    user(gone, 9),
    toDelivery({ ...sampleEvent('user.created'), type: 'user.renamed' }),
    toDelivery({ type: 'user.created', timestamp: NOW, data: { id: 7 } }),
    toDelivery({ type: 'user.created', timestamp: NOW, data: null }),
  ];
  expect(await outcomesOf(...events)).toEqual([
    'stale',
    'tombstoned',
    'ignored',
    'failed',
    'failed',
  ]);
  for (const event of events) expect(await runsOf(event)).toEqual([]);
  expect(notified).toBe(0);
});

test('an event that the database refuses leaves none, though it was tried; its neighbours leave theirs', async () => {
  const refused = sampleId('user');
  await database.query(`
    CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF NEW.id = '${refused}' THEN RAISE check_violation; END IF; RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON clerk.users DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION public.refuse()`);
  const [poison, neighbour] = [user(refused, 0), user(sampleId('user'), 0)];
  expect(await outcomesOf(poison, neighbour)).toEqual(['failed', 'applied']);
  expect(await runsOf(poison)).toEqual([]);
  expect(await runsOf(neighbour)).toHaveLength(2);
  await database.query('DROP TRIGGER refuse ON clerk.users');
  // What had failed and lands at last is applied for the first time.
  expect(await outcomesOf(poison)).toEqual(['applied']);
  expect(await runsOf(poison)).toHaveLength(2);
});

test('a redelivery starts none again, nor does a forced replay', async () => {
  const event = user(sampleId('user'), 0);
  await apply([event]);
  await database.query(
    `UPDATE clerk.handler_runs SET relayed_at = now(), finished_at = now(), outcome = 'done', attempts = 1 WHERE event_id = $1`,
    [event.id],
  );
  const before = await runsOf(event);
  notified = 0;
  expect(await outcomesOf(event)).toEqual(['applied']);
  expect(await outcomesOf({ ...event, force: true })).toEqual(['applied']);
  expect(await runsOf(event)).toEqual(before);
  const lost = user(sampleId('user'), 0);
  expect(await outcomesOf({ ...lost, force: true })).toEqual(['applied']);
  expect(await runsOf(lost)).toEqual([]);
  expect(notified).toBe(0);
});

test('what is fetched from Clerk starts none', async () => {
  const fetch = { instanceId: 'ins_1', fetchedAt: NOW, redaction: { storePrivateMetadata: true } };
  const { data } = sampleEvent('user.updated', { now: NOW });
  const other = sampleEvent('user.updated', { now: NOW }).data;
  const fetched = [
    toBackfillDelivery('users', data, fetch),
    toRepairDelivery('users', other, fetch),
  ];
  expect(await outcomesOf(...fetched)).toEqual(['applied', 'applied']);
  for (const event of fetched) expect(await runsOf(event)).toEqual([]);
});

test('a batch that is rolled back leaves nothing', async () => {
  const event = user(sampleId('user'), 0);
  const [blocker] = [await database.connect()];
  await blocker.query('BEGIN; LOCK TABLE clerk.handler_runs IN EXCLUSIVE MODE');
  const short = createQuietApply(db, {
    bounds: { ...BOUNDS, lockTimeoutSeconds: 0.05 },
    outbox: { handlersFor: () => ['first'], notify: () => notified++ },
  });
  const [result] = await short([event]);
  await blocker.query('COMMIT');
  expect(result?.outcome).toBe('retry');
  const ledger = await database.query('SELECT 1 FROM clerk.webhook_events WHERE id = $1', [
    event.id,
  ]);
  expect([ledger, await runsOf(event)]).toEqual([[], []]);
  expect(notified).toBe(0);
});

test('/metrics tells what is not over, what failed, and what the queue was not told of; names of the past together', async () => {
  const handlers = readHandlers({ '*': { first: async () => undefined } });
  const metrics = createMetrics('worker', { handler: listLabels(handlers) });
  reportBacklog(db, handlers, metrics);
  await database.query('TRUNCATE clerk.handler_runs');
  const read = async () => parseMetrics((await metrics.read()).text);
  const nothing = await read();
  expect(nothing.valueOf('handler_oldest_unrelayed_seconds')).toBe(0);
  for (const handler of ['first', 'other'])
    expect(nothing.valueOf('handler_oldest_unfinished_seconds', { handler })).toBe(0);

  await database.query(`
    INSERT INTO clerk.handler_runs (event_id, handler, round, created_at, relayed_at, finished_at, outcome) VALUES
      ('a', 'first', 1, now() - interval '1 hour', now(), now(), 'done'),
      ('b', 'first', 1, now() - interval '10 minutes', now(), NULL, NULL),
      ('c', 'first', 1, now() - interval '5 minutes', NULL, NULL, NULL),
      ('d', 'first', 1, now() - interval '1 hour', now(), now(), 'failed'),
      ('a', 'gone', 1, now() - interval '1 hour', now(), now(), 'skipped'),
      ('b', 'gone', 1, now() - interval '2 minutes', now(), NULL, NULL),
      ('c', 'left', 1, now() - interval '3 minutes', now(), NULL, NULL)`);
  const found = await read();
  expect(found.countsOf('handler_runs_unfinished', 'handler')).toEqual({ first: 2, other: 2 });
  expect(found.countsOf('handler_runs_failed', 'handler')).toEqual({ first: 1 });
  expect(found.valueOf('handler_runs_unrelayed')).toBe(1);
  const minutesOf = (seconds = 0) => Math.floor(seconds / 60);
  const oldest = (handler: string) =>
    minutesOf(found.valueOf('handler_oldest_unfinished_seconds', { handler }));
  expect([oldest('first'), oldest('other')]).toEqual([10, 3]);
  expect(minutesOf(found.valueOf('handler_oldest_unrelayed_seconds'))).toBe(5);
});

test('with the database away /metrics tells nothing of runs', async () => {
  const handlers = readHandlers({});
  const metrics = createMetrics('worker', { handler: listLabels(handlers) });
  const url = new URL(database.url);
  url.port = '1';
  const away = openMirror(url.href);
  reportBacklog(away, handlers, metrics);
  const { valueOf } = parseMetrics((await metrics.read()).text);
  expect(valueOf('handler_runs_unfinished')).toBeUndefined();
  expect(valueOf('handler_oldest_unrelayed_seconds')).toBeUndefined();
  await away.close();
});
