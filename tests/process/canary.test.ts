/**
 * Canaries: strings that stand for what may be nowhere (tier one), or stored yet never shown (tier two), are put wherever Clerk
 * may send such a thing. Then everything that the real processes leave behind is searched for them.
 */
import { randomBytes } from 'node:crypto';
import { type Job } from 'bullmq';
import { Redis } from 'ioredis';
import { createSigner } from '../../src/clerk/signature.js';
import {
  BACKENDS,
  openBackend,
  queueSettings,
  waitForQueue,
  type QueueSettings,
} from '../support/backends.js';
import {
  createCanaries,
  makeEvents,
  makePoison,
  makeRefusedUser,
  makeUnacceptable,
  type Canaries,
  type PlantedEvent,
} from '../support/canaries.js';
import { newMessageId, post, type Answer } from '../support/clerk.js';
import { startCollector, type Collector } from '../support/collector.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { killAll, startIngest, startWorker } from '../support/processes.js';
import { waitFor } from '../support/wait.js';

type Settings = QueueSettings & Record<string, string>;

describe.each(BACKENDS)('with the queue in %s', (kind) => {
  let database: TestDatabase;
  let signingSecret: string;
  let databasePassword: string;
  let settings: Settings;
  let collector: Collector;

  beforeEach(async () => {
    database = await createDatabase();
    collector = await startCollector();
    signingSecret = `whsec_${randomBytes(32).toString('base64')}`;
    databasePassword = `pw${randomBytes(12).toString('hex')}`;
    settings = {
      ...queueSettings(kind),
      DATABASE_URL: await createAccount(database, databasePassword),
      CLERK_WEBHOOK_SIGNING_SECRET: signingSecret,
      LOG_LEVEL: 'trace',
      JOB_ATTEMPTS: '1',
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
    };
  });
  afterEach(async () => {
    await killAll();
    await collector.close();
    await database.drop();
  });

  test('what may be nowhere is nowhere, and what may be stored is not shown', async () => {
    const hot = createCanaries('hot');
    const personal = createCanaries('pii');
    hot.know('the signing secret', signingSecret.slice('whsec_'.length));
    hot.know("the database's password", databasePassword);
    const events = [
      ...makeEvents({ hot, personal }),
      ...(await makeRefused(database, { hot, personal })),
      ...makePoison({ hot, personal }),
    ];

    const answers: string[] = [];
    const ingest = await startIngest(settings);
    const send = async (id: string, body: string, secret = signingSecret): Promise<Answer> => {
      const answer = await post(ingest.url, createSigner(secret)(id, body), body);
      answers.push(JSON.stringify(answer.body), JSON.stringify([...answer.headers]));
      return answer;
    };
    for (const { id, body } of events) expect((await send(id, body)).status).toBe(200);
    for (const body of makeUnacceptable({ hot, personal })) {
      expect((await send(newMessageId(), body)).status).toBe(400);
    }
    const forged = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
    expect((await send(newMessageId(), events[0]?.body ?? '', forged)).status).toBe(400);
    const waiting = await readQueue(kind, settings, database);

    const worker = await startWorker(settings);
    const failed = await readFailed(settings, database, events.length);
    const refused = events.filter(({ isRefused }) => isRefused);
    expect(failed.map(({ id }) => id).sort()).toEqual(refused.map(({ id }) => id).sort());
    for (const process of [ingest, worker]) {
      for (const path of ['healthz', 'readyz', 'metrics']) {
        answers.push(await (await fetch(`${process.opsUrl}/${path}`)).text());
      }
      process.signal('SIGTERM');
      await process.exited;
    }

    const shown = {
      'an HTTP answer': answers,
      "ingest's log": [ingest.output()],
      "the worker's log": [worker.output()],
      'a trace': collector.bodies.map(String),
      'a failure reason': failed.map(({ failedReason }) => failedReason),
      'a stack trace': failed.flatMap(({ stacktrace }) => stacktrace).map(String),
      'the queue beside the body': (await readQueue(kind, settings, database)).beside,
      "the ledger's error": (
        await database.query<{ error: string }>('SELECT error FROM clerk.webhook_events')
      ).map(({ error }) => error),
    };
    for (const texts of Object.values(shown)) expect(texts.length).toBeGreaterThan(0);
    const traced = collector.bodies.map(String).join();
    for (const { id } of events) expect(traced).toContain(id);
    expect(personal.findIn(shown)).toEqual([]);
    const stored = {
      'the waiting queue': waiting.everything,
      'the queue': (await readQueue(kind, settings, database)).everything,
      'the tables': await readSchema(database, 'clerk'),
    };
    expect(hot.findIn({ ...shown, ...stored })).toEqual([]);
    // A search that finds nothing must at least find what is there.
    for (const place of Object.values(stored)) expect(personal.findIn({ place })).not.toEqual([]);
  }, 90_000);
});

/** Every way in which Postgres's words can quote a row: users that the tables refuse for the reason in `external_id`. */
async function makeRefused(
  { query }: TestDatabase,
  tiers: { hot: Canaries; personal: Canaries },
): Promise<PlantedEvent[]> {
  const address = tiers.personal.plant('an address that is taken');
  const inAddressBook = [{ id: 'idn_1', email_address: `${address}@example.com` }];
  await query(
    `INSERT INTO clerk.users (id, email) VALUES ('user_first', '${address}@example.com')`,
  );
  await query(`
    CREATE UNIQUE INDEX ON clerk.users (email);
    ALTER TABLE clerk.users ADD CONSTRAINT plain_check CHECK (external_id <> 'check');
    CREATE SEQUENCE clerk.conflicts;
    CREATE FUNCTION clerk.refuse_user() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      CASE NEW.external_id
        WHEN 'raise' THEN RAISE EXCEPTION 'no % % % %', NEW.email, NEW.phone, NEW.first_name, NEW.unsafe_metadata;
        WHEN 'row' THEN RAISE EXCEPTION '%', NEW USING DETAIL = NEW::text, HINT = NEW.first_name;
        WHEN 'check-raise' THEN RAISE check_violation USING MESSAGE = 'unfit: ' || NEW.first_name;
        WHEN 'value-raise' THEN RAISE invalid_parameter_value USING MESSAGE = NEW.first_name || ' is unfit';
        WHEN 'cast' THEN PERFORM NEW.first_name::integer;
        WHEN 'json' THEN PERFORM NEW.first_name::jsonb;
        WHEN 'time' THEN PERFORM NEW.first_name::timestamptz;
        WHEN 'denied' THEN RAISE insufficient_privilege USING MESSAGE = 'not for ' || NEW.email;
        WHEN 'conflict' THEN IF nextval('clerk.conflicts') <= 2 THEN
          RAISE serialization_failure USING MESSAGE = 'busy with ' || NEW.email; END IF;
        ELSE NULL;
      END CASE; RETURN NEW; END $$;
    CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON clerk.users FOR EACH ROW EXECUTE FUNCTION clerk.refuse_user();
    CREATE FUNCTION clerk.refuse_entry() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF NEW.entity_id = 'user_ledger' THEN RAISE EXCEPTION '% %', NEW.payload, (SELECT max(email) FROM clerk.users); END IF;
      RETURN NEW; END $$;
    CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON clerk.webhook_events FOR EACH ROW EXECUTE FUNCTION clerk.refuse_entry()`);
  const reasons = 'raise row check check-raise value-raise cast json time denied'.split(' ');
  return [
    ...reasons.map((reason) => makeRefusedUser(reason, { tiers })),
    makeRefusedUser('taken', { tiers, data: { email_addresses: inAddressBook } }),
    makeRefusedUser('ledger', { tiers, data: { id: 'user_ledger' } }),
    makeRefusedUser('conflict', { tiers, isRefused: false }),
  ];
}

/** A login whose password occurs nowhere else. */
async function createAccount(
  { url, name, query }: TestDatabase,
  password: string,
): Promise<string> {
  await query(`CREATE ROLE ${name} LOGIN SUPERUSER PASSWORD '${password}'`);
  return Object.assign(new URL(url), { username: name, password }).href;
}

/** Waits until as many jobs are over. @returns those that failed. */
async function readFailed(
  settings: Settings,
  database: TestDatabase,
  jobs: number,
): Promise<Job[]> {
  const open = openBackend(settings, database).openQueue();
  try {
    await waitForQueue(open);
    await waitFor('every job to be over', async () => {
      const { completed = 0, failed = 0 } = await open.queue.getJobCounts('completed', 'failed');
      return completed + failed === jobs;
    });
    return await open.queue.getJobs(['failed']);
  } finally {
    await open.close();
  }
}

interface QueueDump {
  everything: string[];
  /** All but the events themselves. */
  beside: string[];
}

async function readQueue(
  kind: string,
  settings: Settings,
  database: TestDatabase,
): Promise<QueueDump> {
  if (kind === 'redis') return readRedis(settings.REDIS_URL ?? '', settings.QUEUE_PREFIX);
  return {
    everything: await readSchema(database, 'bullmq'),
    beside: await readSchema(database, 'bullmq', `to_jsonb(t) - 'data'`),
  };
}

async function readSchema({ query }: TestDatabase, schema: string, row = 't'): Promise<string[]> {
  const tables = await query<{ name: string }>(
    `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname = $1`,
    [schema],
  );
  const rows = await Promise.all(
    tables.map(({ name }) => query<{ row: string }>(`SELECT (${row})::text AS row FROM ${name} t`)),
  );
  return rows.flat().map((found) => found.row);
}

async function readRedis(url: string, prefix: string): Promise<QueueDump> {
  const redis = new Redis(url);
  const dump: QueueDump = { everything: [], beside: [] };
  try {
    for (const key of await redis.keys(`${prefix}:*`)) {
      const value = await readKey(redis, key);
      dump.everything.push(key, JSON.stringify(value));
      const { data: _data, ...beside } = Object(value) as Record<string, unknown>;
      dump.beside.push(key, JSON.stringify(Array.isArray(value) ? value : beside));
    }
  } finally {
    redis.disconnect();
  }
  return dump;
}

async function readKey(redis: Redis, key: string): Promise<unknown> {
  const type = await redis.type(key);
  if (type === 'string') return [await redis.get(key)];
  if (type === 'hash') return redis.hgetall(key);
  if (type === 'list') return redis.lrange(key, 0, -1);
  if (type === 'set') return redis.smembers(key);
  if (type === 'zset') return redis.zrange(key, 0, -1, 'WITHSCORES');
  if (type === 'stream') return redis.xrange(key, '-', '+');
  if (type === 'none') return []; // expired since it was listed: a lock
  throw new Error(`${key} is a ${type}, which this test cannot search.`);
}
