/** What deliveries do to the tables of a real Postgres, in whatever order and company they come. */
import { type EventType } from '../../src/clerk/event-types.js';
import { sampleEvent, sampleId, type SampleOptions } from '../../src/clerk/samples/index.js';
import { type Database } from '../../src/db/database.js';
import {
  createApply,
  recordFailure,
  type Apply,
  type ApplyOptions,
} from '../../src/projections/apply.js';
import { applyOptions, BOUNDS, openMirror, POLICY } from '../support/applying.js';
import { newMessageId } from '../support/clerk.js';
import { probeDatabase } from '../../src/db/probe.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { waitFor } from '../support/wait.js';

const NOW = Date.UTC(2026, 0, 1);

let database: TestDatabase;
let db: Database;
let apply: Apply;

interface Overrides {
  db?: Database;
  policy?: object;
  lockTimeoutSeconds?: number;
  signal?: AbortSignal;
}

function testOptions(overrides: Overrides = {}): ApplyOptions {
  const {
    db: own = db,
    policy,
    lockTimeoutSeconds = BOUNDS.lockTimeoutSeconds,
    signal,
  } = overrides;
  return applyOptions(own, {
    policy: { ...POLICY, ...policy },
    bounds: { ...BOUNDS, lockTimeoutSeconds },
    ...(signal && { signal }),
  });
}

function createTestApply(overrides?: Overrides): Apply {
  return createApply(testOptions(overrides));
}

beforeAll(async () => {
  database = await createDatabase();
  db = openMirror(database.url);
  apply = createTestApply();
});

afterAll(async () => {
  await db.close();
  await database.drop();
});

function delivery(type: EventType, options: SampleOptions, data: object = {}, id = newMessageId()) {
  const event = sampleEvent(type, { now: NOW, ...options });
  Object.assign(event.data, data);
  return { id, body: JSON.stringify(event), receivedAt: NOW };
}

const user = (id: string, version: number, data?: object) =>
  delivery('user.updated', { entityId: id, version }, data);
const userDeleted = (id: string, version = 0) =>
  delivery('user.deleted', { entityId: id, version });
const rowOf = async (table: string, id: string) =>
  (
    await database.query<Record<string, unknown>>(`SELECT * FROM clerk.${table} WHERE id = $1`, [
      id,
    ])
  )[0];
const ledgerOf = async (id: string) => rowOf('webhook_events', id);
const newUser = () => sampleId('user');

describe('one entity', () => {
  test('a created user has its row, its version and its ledger entry', async () => {
    const id = newUser();
    const event = delivery(
      'user.created',
      { entityId: id },
      { public_metadata: { role: 'admin' } },
    );
    expect(await apply([event])).toEqual([{ outcome: 'applied', repeated: false, reason: null }]);
    const data = (JSON.parse(event.body) as { data: Record<string, unknown> }).data;
    expect(await rowOf('users', id)).toMatchObject({
      id,
      first_name: data['first_name'],
      role: 'admin',
      status: 'active',
      public_metadata: { role: 'admin' },
      updated_at: new Date(NOW),
      data,
    });
    expect(await ledgerOf(event.id)).toMatchObject({
      type: 'user.created',
      entity_type: 'user',
      entity_id: id,
      outcome: 'applied',
      error: null,
      occurred_at: new Date(NOW),
      payload: JSON.parse(event.body),
    });
  });

  test('a redelivery has no second effect', async () => {
    const id = newUser();
    const event = user(id, 1, { first_name: 'once' });
    await apply([event]);
    await database.query(`UPDATE clerk.users SET first_name = 'untouched' WHERE id = $1`, [id]);
    expect(await apply([event, event])).toEqual([
      { outcome: 'applied', repeated: true, reason: null },
      { outcome: 'applied', repeated: true, reason: null },
    ]);
    expect((await rowOf('users', id))?.['first_name']).toBe('untouched');
  });

  test('an older version that comes late changes nothing', async () => {
    const id = newUser();
    await apply([user(id, 5, { first_name: 'new' })]);
    const late = user(id, 2, { first_name: 'old' });
    expect((await apply([late]))[0]?.outcome).toBe('stale');
    expect((await rowOf('users', id))?.['first_name']).toBe('new');
    expect(await ledgerOf(late.id)).toMatchObject({ outcome: 'stale' });
  });

  test('an update before its creation makes the row, and the creation then is stale', async () => {
    const id = newUser();
    await apply([user(id, 1, { first_name: 'updated' })]);
    const created = delivery('user.created', { entityId: id, version: 0 });
    expect((await apply([created]))[0]?.outcome).toBe('stale');
    expect((await rowOf('users', id))?.['first_name']).toBe('updated');
  });

  test('a late update does not resurrect a deleted user', async () => {
    const id = newUser();
    await apply([user(id, 1)]);
    await apply([userDeleted(id, 2)]);
    const late = user(id, 9);
    expect((await apply([late]))[0]?.outcome).toBe('tombstoned');
    expect(await rowOf('users', id)).toBeUndefined();
  });

  test('a user deleted before anything else was known stays deleted', async () => {
    const id = newUser();
    expect((await apply([userDeleted(id)]))[0]?.outcome).toBe('applied');
    expect((await apply([user(id, 3)]))[0]?.outcome).toBe('tombstoned');
    expect((await apply([userDeleted(id, 5)]))[0]?.outcome).toBe('stale');
    expect(await rowOf('users', id)).toBeUndefined();
  });

  test('what Postgres cannot hold is cleaned, so that the user stays in step', async () => {
    const id = newUser();
    const event = user(id, 1, {
      first_name: 'a\u0000b',
      unsafe_metadata: { '\ud800': 'x\udfffy' },
    });
    expect((await apply([event]))[0]?.outcome).toBe('applied');
    expect(await rowOf('users', id)).toMatchObject({
      first_name: 'a\uFFFDb',
      unsafe_metadata: { '\uFFFD': 'x\uFFFDy' },
    });
  });

  test('an address that moves to another account violates nothing', async () => {
    const [first, second] = [newUser(), newUser()];
    const address = {
      email_addresses: [{ id: 'idn_1', email_address: 'moved@example.com' }],
      primary_email_address_id: 'idn_1',
    };
    await apply([user(first, 1, address), user(second, 1, address)]);
    expect((await rowOf('users', second))?.['email']).toBe('moved@example.com');
  });
});

describe('organizations and memberships', () => {
  const newIds = () => ({ o: sampleId('org'), u: newUser(), m: sampleId('orgmem') });
  const membership = (
    { o, u, m }: ReturnType<typeof newIds>,
    version = 0,
    type: EventType = 'organizationMembership.created',
  ) => delivery(type, { entityId: m, organizationId: o, userId: u, version });

  test('a membership before its parents creates a placeholder user and fills the organization', async () => {
    const ids = newIds();
    await apply([membership(ids)]);
    expect(await rowOf('organization_memberships', ids.m)).toMatchObject({
      organization_id: ids.o,
      user_id: ids.u,
    });
    expect(await rowOf('users', ids.u)).toMatchObject({
      data: null,
      email: null,
      role: null,
      updated_at: null,
    });
    expect((await rowOf('organizations', ids.o))?.['name']).toEqual(expect.any(String));
    await apply([user(ids.u, 0, { first_name: 'arrived' })]);
    expect(await rowOf('users', ids.u)).toMatchObject({ first_name: 'arrived', status: 'active' });
    expect(await rowOf('organization_memberships', ids.m)).toBeDefined();
  });

  test("the organization's own event wins a tie against a nested snapshot, in either order", async () => {
    for (const snapshotFirst of [true, false]) {
      const ids = newIds();
      const own = delivery(
        'organization.updated',
        { entityId: ids.o },
        { name: 'own', updated_at: NOW },
      );
      const nested = membership(ids);
      const body = JSON.parse(nested.body) as { data: { organization: object } };
      Object.assign(body.data.organization, { name: 'nested', updated_at: NOW });
      const carrying = { ...nested, body: JSON.stringify(body) };
      for (const event of snapshotFirst ? [carrying, own] : [own, carrying]) await apply([event]);
      expect((await rowOf('organizations', ids.o))?.['name']).toBe('own');
    }
  });

  test.each(['user', 'organization'] as const)(
    'a deleted %s takes its memberships along and refuses late ones',
    async (parent) => {
      const ids = newIds();
      await apply([membership(ids)]);
      const id = parent === 'user' ? ids.u : ids.o;
      await apply([delivery(`${parent}.deleted`, { entityId: id, version: 1 })]);
      expect(await rowOf('organization_memberships', ids.m)).toBeUndefined();
      const late = membership(ids, 5, 'organizationMembership.updated');
      expect((await apply([late]))[0]?.outcome).toBe('tombstoned');
      expect(await rowOf('organization_memberships', ids.m)).toBeUndefined();
      const versions = await database.query(
        `SELECT 1 FROM clerk.entity_versions WHERE entity_id = $1 AND version_event_id IS NOT NULL`,
        [ids.m],
      );
      expect(versions).toHaveLength(0);
    },
  );

  test('a whole history in one batch, backwards, comes out as if in order', async () => {
    const ids = newIds();
    const gone = newIds();
    const history = [
      delivery('organization.created', { entityId: ids.o, version: 0 }),
      user(ids.u, 0),
      membership(ids, 1),
      user(ids.u, 2, { first_name: 'last' }),
      membership({ ...gone, o: ids.o }, 1),
      delivery('user.deleted', { entityId: gone.u, version: 3 }),
    ];
    const outcomes = (await apply([...history].reverse())).map(({ outcome }) => outcome).reverse();
    expect(outcomes).toEqual(['applied', 'applied', 'applied', 'applied', 'tombstoned', 'applied']);
    expect((await rowOf('users', ids.u))?.['first_name']).toBe('last');
    expect(await rowOf('organization_memberships', ids.m)).toBeDefined();
    expect(await rowOf('users', gone.u)).toBeUndefined();
  });

  test('a deleted membership says so by its whole self, and its parents stay', async () => {
    const ids = newIds();
    await apply([membership(ids)]);
    await apply([membership(ids, 1, 'organizationMembership.deleted')]);
    expect(await rowOf('organization_memberships', ids.m)).toBeUndefined();
    expect(await rowOf('organizations', ids.o)).toBeDefined();
    expect((await apply([membership(ids, 7, 'organizationMembership.updated')]))[0]?.outcome).toBe(
      'tombstoned',
    );
  });
});

describe('what is not mirrored', () => {
  test.each(['session.created', 'email.created', 'paymentAttempt.updated'] as const)(
    '%s, left out by SYNC_ENTITIES, is recorded as ignored, with the reason',
    async (type) => {
      const only = createTestApply({ policy: { mirrored: ['users'] } });
      const event = delivery(type, {});
      expect((await only([event]))[0]?.outcome).toBe('ignored');
      expect(await ledgerOf(event.id)).toMatchObject({
        type,
        outcome: 'ignored',
        error: expect.stringMatching(/^SYNC_ENTITIES leaves out /),
        payload: JSON.parse(event.body),
      });
    },
  );

  test('a type that nobody knows yet is recorded, and decided anew when it comes again', async () => {
    const event = {
      id: newMessageId(),
      body: JSON.stringify({ type: 'starship.launched', data: { id: 's1' } }),
      receivedAt: NOW,
    };
    expect((await apply([event]))[0]).toMatchObject({ outcome: 'ignored', repeated: false });
    expect((await apply([event]))[0]).toMatchObject({ outcome: 'ignored', repeated: false });
    expect(await ledgerOf(event.id)).toMatchObject({
      type: 'starship.launched',
      entity_type: 'starship',
      entity_id: 's1',
    });
  });

  test('events of another Clerk instance touch nothing', async () => {
    const guarded = createTestApply({ policy: { instanceId: 'ins_production' } });
    const id = newUser();
    const event = delivery('user.created', { entityId: id, instanceId: 'ins_development' });
    expect((await guarded([event]))[0]?.outcome).toBe('ignored');
    expect(await rowOf('users', id)).toBeUndefined();
  });

  test('SYNC_ENTITIES leaves a table out, but for the placeholders that a foreign key needs', async () => {
    const only = createTestApply({ policy: { mirrored: ['users', 'organization_memberships'] } });
    const [o, m] = [sampleId('org'), sampleId('orgmem')];
    expect((await only([delivery('organization.created', { entityId: o })]))[0]?.outcome).toBe(
      'ignored',
    );
    expect(
      (
        await only([delivery('organizationMembership.created', { entityId: m, organizationId: o })])
      )[0]?.outcome,
    ).toBe('applied');
    expect(await rowOf('organizations', o)).toMatchObject({ name: null, data: null });
    const gone = delivery('organization.deleted', { entityId: o, version: 1 });
    expect((await only([gone]))[0]?.outcome).toBe('applied');
    expect(await rowOf('organization_memberships', m)).toBeUndefined();
  });
});

describe('poison', () => {
  const poisons: [string, string, RegExp][] = [
    ['a user without id', '{"type":"user.created","data":{}}', /"data\.id" is missing/],
    [
      'a delete without id',
      '{"type":"user.deleted","data":{"deleted":true}}',
      /"data\.id" is missing/,
    ],
    ['data that is not an object', '{"type":"user.created","data":"x"}', /"data" is not an object/],
    [
      'absurd nesting',
      `{"type":"user.created","data":${'['.repeat(3000)}${']'.repeat(3000)}}`,
      /nested too deeply/,
    ],
  ];
  test.each(poisons)(
    '%s fails with a reason, and its neighbours land',
    async (_name, body, reason) => {
      const bad = { id: newMessageId(), body, receivedAt: NOW };
      const [before, after] = [user(newUser(), 0), user(newUser(), 0)];
      const results = await apply([before, bad, after]);
      expect(results.map(({ outcome }) => outcome)).toEqual(['applied', 'failed', 'applied']);
      expect(results[1]?.reason).toMatch(reason);
      expect(await ledgerOf(bad.id)).toMatchObject({
        outcome: 'failed',
        error: expect.stringMatching(reason),
      });
    },
  );

  test('an event that the database refuses fails alone, after a number of transactions that grows with the logarithm', async () => {
    const bad = newUser();
    await database.query(`
      CREATE FUNCTION clerk.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN IF NEW.id = '${bad}' THEN RAISE EXCEPTION 'not this one' USING ERRCODE = '23514'; END IF; RETURN NEW; END $$`);
    await database.query(
      `CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON clerk.users FOR EACH ROW EXECUTE FUNCTION clerk.refuse()`,
    );
    const events = Array.from({ length: 100 }, () => user(newUser(), 0));
    events[37] = user(bad, 0);
    let used = 0;
    const counting: Database = {
      ...db,
      transact: (work) => {
        used++;
        return db.transact(work);
      },
    };
    const results = await createTestApply({ db: counting })(events);
    expect(results.filter(({ outcome }) => outcome === 'applied')).toHaveLength(99);
    expect(results[37]).toMatchObject({
      outcome: 'failed',
      reason: expect.stringContaining('SQLSTATE 23514'),
    });
    // A hundred is halved seven times, and each halving is two transactions.
    expect(used).toBeLessThanOrEqual(1 + 2 * 7);
    await database.query('DROP TRIGGER refuse ON clerk.users');
    expect((await apply([events[37]]))[0]).toMatchObject({ outcome: 'applied', repeated: false });
    expect(await ledgerOf(events[37].id)).toMatchObject({ outcome: 'applied', error: null });
  });

  test('a failure reported from outside is recorded once, and never over what was applied', async () => {
    const event = user(newUser(), 0);
    await recordFailure(testOptions(), event, 'its workers died');
    expect(await ledgerOf(event.id)).toMatchObject({
      outcome: 'failed',
      error: 'its workers died',
      type: 'user.updated',
    });
    await apply([event]);
    await recordFailure(testOptions(), event, 'too late');
    expect(await ledgerOf(event.id)).toMatchObject({ outcome: 'applied', error: null });
  });
});

describe('trouble', () => {
  test('a row that the application locks for longer than the lock timeout is waited for, and no event fails', async () => {
    const id = newUser();
    await apply([user(id, 0)]);
    const blocker = await database.connect();
    await blocker.query('BEGIN');
    await blocker.query('SELECT 1 FROM clerk.users WHERE id = $1 FOR UPDATE', [id]);
    const patient = createTestApply({ lockTimeoutSeconds: 1 });
    const applied = patient([user(id, 1, { first_name: 'patient' })]);
    await waitFor(
      'the batch to wait for the row',
      async () =>
        (
          await database.query(
            `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = $1`,
            [database.name],
          )
        ).length > 0,
    );
    await waitFor(
      'the lock timeout to strike',
      async () =>
        (
          await database.query(
            `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = $1`,
            [database.name],
          )
        ).length === 0,
    );
    await blocker.query('COMMIT');
    expect((await applied)[0]?.outcome).toBe('applied');
    expect((await rowOf('users', id))?.['first_name']).toBe('patient');
  });

  test('connections that are cut in the middle of a batch cost nothing but a second try', async () => {
    const ids = Array.from({ length: 30 }, newUser);
    const progress = { isDone: false };
    const applied = Promise.all(ids.map((id) => apply([user(id, 1), user(id, 0)]))).finally(() => {
      progress.isDone = true;
    });
    let cuts = 0;
    while (!progress.isDone && cuts < 40) {
      const cut = await database.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = $1 AND application_name = 'clerk-sync' AND state <> 'idle' LIMIT 1`,
        [database.name],
      );
      cuts += cut.length;
    }
    expect(cuts).toBeGreaterThan(0);
    for (const { outcome } of (await applied).flat()) expect(outcome).toBe('applied');
    const stored = await database.query('SELECT 1 FROM clerk.users WHERE id = ANY($1)', [ids]);
    expect(stored).toHaveLength(30);
  });

  const NOTHING_YET = Symbol('nothing yet');
  /** Applies one user while the database is in the way, sees that it waits, and clears the way. */
  async function expectWait(obstruct: string, clear: string): Promise<void> {
    const id = newUser();
    const event = user(id, 0, { first_name: 'waited' });
    const url = new URL(database.url);
    url.username = 'guest';
    url.password = 'guest';
    const guest = openMirror(url.href);
    await database.query(obstruct);
    const applied = createTestApply({ db: guest })([event]);
    await waitFor(
      'the probe to see the obstruction',
      async () => (await probeDatabase(guest)) !== null,
    );
    expect(await Promise.race([applied, Promise.resolve(NOTHING_YET)])).toBe(NOTHING_YET);
    expect(await ledgerOf(event.id)).toBeUndefined();
    await database.query(clear);
    expect((await applied)[0]?.outcome).toBe('applied');
    expect((await rowOf('users', id))?.['first_name']).toBe('waited');
    await guest.close();
  }

  describe('that is the database\u2019s, and not an event\u2019s, is waited out:', () => {
    beforeAll(async () => {
      await database.query(
        `DO $$ BEGIN CREATE ROLE guest LOGIN PASSWORD 'guest'; EXCEPTION WHEN duplicate_object THEN NULL; END $$`,
      );
      await database.query(
        `GRANT USAGE ON SCHEMA clerk TO guest; GRANT ALL ON ALL TABLES IN SCHEMA clerk TO guest`,
      );
    });

    test.each([
      [
        'a standby',
        `ALTER ROLE guest IN DATABASE DB SET default_transaction_read_only = on`,
        `ALTER ROLE guest IN DATABASE DB RESET default_transaction_read_only`,
      ],
      [
        'a missing grant',
        `REVOKE INSERT ON clerk.users FROM guest`,
        `GRANT INSERT ON clerk.users TO guest`,
      ],
      [
        'a column that the next migration brings',
        `ALTER TABLE clerk.users RENAME COLUMN external_id TO away`,
        `ALTER TABLE clerk.users RENAME COLUMN away TO external_id`,
      ],
      [
        'a table that is not there yet',
        `ALTER TABLE clerk.users RENAME TO away`,
        `ALTER TABLE clerk.away RENAME TO users`,
      ],
    ])('%s', async (_name, obstruct, clear) => {
      const inThis = (sql: string) => sql.replace('DATABASE DB', `DATABASE ${database.name}`);
      await expectWait(
        inThis(obstruct),
        `${inThis(clear)}; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'guest'`,
      );
    });
  });

  test('a table that is there again by the time we ask fails no event: a migration had just ended', async () => {
    const id = newUser();
    // A sequence is not rolled back: the first writing meets what a migration leaves, and all later ones do not.
    await database.query(`
      CREATE SEQUENCE clerk.writings;
      CREATE FUNCTION clerk.miss_once() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN IF NEW.id = '${id}' AND nextval('clerk.writings') = 1 THEN
        RAISE EXCEPTION 'gone' USING ERRCODE = 'undefined_table'; END IF; RETURN NEW; END $$;
      CREATE TRIGGER miss_once BEFORE INSERT OR UPDATE ON clerk.users FOR EACH ROW EXECUTE FUNCTION clerk.miss_once()`);
    const event = user(id, 0);
    const [result] = await apply([event]);
    await database.query('DROP TRIGGER miss_once ON clerk.users');
    expect(result).toMatchObject({ outcome: 'applied', repeated: false });
    expect(await ledgerOf(event.id)).toMatchObject({ outcome: 'applied', error: null });
  });

  test('a transaction that loses again and again hands its event back: nobody fails over a lock', async () => {
    const id = newUser();
    await database.query(`
      CREATE FUNCTION clerk.lose() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN IF NEW.id = '${id}' THEN RAISE EXCEPTION 'lost' USING ERRCODE = '40001'; END IF; RETURN NEW; END $$;
      CREATE TRIGGER lose BEFORE INSERT OR UPDATE ON clerk.users FOR EACH ROW EXECUTE FUNCTION clerk.lose()`);
    const [loser, other] = [user(id, 0), user(newUser(), 0)];
    const results = await apply([loser, other]);
    await database.query('DROP TRIGGER lose ON clerk.users');
    expect(results[0]).toMatchObject({
      outcome: 'retry',
      error: { code: 'database.contended', retryable: true },
    });
    expect(results[1]?.outcome).toBe('applied');
    expect(await ledgerOf(loser.id)).toBeUndefined();
    expect((await apply([loser]))[0]?.outcome).toBe('applied');
  });

  test('a defect of ours in one event is no trouble of its neighbours', async () => {
    const policy = {
      get allowedRoles(): never {
        throw new TypeError('a defect');
      },
    };
    const broken = user(newUser(), 0, { public_metadata: { role: 'admin' } });
    const neighbour = delivery('organization.created', {});
    const base = testOptions();
    // A getter survives only on the object itself.
    const results = await createApply({
      ...base,
      policy: Object.defineProperties({ ...base.policy }, Object.getOwnPropertyDescriptors(policy)),
    })([broken, neighbour]);
    expect(results[0]).toMatchObject({
      outcome: 'retry',
      error: expect.objectContaining({ message: 'a defect' }),
    });
    expect(results[1]?.outcome).toBe('applied');
  });
});
