/** The whole system by way of a real PgBouncer in transaction mode; migrations by DIRECT_DATABASE_URL. */
import { type Command } from '../../src/commands/command.js';
import { doctorCommand } from '../../src/commands/doctor.js';
import { migrateCommand } from '../../src/commands/migrate.js';
import { pruneCommand } from '../../src/commands/prune.js';
import { replayCommand } from '../../src/commands/replay.js';
import { whyCommand } from '../../src/commands/why.js';
import { BACKENDS, openBackend, queueSettings } from '../support/backends.js';
import { deliver, newMessageId } from '../support/clerk.js';
import { runInProcess } from '../support/commands.js';
import { makeHistory, readTables, shuffle } from '../support/crowd-history.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { expectTables } from '../support/model.js';
import { startPgBouncer, type PgBouncer } from '../support/pgbouncer.js';
import { killAll, startIngest, startWorker } from '../support/processes.js';
import { waitFor } from '../support/wait.js';

const SIZE = { users: 60, organizations: 8, memberships: 40 };

const PROGRAM = process.env['TEST_PGBOUNCER'] ?? '';
const withPooler = PROGRAM ? describe : describe.skip;

withPooler('by way of PgBouncer', () => {
  let database: TestDatabase;
  let pooler: PgBouncer;

  beforeEach(async () => {
    database = await createDatabase({ migrated: false });
    pooler = await startPgBouncer(PROGRAM, database.url);
  });
  afterEach(async () => {
    await killAll();
    await pooler.stop();
    await database.drop();
  });

  test('ingest, two workers and the commands work, and the tables are right', async () => {
    const settings = {
      DATABASE_URL: pooler.url,
      DIRECT_DATABASE_URL: database.url,
      LOG_LEVEL: 'warn',
      WORKER_BATCH_SIZE: '20',
      ...queueSettings(BACKENDS[0] ?? 'postgres'),
    };
    const run = (command: Command, ...args: string[]) => runInProcess(command, args, settings);
    expect((await run(migrateCommand)).code).toBe(0);
    const workers = await Promise.all([startWorker(settings), startWorker(settings)]);
    const ingest = await startIngest(settings);
    const events = shuffle(makeHistory(SIZE));
    await Promise.all(
      events.map(async (event) =>
        expect((await deliver(ingest.url, event, newMessageId())).status).toBe(200),
      ),
    );
    await waitFor('every event to be settled', async () => {
      const rows = await database.query('SELECT 1 FROM clerk.webhook_events');
      return rows.length === events.length;
    });
    expect(await readTables(database)).toEqual(expectTables(events));
    const outcomes = await database.query<{ outcome: string }>(
      `SELECT outcome FROM clerk.webhook_events WHERE outcome NOT IN ('applied', 'stale', 'tombstoned')`,
    );
    expect(outcomes).toEqual([]);
    expect(workers.map(({ output }) => output())).toEqual(['', '']);

    expect((await run(whyCommand, 'user_1')).code).toBe(0);
    expect((await run(replayCommand, '--type', 'user.created')).code).toBe(0);
    expect((await run(pruneCommand)).code).toBe(0);
    expect((await run(doctorCommand)).stdout).toMatch(/✔ Direct connection/);
  }, 60_000);

  test('migrations and a queue in Postgres by way of it are refused, and what to set is said', async () => {
    const cure = 'Set DIRECT_DATABASE_URL to the address of the database itself.';
    const environment = { DATABASE_URL: pooler.url };
    await expect(runInProcess(migrateCommand, [], environment)).rejects.toThrow(cure);
    const open = openBackend(queueSettings('postgres'), pooler).openQueue();
    await expect(open.findTrouble()).rejects.toThrow(cure);
    await open.close();
  });
});
