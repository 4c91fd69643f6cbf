/** `npm run replay -- --handlers`: which runs it asks for, what it leaves alone, and that a worker then runs them. */
import { type EventType } from '../../src/clerk/event-types.js';
import { sampleEvent, sampleId, type SampleOptions } from '../../src/clerk/samples/index.js';
import { replayCommand } from '../../src/commands/replay.js';
import { type Database } from '../../src/db/database.js';
import { beginRounds, markRelayed } from '../../src/db/handler-runs.js';
import { readHandlers } from '../../src/outbox/read-handlers.js';
import { type Apply } from '../../src/projections/apply.js';
import { type OpenQueue } from '../../src/queue/contract.js';
import { HANDLER_QUEUE_NAME, toHandlerJob } from '../../src/queue/handler-job.js';
import { HANDLERS } from '../fixtures/handlers/index.js';
import { createQuietApply, openMirror } from '../support/applying.js';
import { BACKENDS, openBackend, queueSettings, waitForQueue } from '../support/backends.js';
import { buildWithHandlers, type Build } from '../support/build.js';
import { newMessageId } from '../support/clerk.js';
import { runCommand, runInProcess } from '../support/commands.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { killAll, startWorker } from '../support/processes.js';
import { startTrialServer, type TrialServer } from '../support/trial-server.js';
import { waitFor } from '../support/wait.js';

const RETENTION = {
  attempts: 8,
  completedAgeSeconds: 3_600,
  completedCount: 1_000,
  failedAgeSeconds: 3_600,
};
const UNTOUCHED = { relayed: false, outcome: null, attempts: 0, error: null };

describe.each(BACKENDS)('with the queue in %s', (kind) => {
  let build: Build;
  let trial: TrialServer;
  let database: TestDatabase;
  let db: Database;
  let apply: Apply;
  let open: OpenQueue<typeof HANDLER_QUEUE_NAME>;
  let settings: Record<string, string>;

  beforeAll(async () => {
    build = await buildWithHandlers('tests/fixtures/handlers/index.ts');
  });
  afterAll(() => build.remove());
  beforeEach(async () => {
    database = await createDatabase();
    trial = await startTrialServer();
    const queue = queueSettings(kind);
    settings = { DATABASE_URL: database.url, TRIAL_URL: trial.url, ...queue };
    open = openBackend(queue, database).openQueue(HANDLER_QUEUE_NAME);
    await waitForQueue(open);
    db = openMirror(database.url);
    apply = createQuietApply(db, {
      outbox: { handlersFor: readHandlers(HANDLERS).namesFor, notify: () => undefined },
    });
  });
  afterEach(async () => {
    await killAll();
    await open.close();
    await db.close();
    await trial.close();
    await database.drop();
  });

  const applied = async (type: EventType, options: SampleOptions = {}, outcome = 'applied') => {
    const [id, body] = [newMessageId(), JSON.stringify(sampleEvent(type, options))];
    const [result] = await apply([{ id, body, receivedAt: Date.now() }]);
    expect(result?.outcome).toBe(outcome);
    return id;
  };
  const readRun = async (id: string, handler: string) => {
    const [row] = await database.query(
      `SELECT round, relayed_at IS NOT NULL AS relayed, outcome, attempts, error FROM clerk.handler_runs
       WHERE event_id = $1 AND handler = $2`,
      [id, handler],
    );
    return row;
  };
  const end = (id: string, handler: string, outcome: string) =>
    database.query(
      `UPDATE clerk.handler_runs SET relayed_at = now(), finished_at = now(), outcome = $3, attempts = 3, error = 'why'
       WHERE event_id = $1 AND handler = $2`,
      [id, handler, outcome],
    );
  const photograph = async () => [
    await database.query('SELECT * FROM clerk.users ORDER BY id'),
    await database.query('SELECT * FROM clerk.webhook_events ORDER BY id'),
    await database.query('SELECT * FROM clerk.entity_versions ORDER BY entity_id'),
  ];
  const replay = (...args: string[]) => runInProcess(replayCommand, args, settings);
  const ask = async (...args: string[]) => {
    const { code, stdout } = await replay('--json', ...args);
    const lines = stdout.trim().split('\n');
    const parsed = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    const runs = parsed.slice(0, -1).map(({ id, handler, outcome, action }) => {
      return [id, handler, outcome, action].map(String).join(' ');
    });
    return { code, runs, summary: parsed.at(-1) };
  };

  test('a worker runs the handler again, with the key that it had; no other handler, and no event is decided', async () => {
    await startWorker({ ...settings, WORKER_TASKS: 'handlers' }, build);
    const id = await applied('user.created');
    const callsOf = (handler: string) => trial.calls.filter((call) => call.handler === handler);
    const isDone = async (handler: string, round: number) => {
      const run = await readRun(id, handler);
      return run?.['outcome'] === 'done' && run['round'] === round;
    };
    await waitFor(
      'the first runs',
      async () => (await isDone('welcome', 1)) && isDone('record', 1),
    );
    const before = await photograph();
    expect(await ask('--id', id, '--handlers', 'welcome')).toEqual({
      code: 0,
      runs: [`${id} welcome done repeated`],
      summary: expect.objectContaining({
        dryRun: false,
        handlers: ['welcome'],
        found: 1,
        repeated: 1,
      }),
    });
    await waitFor('the second round', () => isDone('welcome', 2));
    const key = `${id}.welcome`;
    expect(callsOf('welcome')).toEqual(
      Array(2).fill({ handler: 'welcome', eventId: id, key, attempt: 1 }),
    );
    expect(callsOf('record')).toHaveLength(1);
    expect(await photograph()).toEqual(before);
  }, 60_000);

  test('of what is applied, each run gets another round, or its first; a dry run only says so', async () => {
    const user = sampleId('user');
    const id = await applied('user.created', { entityId: user });
    await applied('user.created', { entityId: user, version: -1 }, 'stale');
    const updated = await applied('user.updated', { entityId: user, version: 1 });
    await end(id, 'welcome', 'skipped');
    await end(id, 'record', 'failed');
    // As of an event that was applied before there was such a handler.
    await database.query('DELETE FROM clerk.handler_runs WHERE event_id = $1', [updated]);
    const expected = [
      `${id} record failed repeated`,
      `${id} welcome skipped repeated`,
      `${updated} record none started`,
    ];
    const args = ['--entity', user, '--handlers', 'welcome, record,welcome'];
    const before = [await photograph(), await database.query('SELECT * FROM clerk.handler_runs')];
    const rehearsal = await ask('--dry-run', ...args);
    expect(rehearsal).toMatchObject({ code: 0, runs: expected, summary: { dryRun: true } });
    expect([await photograph(), await database.query('SELECT * FROM clerk.handler_runs')]).toEqual(
      before,
    );
    expect((await replay('--dry-run', ...args)).stdout).toMatch(
      /record {2}never begun: would run for the first time\nWould be asked for: 3 runs of welcome, record, for 2 events \(1 started, 2 repeated\)\.\nThis was a dry run/,
    );
    expect(await ask(...args)).toMatchObject({ code: 0, runs: expected, summary: { found: 2 } });
    for (const handler of ['welcome', 'record'])
      expect(await readRun(id, handler)).toEqual({ round: 2, ...UNTOUCHED });
    expect(await readRun(updated, 'record')).toEqual({ round: 1, ...UNTOUCHED });
    expect(await readRun(updated, 'welcome')).toBeUndefined();
    // Asked twice, it runs once.
    expect((await ask(...args)).runs.map((line) => line.split(' ').at(-1))).toEqual(
      Array(3).fill('pending'),
    );
    expect(await readRun(id, 'welcome')).toEqual({ round: 2, ...UNTOUCHED });
  });

  test('--failed means the runs that failed; what has no payload any more is counted, and named', async () => {
    const ids = [
      await applied('user.created'),
      await applied('user.created'),
      await applied('user.created'),
    ];
    const [failed = '', done = '', pruned = ''] = ids;
    for (const id of [failed, pruned]) await end(id, 'welcome', 'failed');
    await end(done, 'welcome', 'done');
    await end(failed, 'record', 'done');
    await database.query('UPDATE clerk.webhook_events SET payload = NULL WHERE id = $1', [pruned]);
    const { code, stdout } = await replay('--failed', '--handlers', 'welcome,record');
    expect(code).toBe(1);
    expect(stdout).toMatch(new RegExp(`^${failed} .*welcome {2}failed: runs again$`, 'm'));
    expect(stdout).toMatch(
      new RegExp(`^${pruned} .*welcome {2}failed: cannot run: the payload`, 'm'),
    );
    expect(stdout).toContain('Asked for: 1 run of welcome, record, for 2 events (1 repeated).');
    expect(stdout).toContain('Cannot run, for the payload of the event is no longer kept: 1.');
    expect(stdout).not.toContain(done);
    expect(await readRun(failed, 'welcome')).toEqual({ round: 2, ...UNTOUCHED });
    expect(await readRun(failed, 'record')).toMatchObject({ round: 1, outcome: 'done' });
    expect(await readRun(pruned, 'welcome')).toMatchObject({ round: 1, outcome: 'failed' });
  });

  test('what waits its turn is left alone, a pause is cut short, and a run whose job is lost begins again', async () => {
    const [waits, pauses, lost] = [
      await applied('user.created'),
      await applied('user.created'),
      await applied('user.created'),
    ];
    for (const [eventId, delay] of [
      [waits, 0],
      [pauses, 3_600_000],
    ] as const) {
      const { name, data, opts } = toHandlerJob(
        { eventId, handler: 'welcome', round: 1 },
        RETENTION,
      );
      await open.queue.add(name, data, { ...opts, delay });
    }
    const key = (eventId: string) => ({ eventId, handler: 'welcome', round: 1 });
    await markRelayed(db, [waits, pauses, lost].map(key));
    const { runs, code } = await ask('--type', 'user.created', '--handlers', 'welcome');
    expect(code).toBe(0);
    expect(runs).toEqual([
      `${waits} welcome pending pending`,
      `${pauses} welcome pending promoted`,
      `${lost} welcome pending repeated`,
    ]);
    expect(await readRun(waits, 'welcome')).toMatchObject({ round: 1, relayed: true });
    for (const id of [pauses, lost])
      expect(await readRun(id, 'welcome')).toEqual({ round: 2, ...UNTOUCHED });
  });

  test('two who ask at once begin one round', async () => {
    const eventId = await applied('user.created');
    await end(eventId, 'welcome', 'failed');
    const asked = { eventId, handler: 'welcome', after: 1 };
    const begun = [await beginRounds(db, [asked]), await beginRounds(db, [asked])];
    expect(begun).toEqual([[{ eventId, handler: 'welcome', round: 2 }], []]);
    expect(await readRun(eventId, 'welcome')).toEqual({ round: 2, ...UNTOUCHED });
  });

  test('a name that the table does not have is refused with those that it has, and so is --force', async () => {
    const id = await applied('user.created');
    await expect(replay('--id', id, '--handlers', 'welcome,welcom')).rejects.toThrow(
      'There is no handler "welcom". Choose among record, welcome, quote, hang, slow, throw (src/handlers/index.ts).',
    );
    await expect(replay('--id', id, '--handlers', '')).rejects.toThrow('--handlers names nothing.');
    await expect(replay('--id', id, '--force', '--handlers', 'welcome')).rejects.toThrow('--force');
    expect(await readRun(id, 'welcome')).toMatchObject({ round: 1 });
    const none = await replay('--id', id, '--handlers', 'slow');
    expect(none).toMatchObject({ code: 1 });
    expect(none.stdout).toContain('no such event that was applied and is for slow');
  });
});

test('the command knows the handlers of src/handlers', async () => {
  const database = await createDatabase();
  const args = ['replay', '--type', 'user.created', '--handlers', 'welcome'];
  const { code, stderr } = await runCommand(args, { DATABASE_URL: database.url });
  expect(code).toBe(2);
  expect(stderr).toContain('Choose among log-sign-ups (src/handlers/index.ts)');
  await database.drop();
});
