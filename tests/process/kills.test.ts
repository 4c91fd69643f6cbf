/** Workers killed by SIGKILL in the middle of a transaction, one after the other: before it reads, while it writes, while it commits. */
import {
  countEffects,
  countSettled,
  expectOneEffectEach,
  waitForCalm,
} from '../support/aftermath.js';
import { BACKENDS, queueSettings } from '../support/backends.js';
import { deliver } from '../support/clerk.js';
import { closeAll, openDatabase } from '../support/closing.js';
import { makeHistory, shuffle } from '../support/crowd-history.js';
import { type TestDatabase } from '../support/database.js';
import { startIngest, startWorker } from '../support/processes.js';
import { waitFor } from '../support/wait.js';

const KILLS = 10;
/** The promise: what a killed worker held in its hands runs again within a job's lock and a round of the search for stalled ones. */
const TAKE_OVER_MS = 15_000;
/** What starting a worker and applying what it found may take on a busy machine. */
const BUSY_MS = 15_000;
const HISTORY = { users: 60, organizations: 6, memberships: 60 };

/** What holds a batch up, and where. */
const PLACES = [
  'LOCK TABLE clerk.entity_versions IN EXCLUSIVE MODE',
  'LOCK TABLE clerk.users IN EXCLUSIVE MODE',
  'SELECT pg_advisory_xact_lock(42)',
] as const;
const COMMIT = PLACES[2];

afterAll(closeAll);

test.concurrent.each(BACKENDS)(
  'a worker killed ten times in mid-batch loses nothing and does nothing twice, with the queue in %s',
  async (kind) => {
    const database = await openDatabase();
    await countEffects(database);
    await database.query(`
      CREATE FUNCTION public.wait() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN PERFORM pg_advisory_xact_lock_shared(42); RETURN NULL; END $$;
      CREATE CONSTRAINT TRIGGER wait AFTER INSERT OR UPDATE ON clerk.webhook_events
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.wait()`);
    const queue = queueSettings(kind);
    const settings = { DATABASE_URL: database.url, ...queue };
    const ingest = await startIngest(settings);
    const events = shuffle(makeHistory(HISTORY));
    const size = Math.ceil(events.length / KILLS);
    let committedByTheDead = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      const place = PLACES[kill % PLACES.length] ?? COMMIT;
      const release = await hold(database, place);
      const backlog = events.slice(kill * size, (kill + 1) * size);
      const answers = await Promise.all(backlog.map((event) => deliver(ingest.url, event)));
      expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
      const worker = await startWorker(settings);
      await waitFor('a batch to wait', () =>
        countTransactions(database, `wait_event_type = 'Lock'`),
      );
      worker.signal('SIGKILL');
      await worker.exited;
      const settled = await countSettled(database);
      await release();
      await waitFor(
        'its transactions to end',
        async () => (await countTransactions(database)) === 0,
      );
      if (place === COMMIT) committedByTheDead += (await countSettled(database)) - settled;
    }
    expect(committedByTheDead).toBeGreaterThan(0);

    await startWorker(settings);
    const calm = { queue, events: events.length, patienceMs: TAKE_OVER_MS + BUSY_MS };
    expect(await waitForCalm(database, calm)).toMatchObject({ failed: 0, attempts: [1] });
    await expectOneEffectEach(database, events);
  },
  240_000,
);

async function hold(
  database: TestDatabase,
  place: (typeof PLACES)[number],
): Promise<() => Promise<void>> {
  const blocker = await database.connect();
  await blocker.query('BEGIN');
  await blocker.query(place);
  return async () => {
    await blocker.query('COMMIT');
  };
}

/** A worker's, its death included: Postgres notices that only when the statement that waits is over. */
async function countTransactions(
  { query, name }: TestDatabase,
  condition = 'true',
): Promise<number> {
  const rows = await query(
    `SELECT 1 FROM pg_stat_activity WHERE datname = $1 AND application_name = 'clerk-sync' AND ${condition}`,
    [name],
  );
  return rows.length;
}
