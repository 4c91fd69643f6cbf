/** Many versions of many entities, shuffled and doubled, through the real endpoint and two real workers at once. */
import { randomInt } from 'node:crypto';
import { type Backend } from '../../src/queue/contract.js';
import { BACKENDS, openBackend, queueSettings, waitForQueue } from '../support/backends.js';
import { deliver, newMessageId } from '../support/clerk.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { expectTables, type ModelEvent } from '../support/model.js';
import { killAll, startIngest, startWorker } from '../support/processes.js';
import { waitFor } from '../support/wait.js';

const USERS = 500;
const ORGANIZATIONS = 60;
const MEMBERSHIPS = 400;
const START = Date.UTC(2026, 0, 1);

let database: TestDatabase;

beforeEach(async () => {
  database = await createDatabase();
});
afterEach(async () => {
  await killAll();
  await database.drop();
});

test.each(BACKENDS)(
  'no wrong row, no resurrected row and no deadlock, with the queue in %s',
  async (kind) => {
    const settings = {
      DATABASE_URL: database.url,
      LOG_LEVEL: 'warn',
      WORKER_BATCH_SIZE: '20',
      ...queueSettings(kind),
    };
    const workers = await Promise.all([startWorker(settings), startWorker(settings)]);
    const ingest = await startIngest(settings);
    const events = makeHistory();
    const deliveries = shuffle(events.flatMap((event) => repeat({ event, id: newMessageId() })));
    await inParallel(32, deliveries, async ({ event, id }) => {
      expect((await deliver(ingest.url, event, id)).status).toBe(200);
    });
    await waitFor(
      'every event to be settled',
      async () => {
        const [row] = await database.query<{ n: string }>(
          'SELECT count(*) AS n FROM clerk.webhook_events',
        );
        return Number(row?.n) === events.length;
      },
      120_000,
    );

    const expected = expectTables(events);
    expect(await readTable(database, 'SELECT id, first_name AS v FROM clerk.users')).toEqual(
      expected.users,
    );
    expect(await readTable(database, 'SELECT id, name AS v FROM clerk.organizations')).toEqual(
      expected.organizations,
    );
    expect(
      await readTable(database, 'SELECT id, role AS v FROM clerk.organization_memberships'),
    ).toEqual(expected.memberships);
    const [outcomes] = await database.query<{ failed: string; deadlocks: string }>(
      `SELECT (SELECT count(*) FROM clerk.webhook_events WHERE outcome NOT IN ('applied', 'stale', 'tombstoned')) AS failed,
         (SELECT deadlocks FROM pg_stat_database WHERE datname = $1) AS deadlocks`,
      [database.name],
    );
    expect(outcomes).toEqual({ failed: '0', deadlocks: '0' });
    const shares = await countShares(openBackend(settings, database));
    expect(shares.size).toBe(2);
    for (const share of shares.values()) expect(share).toBeGreaterThanOrEqual(events.length / 5);

    for (const worker of workers) worker.signal('SIGTERM');
    ingest.signal('SIGTERM');
    expect(await Promise.all([...workers, ingest].map(({ exited }) => exited))).toEqual([0, 0, 0]);
  },
  180_000,
);

/** Three versions of each user and organization, some memberships, and a deletion for a third of everybody. */
function makeHistory(): ModelEvent[] {
  const users = Array.from({ length: USERS }, (_value, n) => `user_${n}`);
  const organizations = Array.from({ length: ORGANIZATIONS }, (_value, n) => `org_${n}`);
  const at = (version: number) => START + version * 1000 + randomInt(900);
  const events: ModelEvent[] = [];
  const add = (type: string, timestamp: number, data: ModelEvent['data']) =>
    events.push({ type, timestamp, data });
  for (const [n, id] of users.entries()) {
    for (const [version, type] of ['user.created', 'user.updated', 'user.updated'].entries()) {
      const time = at(version);
      add(type, time, { id, updated_at: time, first_name: `${id} v${version}` });
    }
    if (n % 3 === 0) add('user.deleted', at(randomInt(4)), { id });
  }
  for (const [n, id] of organizations.entries()) {
    for (const version of [0, 1, 2]) {
      const time = at(version);
      add(version ? 'organization.updated' : 'organization.created', time, {
        id,
        updated_at: time,
        name: `${id} v${version}`,
      });
    }
    if (n % 10 === 0) add('organization.deleted', at(3), { id });
  }
  for (let n = 0; n < MEMBERSHIPS; n++) {
    // Some point to users and organizations that no event of their own ever names.
    const organization = {
      id: `org_${randomInt(ORGANIZATIONS + 5)}`,
      name: '',
      updated_at: at(randomInt(4)),
    };
    organization.name = `${organization.id} as of ${organization.updated_at}`;
    const shared = {
      id: `orgmem_${n}`,
      organization,
      public_user_data: { user_id: `user_${randomInt(USERS + 20)}` },
    };
    for (const version of [0, 1]) {
      const time = at(version);
      add(`organizationMembership.${version ? 'updated' : 'created'}`, time, {
        ...shared,
        updated_at: time,
        role: `v${version}`,
      });
    }
    if (n % 3 === 0) add('organizationMembership.deleted', at(2), shared);
  }
  return events;
}

/** A third of all deliveries come twice. */
function repeat<T>(delivery: T): T[] {
  return randomInt(3) === 0 ? [delivery, delivery] : [delivery];
}

function shuffle<T>(items: T[]): T[] {
  return items
    .map((item) => ({ item, order: Math.random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item);
}

async function inParallel<T>(
  width: number,
  items: readonly T[],
  work: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  const drain = async () => {
    for (let item = items[next++]; item !== undefined; item = items[next++]) await work(item);
  };
  await Promise.all(Array.from({ length: width }, drain));
}

async function readTable(
  { query }: TestDatabase,
  sql: string,
): Promise<Map<string, string | null>> {
  const rows = await query<{ id: string; v: string | null }>(sql);
  return new Map(rows.map(({ id, v }) => [id, v]));
}

/** How many jobs each worker completed. */
async function countShares(backend: Backend): Promise<Map<string, number>> {
  const open = backend.openQueue();
  await waitForQueue(open);
  const shares = new Map<string, number>();
  for (const job of await open.queue.getJobs(['completed'])) {
    const worker = job.processedBy ?? 'nobody';
    shares.set(worker, (shares.get(worker) ?? 0) + 1);
  }
  await open.close();
  return shares;
}
