/** What `why` and `doctor` tell of handlers, in the states in which they leave their rows and jobs. */
import { whyCommand } from '../../src/commands/why.js';
import { type WhyReport } from '../../src/commands/why/report.js';
import { type Finding } from '../../src/commands/doctor/finding.js';
import { doctorCommand } from '../../src/commands/doctor.js';
import { type OpenQueue } from '../../src/queue/contract.js';
import { HANDLER_QUEUE_NAME, toHandlerJob } from '../../src/queue/handler-job.js';
import { BACKENDS, openBackend, queueSettings, waitForQueue } from '../support/backends.js';
import { SECRET } from '../support/clerk.js';
import { runInProcess } from '../support/commands.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { killAll, startWorker } from '../support/processes.js';
import { waitFor } from '../support/wait.js';

const RETENTION = {
  attempts: 8,
  completedAgeSeconds: 3_600,
  completedCount: 1_000,
  failedAgeSeconds: 3_600,
};

describe.each(BACKENDS)('with the queue in %s', (kind) => {
  let database: TestDatabase;
  let settings: Record<string, string>;
  let open: OpenQueue<typeof HANDLER_QUEUE_NAME>;

  beforeEach(async () => {
    database = await createDatabase();
    const queue = queueSettings(kind);
    settings = { DATABASE_URL: database.url, CLERK_WEBHOOK_SIGNING_SECRET: SECRET, ...queue };
    open = openBackend(queue, database).openQueue(HANDLER_QUEUE_NAME);
    await waitForQueue(open);
    await database.query(`INSERT INTO clerk.users (id, data) VALUES ('user_1', '{}')`);
    await database.query(
      `INSERT INTO clerk.webhook_events (id, type, entity_type, entity_id, outcome, occurred_at, received_at, processed_at, payload)
       VALUES ('msg_1', 'user.created', 'user', 'user_1', 'applied', now(), now(), now(), '{}'),
         ('msg_2', 'user.updated', 'user', 'user_1', 'applied', now(), now(), now(), '{}')`,
    );
  });
  afterEach(async () => {
    await killAll();
    await open.close();
    await database.drop();
  });

  const plant = (eventId: string, handler: string, columns: Record<string, string>) => {
    const rest = { round: '1', created_at: `now() - interval '2 hours'`, ...columns };
    return database.query(
      `INSERT INTO clerk.handler_runs (event_id, handler, ${Object.keys(rest).join(', ')})
       VALUES ($1, $2, ${Object.values(rest).join(', ')})`,
      [eventId, handler],
    );
  };
  const over = (outcome: string, error = 'NULL') => ({
    ...{ relayed_at: 'now()', finished_at: 'now()', outcome: `'${outcome}'`, attempts: '3', error },
  });
  const why = async (id: string) => {
    const { stdout } = await runInProcess(whyCommand, [id, '--json'], settings);
    const text = await runInProcess(whyCommand, [id], settings);
    return { report: JSON.parse(stdout) as WhyReport, text: text.stdout };
  };
  const examine = async () => {
    const { stdout } = await runInProcess(doctorCommand, ['--json'], settings);
    const { checks } = JSON.parse(stdout) as { checks: (Finding & { name: string })[] };
    return checks.filter(({ name }) => name === 'Handlers');
  };

  test('a run that failed is named with its reason and the command that repeats it, in the event and in the entity', async () => {
    await plant('msg_1', 'welcome', {
      ...over('failed', `'The mail provider answered 500.'`),
      round: '2',
    });
    await plant('msg_1', 'record', over('done'));
    await plant('msg_2', 'record', over('skipped', `'The ledger keeps the event no longer.'`));
    const cure = 'npm run replay -- --id msg_1 --handlers welcome';
    const event = await why('msg_1');
    expect(event.report.event?.conclusions.at(-1)).toEqual({
      level: 'bad',
      text: expect.stringMatching(
        /^The handler welcome failed for good .* ago: The mail provider answered 500\. Mend the cause/,
      ),
    });
    expect(event.report.event?.conclusions.at(-1)?.text).toContain(cure);
    expect(event.report.event?.handlers).toMatchObject([
      { handler: 'record', state: 'done', round: 1, attempts: 3, reason: null },
      { handler: 'welcome', state: 'failed', round: 2, reason: 'The mail provider answered 500.' },
    ]);
    expect(event.text).toMatch(/^handlers +record: done, since .* UTC, 3 attempts begun$/m);
    expect(event.text).toMatch(/^ +welcome: failed, since .*, round 2$/m);

    const user = await why('user_1');
    const [entity] = user.report.entities;
    expect(entity?.conclusions[0]?.text).toContain(cure);
    expect(entity?.conclusions[0]?.text).toContain('The handler welcome of msg_1 failed');
    expect(entity?.handlers).toHaveLength(3);
    expect(user.text).toMatch(/^handlers +1 done, of the events above$/m);
    expect(user.text).toMatch(/^ +record of msg_2: skipped/m);

    expect(await examine()).toEqual([
      {
        name: 'Handlers',
        status: 'warn',
        found: 'welcome: 1 run failed in the last 24 hours',
        cure: expect.stringContaining('npm run replay -- --since 2d --failed --handlers welcome'),
      },
    ]);
  });

  test('a run that waits says for what: a worker, another attempt, its turn', async () => {
    await plant('msg_1', 'welcome', {
      ...{ relayed_at: 'now()', attempts: '2', error: `'The mail provider answered 500.'` },
    });
    await plant('msg_2', 'record', {});
    const run = { eventId: 'msg_1', handler: 'welcome', round: 1 };
    const { name, data, opts } = toHandlerJob(run, RETENTION);
    await open.queue.add(name, data, { ...opts, delay: 3_600_000 });
    for (const id of ['msg_1', 'msg_2']) {
      const said = (await why(id)).report.event?.conclusions.at(-1);
      expect(said).toMatchObject({ level: 'bad', text: expect.stringContaining('waits for 2 h') });
      expect(said?.text).toContain('no worker that runs handlers is connected');
    }
    const found = await examine();
    expect(found.map(({ status, found: text }) => `${status}: ${text}`)).toEqual([
      'bad: No worker that runs handlers is connected, and 2 runs of them wait',
      expect.stringMatching(/^warn: welcome: 1 run not over for up to 2 h/),
    ]);

    // One that runs no handlers changes nothing; one that does relays what waits, and takes no job before its time.
    await startWorker({ ...settings, WORKER_TASKS: 'mirror' });
    expect((await examine())[0]?.found).toContain('No worker that runs handlers is connected');
    await startWorker({ ...settings, WORKER_TASKS: 'handlers' });
    await waitFor('the worker to be connected', async () => (await open.queue.getWorkers()).length);
    const { report } = await why('msg_1');
    expect(report.event?.conclusions.at(-1)).toEqual({
      level: 'note',
      text: expect.stringMatching(
        /^The handler welcome is tried again in about 59 min .*; 2 attempts so far: The mail provider answered 500\.$/,
      ),
    });
    expect(report.event?.handlers[0]?.dueAt).not.toBeNull();
    await waitFor('the relay', async () => {
      const { report: other } = await why('msg_2');
      return other.event?.handlers[0]?.relayedAt !== null;
    });
    expect((await examine()).map(({ status }) => status)).toEqual(['warn', 'warn']);
  }, 60_000);

  test('where all is well the doctor says so', async () => {
    await plant('msg_1', 'welcome', over('done'));
    await startWorker({ ...settings, WORKER_TASKS: 'handlers' });
    await waitFor('the worker to be connected', async () => (await open.queue.getWorkers()).length);
    expect(await examine()).toEqual([
      {
        name: 'Handlers',
        status: 'ok',
        found: 'none failed in the last 24 hours, 0 on their way, 1 worker connected',
      },
    ]);
  }, 30_000);
});
