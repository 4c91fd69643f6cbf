/** A database that is restored from a dump: what came after it is in the queue, and a replay brings the tables back to where they were. */
import { expectTables, type ModelEvent } from '../support/model.js';
import { replayCommand } from '../../src/commands/replay.js';
import { BACKENDS, queueSettings } from '../support/backends.js';
import { waitForCalm } from '../support/aftermath.js';
import { deliver } from '../support/clerk.js';
import { runToExit } from '../support/commands.js';
import { makeHistory, readTables, shuffle } from '../support/crowd-history.js';
import { closeAll, openDatabase } from '../support/closing.js';
import { type TestDatabase } from '../support/database.js';
import { startIngest, startWorker } from '../support/processes.js';

const SIZE = { users: 25, organizations: 5, memberships: 30, deletedOneIn: 4 };
/** After all that `makeHistory` tells. */
const LATER = Date.UTC(2026, 1, 1);

afterAll(closeAll);

test.concurrent.each(BACKENDS)(
  'after a restore, a replay from before the dump brings every table back, with the queue in %s',
  async (kind) => {
    const database = await openDatabase();
    const queue = queueSettings(kind);
    const settings = { DATABASE_URL: database.url, ...queue };
    const [ingest, worker] = await Promise.all([startIngest(settings), startWorker(settings)]);
    const sent: ModelEvent[] = [];
    const send = async (events: ModelEvent[]) => {
      const answers = await Promise.all(events.map((event) => deliver(ingest.url, event)));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
      sent.push(...events);
    };
    const isCalm = () => waitForCalm(database, { queue, events: sent.length });

    const history = shuffle(makeHistory({ prefix: 'old', ...SIZE }));
    const overlap = history.splice(0, 40);
    await send(history);
    const since = new Date().toISOString();
    await send(overlap);
    await isCalm();
    const tables = await dump(database);
    const dumped = await photograph(database, tables);

    await send(shuffle([...makeHistory({ prefix: 'new', ...SIZE }), ...makeChanges()]));
    await isCalm();
    const lost = await photograph(database, tables);
    expect(lost).not.toEqual(dumped);

    worker.signal('SIGTERM');
    expect(await worker.exited).toBe(0);
    await restore(database, tables);
    expect(await photograph(database, tables)).toEqual(dumped);
    await startWorker(settings);
    const events = sent.length - history.length;
    const { code, stdout } = await runToExit(
      replayCommand,
      ['--since', since, '--force'],
      settings,
    );
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(`${events} of ${events} events \\(${events} repeated\\)`),
    ]);

    expect(await isCalm()).toMatchObject({ failed: 0, attempts: [1] });
    expect(await photograph(database, tables)).toEqual(lost);
    expect(await readTables(database)).toEqual(expectTables(sent));
  },
  120_000,
);

/** To what the dump has: updates, deletions, new memberships between old and new. */
function makeChanges(): ModelEvent[] {
  const changes: ModelEvent[] = [];
  for (let n = 0; n < SIZE.users; n++) {
    const id = `user_old${n}`;
    const updated = { id, updated_at: LATER, first_name: `${id} later` };
    changes.push({ type: 'user.updated', timestamp: LATER, data: updated });
    if (n % 3 === 0) changes.push({ type: 'user.deleted', timestamp: LATER, data: { id } });
    const membership = {
      id: `orgmem_later${n}`,
      updated_at: LATER,
      role: 'later',
      organization: { id: `org_new${n % SIZE.organizations}` },
      public_user_data: { user_id: id },
    };
    changes.push({ type: 'organizationMembership.created', timestamp: LATER, data: membership });
  }
  changes.push({ type: 'organization.deleted', timestamp: LATER, data: { id: 'org_old1' } });
  return changes;
}

/** Copies the schema as one moment has it, as pg_dump does, which not every machine has. @returns its tables. */
async function dump(database: TestDatabase): Promise<string[]> {
  const found = await database.query<{ name: string }>(
    `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'clerk' AND table_type = 'BASE TABLE'`,
  );
  const tables = found.map(({ name }) => name);
  await database.query(
    ['BEGIN ISOLATION LEVEL REPEATABLE READ; CREATE SCHEMA dump']
      .concat(tables.map((name) => `CREATE TABLE dump.${name} AS TABLE clerk.${name}`))
      .concat('COMMIT')
      .join(';'),
  );
  return tables;
}

/** Of this schema alone: the queue may live in the same database, and must stay as it is. */
async function restore(database: TestDatabase, tables: readonly string[]): Promise<void> {
  const all = tables.map((name) => `clerk.${name}`).join(', ');
  await database.query(
    ['BEGIN', 'SET LOCAL session_replication_role = replica', `TRUNCATE ${all}`]
      .concat(tables.map((name) => `INSERT INTO clerk.${name} SELECT * FROM dump.${name}`))
      .concat('COMMIT')
      .join(';'),
  );
}

/** Every row, less when it was written, and less what depends on which events shared a batch. */
async function photograph(
  database: TestDatabase,
  tables: readonly string[],
): Promise<Record<string, string[]>> {
  const photograph: Record<string, string[]> = {};
  // Of handlers a forced replay starts none again: what ran after the dump has run.
  for (const name of tables.filter((table) => table !== 'handler_runs')) {
    const rows = await database.query<{ row: string }>(
      `SELECT (to_jsonb(t) - 'synced_at' - 'processed_at' - 'outcome' - 'error')::text AS row FROM clerk.${name} t
       ${name === 'entity_versions' ? 'WHERE version_event_id IS NOT NULL' : ''} ORDER BY 1`,
    );
    photograph[name] = rows.map(({ row }) => row);
  }
  return photograph;
}
