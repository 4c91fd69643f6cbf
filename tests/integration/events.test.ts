/** Every event type from Clerk's request to the rows, and entities that come before, after and without each other. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { pino } from 'pino';
import { EVENT_TYPES, type EventType } from '../../src/clerk/event-types.js';
import { sampleEvent, sampleId, type SampleOptions } from '../../src/clerk/samples/index.js';
import { createVerifier } from '../../src/clerk/signature.js';
import { type Database } from '../../src/db/database.js';
import { CASCADES, TABLES } from '../../src/db/tables.js';
import { createApp } from '../../src/http/app.js';
import { createApply, recordFailure, type Apply } from '../../src/projections/apply.js';
import { type ProjectionPolicy } from '../../src/projections/fact.js';
import { openConsumer } from '../../src/queue/consumer.js';
import { createEnqueue } from '../../src/queue/producer.js';
import { listen } from '../../src/server.js';
import { EXPECTED, OCCURRED_AT, type Expectation } from '../fixtures/expected.js';
import { applyOptions, createQuietApply, openMirror, POLICY } from '../support/applying.js';
import {
  BACKENDS,
  openBackend,
  queueSettings,
  waitForQueue,
  type BackendKind,
} from '../support/backends.js';
import { deliver, newMessageId, SECRET } from '../support/clerk.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { waitFor } from '../support/wait.js';
import { UNWATCHED_QUEUE, UNWATCHED_REQUESTS } from '../support/observers.js';

const FIXTURES = path.resolve(import.meta.dirname, '../fixtures');
const NOW = Date.parse(OCCURRED_AT);
const logger = pino({ level: 'silent' });
const NOT_MIRROR_TABLES = [
  'handler_runs',
  'webhook_events',
  'entity_versions',
  'sync_runs',
  'reconcile_seen',
  '_prisma_migrations',
];
/** What the fixtures of email.created and sms.created hold, and nothing may keep. */
const SECRETS_OF_MESSAGES = ['424242', '535353', 'fixture-token', 'Enter this code', 'magic_link'];

type Json = Record<string, unknown>;

test('every event type has its fixture, and every fixture its event type', () => {
  const files = readdirSync(FIXTURES).filter((file) => file.endsWith('.json'));
  expect(files.sort()).toEqual(EVENT_TYPES.map((type) => `${type}.json`).sort());
  for (const type of EVENT_TYPES) expect(readFixture(type).type).toBe(type);
});

test('the fixtures leave no mirror table out', () => {
  const tables = new Set(Object.values(EXPECTED).map(({ table }) => table));
  expect([...tables].sort()).toEqual(Object.keys(TABLES).sort());
});

describe.each(BACKENDS)('from the endpoint to the tables, with the queue in %s:', (kind) => {
  let pipeline: Pipeline;

  beforeAll(async () => {
    pipeline = await startPipeline(kind);
  });

  afterAll(async () => {
    await pipeline.close();
  });

  test.each(EVENT_TYPES)('%s', async (type) => {
    const { database, send } = pipeline;
    const fixture = readFixture(type);
    const { table, id, row, withheld = [], also = [] }: Expectation = EXPECTED[type];
    if (row === null) {
      await send(createdBefore(type, id));
      expect(await readRow(database, table, id)).toBeDefined();
    }
    const ledger = await send(fixture);

    const stored = omit(fixture, withheld);
    const { synced_at, ...columns } = (await readRow(database, table, id)) ?? {};
    expect(columns).toEqual(row === null ? {} : { id, ...row, data: stored.data });
    if (row !== null) expect(synced_at).toEqual(expect.any(String));
    for (const other of also) {
      expect(await readRow(database, other.table, other.id)).toMatchObject(other.row);
    }
    expect(ledger).toMatchObject({
      type,
      entity_id: id,
      instance_id: 'ins_2fixtures',
      occurred_at: OCCURRED_AT,
      outcome: 'applied',
      error: null,
    });
    expect(ledger['payload']).toEqual(stored);
  });

  test('nothing that an email or an SMS says is in its row, its ledger entry or its job', async () => {
    const { database, send, readQueue } = pipeline;
    await send(readFixture('email.created'));
    await send(readFixture('sms.created'));
    const kept = JSON.stringify([
      await database.query('SELECT * FROM clerk.email_messages'),
      await database.query('SELECT * FROM clerk.sms_messages'),
      await database.query('SELECT * FROM clerk.webhook_events'),
      await readQueue(),
    ]);
    expect(kept).toContain('jo@example.com');
    for (const secret of [...SECRETS_OF_MESSAGES, 'fixture-ticket', 'fixture-backup']) {
      expect(kept).not.toContain(secret);
    }
  });

  test('all fixtures at once, and again under other ids, change no row a second time', async () => {
    const { database, send } = pipeline;
    const sendAll = (name: string) =>
      Promise.all(EVENT_TYPES.map((type) => send(readFixture(type), `msg_${name}_${type}`)));
    await sendAll('first');
    const before = await readAll(database);
    for (const name of ['second', 'second', 'first']) await sendAll(name);
    expect(await readAll(database)).toEqual(before);
  });
});

describe('in any order:', () => {
  let database: TestDatabase;
  let db: Database;
  let apply: Apply;

  beforeAll(async () => {
    database = await createDatabase();
    db = openTestDatabase(database);
    apply = createTestApply(db);
  });

  afterAll(async () => {
    await db.close();
    await database.drop();
  });

  const rowOf = (table: string, id: string) => readRow(database, table, id);
  const outcomeOf = async (delivery: ReturnType<typeof event>, using = apply) =>
    (await using([delivery]))[0]?.outcome;

  const CHILDREN = [
    ['session.created', 'sessions', 'user', 'users', 'sess'],
    [
      'organizationInvitation.created',
      'organization_invitations',
      'organization',
      'organizations',
      'orginv',
    ],
    [
      'organizationDomain.created',
      'organization_domains',
      'organization',
      'organizations',
      'orgdmn',
    ],
  ] as const;

  describe.each(CHILDREN)('%s', (type, table, parent, parentTable, prefix) => {
    const newIds = () => ({ child: sampleId(prefix), parent: sampleId(parent) });
    const child = (ids: ReturnType<typeof newIds>, version = 0, data: Json = {}) =>
      event(
        type,
        { entityId: ids.child, userId: ids.parent, organizationId: ids.parent, version },
        { ...(type === 'session.created' && { user: null }), ...data },
      );
    const changed = `${parent}.updated` as const;
    const deleted = `${parent}.deleted` as const;

    test('before its parent makes a placeholder, which the parent fills', async () => {
      const ids = newIds();
      expect(await outcomeOf(child(ids))).toBe('applied');
      expect(await rowOf(table, ids.child)).toMatchObject({ [`${parent}_id`]: ids.parent });
      expect(await rowOf(parentTable, ids.parent)).toMatchObject({
        data: null,
        created_at: null,
        updated_at: null,
      });
      expect(await outcomeOf(event(changed, { entityId: ids.parent }))).toBe('applied');
      expect(await rowOf(parentTable, ids.parent)).toMatchObject({ updated_at: OCCURRED_AT });
      expect(await rowOf(table, ids.child)).toBeDefined();
    });

    test('after its parent leaves the parent alone', async () => {
      const ids = newIds();
      await apply([event(changed, { entityId: ids.parent })]);
      const before = await rowOf(parentTable, ids.parent);
      await apply([child(ids, 3)]);
      expect(await rowOf(parentTable, ids.parent)).toEqual(before);
    });

    test('goes with its deleted parent, and comes too late after it', async () => {
      const ids = newIds();
      await apply([child(ids)]);
      expect(await outcomeOf(event(deleted, { entityId: ids.parent, version: 1 }))).toBe('applied');
      expect(await rowOf(table, ids.child)).toBeUndefined();
      expect(await outcomeOf(child(ids, 5))).toBe('tombstoned');
      expect(await outcomeOf(child({ ...newIds(), parent: ids.parent }, 5))).toBe('tombstoned');
      expect(await rowOf(table, ids.child)).toBeUndefined();
      expect(await rowOf(parentTable, ids.parent)).toBeUndefined();
    });

    test('and the deletion of its parent in one batch, whichever is first, leave neither', async () => {
      for (const deletedFirst of [true, false]) {
        const ids = newIds();
        const batch = [child(ids, 2), event(deleted, { entityId: ids.parent })];
        if (deletedFirst) batch.reverse();
        const outcomes = (await apply(batch)).map(({ outcome }) => outcome);
        expect(outcomes.sort()).toEqual(['applied', 'tombstoned']);
        expect(await rowOf(table, ids.child)).toBeUndefined();
        expect(await rowOf(parentTable, ids.parent)).toBeUndefined();
      }
    });

    test('that names no parent fails with the reason, and its neighbours land', async () => {
      const [ids, neighbour] = [newIds(), newIds()];
      const results = await apply([child(ids, 0, { [`${parent}_id`]: null }), child(neighbour)]);
      expect(results.map(({ outcome }) => outcome)).toEqual(['failed', 'applied']);
      expect(results[0]?.reason).toBe(`${type}: "data.${parent}_id" is missing or not an id.`);
      expect(await rowOf(table, ids.child)).toBeUndefined();
    });

    test('that is older than the one stored changes nothing', async () => {
      const ids = newIds();
      await apply([child(ids, 4, { status: 'newer', name: 'newer' })]);
      const before = await rowOf(table, ids.child);
      expect(await outcomeOf(child(ids, 2, { status: 'older', name: 'older' }))).toBe('stale');
      expect(await rowOf(table, ids.child)).toEqual(before);
    });
  });

  test('a domain is deleted by an event that does not name its organization, even before it came', async () => {
    const [organization, known, unknown] = [
      sampleId('org'),
      sampleId('orgdmn'),
      sampleId('orgdmn'),
    ];
    const domain = (entityId: string, version: number) =>
      event('organizationDomain.updated', { entityId, organizationId: organization, version });
    await apply([domain(known, 0)]);
    for (const id of [known, unknown]) {
      const gone = event('organizationDomain.deleted', { entityId: id, version: 1 });
      expect(JSON.parse(gone.body).data).not.toHaveProperty('organization_id');
      expect(await outcomeOf(gone)).toBe('applied');
      expect(await outcomeOf(domain(id, 9))).toBe('tombstoned');
      expect(await rowOf('organization_domains', id)).toBeUndefined();
    }
    expect(await rowOf('organizations', organization)).toBeDefined();
  });

  describe('the user that a session carries', () => {
    const session = (ids: { s: string; u: string }, user: Json, version = 0) =>
      event('session.created', { entityId: ids.s, userId: ids.u, version }, { user });
    const newIds = () => ({ s: sampleId('sess'), u: sampleId('user') });
    const carried = (id: string, updated_at: number, first_name: string) => ({
      id,
      first_name,
      updated_at,
    });

    test('fills the user, and gives way to a newer one', async () => {
      const ids = newIds();
      await apply([session(ids, carried(ids.u, NOW, 'carried'))]);
      expect(await rowOf('users', ids.u)).toMatchObject({
        first_name: 'carried',
        status: 'active',
      });
      const newer = event('user.updated', { entityId: ids.u, version: 1 }, { first_name: 'own' });
      expect(await outcomeOf(newer)).toBe('applied');
      expect(await rowOf('users', ids.u)).toMatchObject({ first_name: 'own' });
    });

    test('makes an older event of the user stale', async () => {
      const ids = newIds();
      await apply([session(ids, carried(ids.u, NOW + 5_000, 'carried'))]);
      expect(await outcomeOf(event('user.created', { entityId: ids.u }))).toBe('stale');
      expect(await rowOf('users', ids.u)).toMatchObject({ first_name: 'carried' });
    });

    test('does not overwrite a newer user, though the session itself is new', async () => {
      const ids = newIds();
      await apply([event('user.updated', { entityId: ids.u, version: 1 }, { first_name: 'own' })]);
      expect(await outcomeOf(session(ids, carried(ids.u, NOW, 'carried'), 9))).toBe('applied');
      expect(await rowOf('users', ids.u)).toMatchObject({ first_name: 'own' });
      expect(await rowOf('sessions', ids.s)).toMatchObject({ user_id: ids.u });
    });

    test('counts though the session itself is stale', async () => {
      const ids = newIds();
      await apply([session(ids, carried(ids.u, NOW, 'older'), 9)]);
      expect(await outcomeOf(session(ids, carried(ids.u, NOW + 5_000, 'newer'), 3))).toBe('stale');
      expect(await rowOf('users', ids.u)).toMatchObject({ first_name: 'newer' });
    });

    test('does not bring back a user who was deleted', async () => {
      const ids = newIds();
      await apply([event('user.deleted', { entityId: ids.u })]);
      expect(await outcomeOf(session(ids, carried(ids.u, NOW + 5_000, 'back'), 9))).toBe(
        'tombstoned',
      );
      expect(await rowOf('users', ids.u)).toBeUndefined();
      expect(await rowOf('sessions', ids.s)).toBeUndefined();
    });
  });

  test('the states of a session follow one another in one row, and an earlier one does not return', async () => {
    const entityId = sampleId('sess');
    const state = (type: EventType, version: number) => event(type, { entityId, version });
    await apply([state('session.ended', 2)]);
    expect(await outcomeOf(state('session.pending', 0))).toBe('stale');
    expect(await outcomeOf(state('session.created', 1))).toBe('stale');
    expect(await rowOf('sessions', entityId)).toMatchObject({ status: 'ended' });
  });

  describe('a subscription and its items', () => {
    const nested = (id: string, updated_at: number, status: string) => ({ id, updated_at, status });
    const subscription = (entityId: string, items: unknown, version = 0) =>
      event('subscription.updated', { entityId, userId: 'user_payer', version }, { items });
    const own = (entityId: string, subscription_id: string, version: number) =>
      event('subscriptionItem.updated', { entityId, version }, { subscription_id, status: 'own' });

    test('that come with it are rows of their own, with its id and its payer', async () => {
      const [s, first, second] = [sampleId('csub'), sampleId('csub_item'), sampleId('csub_item')];
      await apply([
        subscription(s, [nested(first, NOW, 'active'), nested(second, NOW, 'upcoming')]),
      ]);
      for (const [id, status] of [
        [first, 'active'],
        [second, 'upcoming'],
      ] as const) {
        expect(await rowOf('subscription_items', id)).toMatchObject({
          subscription_id: s,
          user_id: 'user_payer',
          payer_id: (await rowOf('subscriptions', s))?.['payer_id'],
          status,
          updated_at: OCCURRED_AT,
        });
      }
    });

    test("lose a tie against the item's own event, in either order, and an older one too", async () => {
      for (const nestedFirst of [true, false]) {
        const [s, item] = [sampleId('csub'), sampleId('csub_item')];
        const carrying = subscription(s, [nested(item, NOW, 'nested')]);
        for (const next of nestedFirst
          ? [carrying, own(item, s, 0)]
          : [own(item, s, 0), carrying]) {
          expect(await outcomeOf(next)).toBe('applied');
        }
        expect(await rowOf('subscription_items', item)).toMatchObject({ status: 'own' });
        await apply([subscription(s, [nested(item, NOW + 1, 'newer')], 1)]);
        expect(await rowOf('subscription_items', item)).toMatchObject({ status: 'newer' });
        expect(await outcomeOf(own(item, s, 0))).toBe('stale');
      }
    });

    test('are read as far as they can be', async () => {
      const [s, item] = [sampleId('csub'), sampleId('csub_item')];
      const odd = [null, 'x', {}, { id: '' }, { id: 'no_time' }, nested(item, NOW, 'active')];
      expect(await outcomeOf(subscription(s, odd))).toBe('applied');
      expect(await rowOf('subscription_items', item)).toBeDefined();
      expect(await outcomeOf(subscription(s, { not: 'a list' }, 1))).toBe('applied');
    });

    test('the payer is no foreign key: it may be unknown, or deleted', async () => {
      const s = sampleId('csub');
      await apply([event('user.deleted', { entityId: 'user_payer' })]);
      expect(await outcomeOf(subscription(s, []))).toBe('applied');
      expect(await rowOf('subscriptions', s)).toMatchObject({ user_id: 'user_payer' });
    });
  });

  test('current_organization_invitations derives what has expired, and hides placeholders', async () => {
    const organizationId = sampleId('org');
    const invite = (type: EventType, data: Json) => {
      const entityId = sampleId('orginv');
      return { entityId, delivery: event(type, { entityId, organizationId }, data) };
    };
    const [past, future] = [Date.now() - 60_000, Date.now() + 3_600_000];
    const cases = [
      ['expired', invite('organizationInvitation.created', { expires_at: past })],
      ['pending', invite('organizationInvitation.created', { expires_at: future })],
      ['pending', invite('organizationInvitation.created', { expires_at: null })],
      ['accepted', invite('organizationInvitation.accepted', { expires_at: past })],
      ['revoked', invite('organizationInvitation.revoked', { expires_at: past })],
    ] as const;
    await apply(cases.map(([, { delivery }]) => delivery));
    await database.query(
      `INSERT INTO clerk.organization_invitations (id, organization_id, status) VALUES ('orginv_bare', $1, 'pending')`,
      [organizationId],
    );
    const rows = await database.query<{ id: string; status: string; current_status: string }>(
      'SELECT * FROM clerk.current_organization_invitations WHERE organization_id = $1',
      [organizationId],
    );
    const found = new Map(rows.map((row) => [row.id, row.current_status]));
    expect(found).toEqual(new Map(cases.map(([status, { entityId }]) => [entityId, status])));
  });

  test('an accepted invitation names its user, and a late revocation does not undo it', async () => {
    const [entityId, organizationId, userId] = [
      sampleId('orginv'),
      sampleId('org'),
      sampleId('user'),
    ];
    const invitation = (type: EventType, version: number) =>
      event(type, { entityId, organizationId, userId, version });
    await apply([invitation('organizationInvitation.created', 0)]);
    await apply([invitation('organizationInvitation.accepted', 2)]);
    expect(await outcomeOf(invitation('organizationInvitation.revoked', 1))).toBe('stale');
    expect(await rowOf('organization_invitations', entityId)).toMatchObject({
      status: 'accepted',
      user_id: userId,
    });
  });

  test('SYNC_ENTITIES leaves sessions out, their users included, or keeps them with placeholders', async () => {
    const without = createTestApply(db, { mirrored: ['users'] });
    const only = createTestApply(db, { mirrored: ['sessions'] });
    const [first, second] = [sampleId('sess'), sampleId('sess')];
    const [u, v] = [sampleId('user'), sampleId('user')];
    const left = event('session.created', { entityId: first, userId: u });
    expect((await without([left]))[0]).toMatchObject({
      outcome: 'ignored',
      reason: 'SYNC_ENTITIES leaves out sessions.',
    });
    expect(await rowOf('sessions', first)).toBeUndefined();
    expect(await rowOf('users', u)).toBeUndefined();
    const kept = event('session.created', { entityId: second, userId: v });
    expect(await outcomeOf(kept, only)).toBe('applied');
    expect(await rowOf('users', v)).toMatchObject({ first_name: null, data: null });
    const gone = event('user.deleted', { entityId: v, version: 1 });
    expect(await outcomeOf(gone, only)).toBe('applied');
    expect(await rowOf('sessions', second)).toBeUndefined();
    // What was left out is decided anew once it is mirrored.
    expect((await apply([left]))[0]).toMatchObject({ outcome: 'applied', repeated: false });
    expect(await rowOf('sessions', first)).toBeDefined();
  });

  test('SYNC_ENTITIES that leaves subscription items out leaves out those of a subscription, too', async () => {
    const only = createTestApply(db, { mirrored: ['subscriptions'] });
    const [s, item] = [sampleId('csub'), sampleId('csub_item')];
    const items = [{ id: item, updated_at: NOW, status: 'active' }];
    const kept = event('subscription.created', { entityId: s }, { items });
    expect(await outcomeOf(kept, only)).toBe('applied');
    expect(await rowOf('subscriptions', s)).toBeDefined();
    expect(await rowOf('subscription_items', item)).toBeUndefined();
  });
});

describe('the tables', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createDatabase();
  });
  afterAll(async () => {
    await database.drop();
  });

  test('have in the database the columns and types that the writers use, and no others', async () => {
    const columns = await database.query<{ table: string; column: string; type: string }>(
      `SELECT c.relname AS table, a.attname AS column, format_type(a.atttypid, a.atttypmod) AS type
       FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
       WHERE c.relnamespace = 'clerk'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped`,
    );
    const found: Record<string, Record<string, string>> = {};
    for (const { table, column, type } of columns) {
      if (NOT_MIRROR_TABLES.includes(table)) continue;
      const written = type.replace('timestamp(3) with time zone', 'timestamptz(3)');
      found[table] = { ...found[table], [column]: written };
    }
    const expected = Object.entries(TABLES).map(([name, own]) => [
      name,
      { id: 'text', synced_at: 'timestamptz(3)', ...own },
    ]);
    expect(found).toEqual(Object.fromEntries(expected));
  });

  test('are shown whole by their views', async () => {
    const readColumns = async (relation: string) => {
      const rows = await database.query<{ name: string }>(
        `SELECT column_name AS name FROM information_schema.columns WHERE table_schema = 'clerk' AND table_name = $1`,
        [relation],
      );
      return rows.map(({ name }) => name);
    };
    const views = await database.query<{ name: string }>(
      `SELECT viewname AS name FROM pg_views WHERE schemaname = 'clerk'`,
    );
    expect(views.length).toBeGreaterThan(3);
    for (const { name } of views) {
      const table = await readColumns(name.replace(/^(active|current)_/, ''));
      expect(table).toContain('id');
      expect([name, await readColumns(name)]).toEqual([name, expect.arrayContaining(table)]);
    }
  });

  test('have in the database the cascades that the writers expect, and no other foreign key', async () => {
    const found = await database.query(
      `SELECT parent.relname AS parent, child.relname AS child, a.attname AS column
       FROM pg_constraint k JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = ANY(k.conkey)
       JOIN pg_class parent ON parent.oid = k.confrelid JOIN pg_class child ON child.oid = k.conrelid
       WHERE k.contype = 'f' AND k.connamespace = 'clerk'::regnamespace AND k.confdeltype = 'c'`,
    );
    const expected = Object.entries(CASCADES).flatMap(([parent, children]) =>
      children.map(({ child, column }) => ({ parent, child, column })),
    );
    expect(found).toHaveLength(expected.length);
    expect(found).toEqual(expect.arrayContaining(expected));
    const all = await database.query(
      `SELECT 1 FROM pg_constraint WHERE contype = 'f' AND connamespace = 'clerk'::regnamespace`,
    );
    expect(all).toHaveLength(expected.length);
  });
});

interface Pipeline {
  database: TestDatabase;
  /** Signs and posts; resolves with the ledger row once there is one. */
  send: (event: object, id?: string) => Promise<Json>;
  /** All that the queue keeps of its jobs. */
  readQueue: () => Promise<unknown>;
  close: () => Promise<void>;
}

/** The endpoint, the queue and the worker, wired as the two processes wire them. */
async function startPipeline(kind: BackendKind): Promise<Pipeline> {
  const database = await createDatabase();
  const db = openTestDatabase(database);
  const backend = openBackend(queueSettings(kind), database);
  const open = backend.openQueue();
  await waitForQueue(open);
  const app = createApp({
    paths: ['/api/webhooks'],
    verify: createVerifier([SECRET]),
    enqueue: createEnqueue(open, {
      attempts: 5,
      completedAgeSeconds: 3600,
      completedCount: 1000,
      failedAgeSeconds: 3600,
    }),
    bodyLimitBytes: 1024 * 1024,
    redaction: { storePrivateMetadata: true },
    logger,
    observe: UNWATCHED_REQUESTS,
  });
  const server = await listen(app, { host: '127.0.0.1', port: 0, portVariable: 'PORT' });
  const stopping = new AbortController();
  const applying = applyOptions(db, { signal: stopping.signal });
  const consumer = openConsumer({
    backend,
    concurrency: 20,
    batchSize: 20,
    stalledLimit: 50,
    apply: createApply(applying),
    onDeadLetter: (delivery, reason) => recordFailure(applying, delivery, reason),
    logger,
    observe: UNWATCHED_QUEUE,
  });
  return {
    database,
    send: async (sent, id = newMessageId()) => {
      // What is answered with 503 Svix sends again, under the same id.
      const answer = await waitFor(`${id} to be taken`, async () => {
        const given = await deliver(`http://127.0.0.1:${server.port}/api/webhooks`, sent, id);
        return given.status === 503 ? undefined : given;
      });
      expect(answer).toMatchObject({ status: 200, body: { id } });
      return waitFor(`${id} in the ledger`, () => readRow(database, 'webhook_events', id));
    },
    readQueue: async () => {
      const jobs = await open.queue.getJobs();
      return jobs.map((job) => job.asJSON());
    },
    close: async () => {
      await server.close();
      stopping.abort();
      await consumer.close();
      await open.close();
      await db.close();
      await database.drop();
    },
  };
}

function openTestDatabase({ url }: TestDatabase): Database {
  return openMirror(url, 5);
}

function createTestApply(db: Database, policy: Partial<ProjectionPolicy> = {}): Apply {
  return createQuietApply(db, { policy: { ...POLICY, ...policy } });
}

function event(type: EventType, options: SampleOptions, data: Json = {}, id = newMessageId()) {
  const sample = sampleEvent(type, { now: NOW, ...options });
  Object.assign(sample.data, data);
  return { id, body: JSON.stringify(sample), receivedAt: NOW };
}

/** An event that makes the row which the fixture of a deletion takes away. */
function createdBefore(type: EventType, entityId: string): object {
  const creation = EVENT_TYPES.find((other) => other === type.replace('.deleted', '.created'));
  if (!creation || creation === type) throw new Error(`${type} deletes nothing.`);
  return sampleEvent(creation, { entityId, now: NOW - 60_000 });
}

function readFixture(type: EventType): Json & { type: string; data: Json } {
  const text = readFileSync(path.join(FIXTURES, `${type}.json`), 'utf8');
  return JSON.parse(text) as Json & { type: string; data: Json }; // its file name and the first test say so
}

function omit<T extends object>(whole: T, paths: readonly string[]): T {
  const copy = structuredClone(whole);
  for (const keys of paths.map((item) => item.split('.'))) {
    const last = keys.pop() ?? '';
    const holder = keys.reduce<Json>((value, key) => value[key] as Json, copy as Json); // a path of a fixture
    expect(Object.keys(holder)).toContain(last);
    Reflect.deleteProperty(holder, last);
  }
  return copy;
}

/** A row with its times as ISO 8601 text. */
async function readRow(
  database: TestDatabase,
  table: string,
  id: string,
): Promise<Json | undefined> {
  const [row] = await database.query<Json>(`SELECT * FROM clerk.${table} WHERE id = $1`, [id]);
  return row && (JSON.parse(JSON.stringify(row)) as Json); // a row is an object
}

/** All mirror rows by table, without the time of writing. */
async function readAll(database: TestDatabase): Promise<Record<string, unknown[]>> {
  const tables: Record<string, unknown[]> = {};
  for (const name of Object.keys(TABLES)) {
    tables[name] = await database.query(
      `SELECT id, to_jsonb(t) - 'synced_at' AS row FROM clerk.${name} t ORDER BY id COLLATE "C"`,
    );
  }
  return tables;
}
