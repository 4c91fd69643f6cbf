/** A figure whose run was not correct is void: what the comparison of tables with accepted events finds, and what it lets pass. */
import {
  beginRecord,
  checkMirror,
  checkRows,
  countStrangers,
  emptyMirror,
  forgetApplied,
  recordAccepted,
} from '../../bench/correctness.js';
import { createEvents, type BenchEvent } from '../../bench/events.js';
import { type Database } from '../../src/db/database.js';
import { type Apply } from '../../src/projections/apply.js';
import { createQuietApply, openMirror } from '../support/applying.js';
import { createDatabase, type TestDatabase } from '../support/database.js';

let database: TestDatabase;
let db: Database;
let apply: Apply;

beforeAll(async () => {
  database = await createDatabase();
  db = openMirror(database.url);
  const outbox = { handlersFor: startHandlers, notify: () => undefined };
  apply = createQuietApply(db, { outbox });
});

afterAll(async () => {
  await db.close();
  await database.drop();
});

beforeEach(async () => {
  await emptyMirror(database);
  await beginRecord(database);
});

/** As with the table that ships with us. */
function startHandlers(type: string): string[] {
  return type === 'user.created' ? ['log-sign-ups'] : [];
}

async function applyAll(events: readonly BenchEvent[]): Promise<void> {
  await apply(events.map(({ id, body }) => ({ id, body, receivedAt: Date.now() })));
}

/** Thirty events about ten users or fewer. */
async function acceptSome(seed = 'some'): Promise<BenchEvent[]> {
  const events = [...createEvents({ seed, count: 30, users: 10 })];
  await recordAccepted(database, events);
  return events;
}

test('what was applied in whatever order passes', async () => {
  const events = await acceptSome();
  await applyAll(events.slice(20));
  await applyAll(events.slice(0, 20));
  await checkMirror(database);
  await checkRows(database);
});

test.each([
  [
    'an event is gone from the ledger',
    'DELETE FROM clerk.webhook_events WHERE id = $1',
    '1 events that the ledger lacks',
  ],
  [
    'an event failed',
    `UPDATE clerk.webhook_events SET outcome = 'failed' WHERE id = $1`,
    '1 events with an outcome that none can have, 1 newest events that were not applied',
  ],
  [
    'the newest event was left out as stale',
    `UPDATE clerk.webhook_events SET outcome = 'stale' WHERE id = $1`,
    '1 newest events that were not applied',
  ],
  [
    'a ledger row names somebody else',
    `UPDATE clerk.webhook_events SET entity_id = 'user_2else' WHERE id = $1`,
    '1 ledger rows about somebody else',
  ],
  [
    'a version is of an older event',
    `UPDATE clerk.entity_versions SET version_event_id = 'msg_2older' WHERE version_event_id = $1`,
    '1 versions that are not the newest',
  ],
  [
    'somebody is marked as deleted',
    `UPDATE clerk.entity_versions SET deleted_at = now() WHERE version_event_id = $1`,
    '1 versions that are not the newest',
  ],
  [
    'a row is gone',
    `DELETE FROM clerk.users u USING clerk.webhook_events l WHERE l.id = $1 AND u.id = l.entity_id`,
    '1 rows that are not the newest',
  ],
  [
    'a row has an older time',
    `UPDATE clerk.users u SET updated_at = u.updated_at - interval '1 ms' FROM clerk.webhook_events l WHERE l.id = $1 AND u.id = l.entity_id`,
    '1 rows that are not the newest',
  ],
  [
    'a row has other data',
    `UPDATE clerk.users u SET data = u.data - 'updated_at' FROM clerk.webhook_events l WHERE l.id = $1 AND u.id = l.entity_id`,
    '1 rows that are not the newest',
  ],
  [
    'a row too many is there',
    `INSERT INTO clerk.users (id) VALUES ('user_2' || $1)`,
    '1 rows that nobody asked for',
  ],
  [
    'a ledger row too many is there',
    `INSERT INTO clerk.webhook_events (id) VALUES ($1 || 'x')`,
    '1 ledger rows that nobody asked for',
  ],
])('a figure is void when %s', async (_what, damage, complaint) => {
  const events = await acceptSome();
  await applyAll(events);
  await checkMirror(database);
  await database.query(damage, [events.at(-1)?.id]);
  await expect(checkMirror(database)).rejects.toThrow(complaint);
});

test.each([
  ['is missing', 'DELETE FROM clerk.handler_runs WHERE event_id = $1'],
  ['is there for nothing', `UPDATE clerk.webhook_events SET type = 'user.updated' WHERE id = $1`],
])('a figure is void when the run of a handler %s', async (_what, damage) => {
  const events = [...createEvents({ seed: 'sign-ups', count: 10 })];
  await recordAccepted(database, events);
  await applyAll(events);
  await checkMirror(database);
  await database.query(damage, [events.find(({ type }) => type === 'user.created')?.id]);
  await expect(checkMirror(database)).rejects.toThrow('1 runs of handlers that are missing');
});

test('what is on the queue still is not missing, and what was lost is', async () => {
  const events = await acceptSome();
  await applyAll(events.slice(0, 25));
  await checkMirror(database, { pending: 5 });
  await expect(checkMirror(database, { pending: 4 })).rejects.toThrow('1 events that the ledger');
});

test('what was there before the run is no stranger', async () => {
  await applyAll([...createEvents({ seed: 'before', count: 7 })]);
  const events = await acceptSome();
  const strangers = await countStrangers(database);
  await applyAll(events);
  await checkMirror(database, { strangers });
  await expect(checkMirror(database)).rejects.toThrow('7 rows that nobody asked for');
});

test('a queue that is never empty is compared round by round', async () => {
  const events = await acceptSome();
  await applyAll(events.slice(0, 10));
  await checkMirror(database, { pending: 20 });
  await forgetApplied(database);
  await applyAll(events.slice(10));
  await checkMirror(database);
});

test('where only rows are owed, each has to be there and the newest', async () => {
  const events = await acceptSome();
  await applyAll(events);
  await database.query(
    `UPDATE clerk.users SET updated_at = updated_at - interval '1 ms' WHERE id = $1`,
    [events[0]?.entityId],
  );
  await expect(checkRows(database)).rejects.toThrow('1 rows that are not the newest');
  await database.query('DELETE FROM clerk.users WHERE id = $1', [events[0]?.entityId]);
  await expect(checkRows(database)).rejects.toThrow('1 users without a row');
});
