/** `npm run backfill -- --handlers`: what is fetched starts the handlers that are asked for, and no others; without it, none. */
import { sampleEvent } from '../../src/clerk/samples/index.js';
import { backfillCommand } from '../../src/commands/backfill.js';
import { reconcileCommand } from '../../src/commands/reconcile.js';
import { createQuietApply, openMirror } from '../support/applying.js';
import { buildWithHandlers, type Build } from '../support/build.js';
import { startClerkApi, type ClerkApiServer } from '../support/clerk-api/start-clerk-api.js';
import { newMessageId } from '../support/clerk.js';
import { runInProcess } from '../support/commands.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { killAll, startWorker } from '../support/processes.js';
import { startTrialServer } from '../support/trial-server.js';
import { waitFor } from '../support/wait.js';

const SIZE = { users: 4, organizations: 1, organization_invitations: 2 };

let build: Build;
let database: TestDatabase;
let clerk: ClerkApiServer;
let settings: Record<string, string>;

beforeAll(async () => {
  build = await buildWithHandlers('tests/fixtures/handlers/index.ts');
});
afterAll(() => build.remove());
beforeEach(async () => {
  database = await createDatabase();
  clerk = await startClerkApi({ size: SIZE });
  const { url, secretKey } = clerk;
  settings = { DATABASE_URL: database.url, CLERK_API_URL: url, CLERK_SECRET_KEY: secretKey };
});
afterEach(async () => {
  await killAll();
  await clerk.stop();
  await database.drop();
});

const backfill = (...args: string[]) => runInProcess(backfillCommand, args, settings);
const listIds = (kind: 'users' | 'organization_invitations') =>
  clerk.instance.readAll(kind).map(({ id }) => String(id));
/** `ENTITY_ID TYPE HANDLER`, of each run. */
const listRuns = async () => {
  const rows = await database.query<{ run: string }>(
    `SELECT concat_ws(' ', e.entity_id, e.type, h.handler) AS run FROM clerk.handler_runs h
     JOIN clerk.webhook_events e ON e.id = h.event_id ORDER BY 1`,
  );
  return rows.map(({ run }) => run);
};

/** As if these had come by webhook: a user of long ago, and one whom nothing but a membership mentioned. */
async function applyBefore([known = '', mentioned = '']: string[]): Promise<void> {
  const db = openMirror(database.url);
  const apply = createQuietApply(db);
  const now = Date.UTC(2020, 0, 1);
  const member = sampleEvent('organizationMembership.created', { now });
  const events = [
    sampleEvent('user.created', { entityId: known, now }),
    { ...member, data: { ...member.data, public_user_data: { user_id: mentioned } } },
  ];
  for (const sample of events) {
    const event = { ...sample, instance_id: clerk.instance.id };
    const delivery = { id: newMessageId(), body: JSON.stringify(event), receivedAt: now };
    expect((await apply([delivery]))[0]?.outcome).toBe('applied');
  }
  await db.close();
}

test('who is new here is told of as created, who was known as updated; a worker runs them, with what was fetched', async () => {
  const [known = '', ...others] = listIds('users');
  await applyBefore([known, ...others]);
  const { code, stdout } = await backfill('users', '--handlers', 'welcome,record');
  expect(code).toBe(0);
  expect(stdout).toContain('handlers: 7 runs, for the workers that run them\n');
  expect(await listRuns()).toEqual(
    [
      `${known} user.updated record`,
      ...others.flatMap((id) => [`${id} user.created record`, `${id} user.created welcome`]),
    ].sort(),
  );
  const payloads = await database.query(
    `SELECT payload #>> '{data,id}' AS id, payload ->> 'type' = type AS same FROM clerk.webhook_events WHERE id LIKE 'backfill-%'`,
  );
  expect(payloads).toHaveLength(4);
  for (const id of [known, ...others]) expect(payloads).toContainEqual({ id, same: true });

  const trial = await startTrialServer();
  await startWorker({ ...settings, TRIAL_URL: trial.url, WORKER_TASKS: 'handlers' }, build);
  await waitFor('the runs to be done', async () => {
    const done = await database.query(`SELECT 1 FROM clerk.handler_runs WHERE outcome = 'done'`);
    return done.length === 7;
  });
  expect(trial.calls).toHaveLength(7);
  await trial.close();

  const again = await backfill('users', '--restart', '--json', '--handlers', 'record');
  expect(JSON.parse(again.stdout)).toMatchObject({ runs: 0, progress: { users: { stale: 4 } } });
}, 60_000);

test('a type that none of them is for starts none, and keeps no payload; nor does an invitation that only changed', async () => {
  await backfill('organizations', 'organization_invitations', '--handlers', 'welcome');
  expect(await listRuns()).toEqual([]);
  const kept = 'SELECT 1 FROM clerk.webhook_events WHERE payload IS NOT NULL';
  expect(await database.query(kept)).toEqual([]);
  const [first = '', second = ''] = listIds('organization_invitations');
  await database.query(
    'UPDATE clerk.entity_versions SET version_updated_at = $2 WHERE entity_id = $1',
    [first, new Date(0)],
  );
  await database.query('DELETE FROM clerk.entity_versions WHERE entity_id = $1', [second]);
  // What is decided anew stands in the ledger under the id that it had: there it stays as it was.
  await database.query('DELETE FROM clerk.webhook_events');
  await backfill('organization_invitations', '--restart', '--handlers', 'record');
  expect(await listRuns()).toEqual([`${second} organizationInvitation.created record`]);
}, 60_000);

test('one at once starts them, too; without --handlers nothing does, nor does a reconcile', async () => {
  const [one = '', other = ''] = listIds('users');
  const single = await backfill(one, '--handlers', 'welcome');
  expect(single.stdout).toContain('handlers: 1 run, ');
  expect(await listRuns()).toEqual([`${one} user.created welcome`]);
  expect((await backfill(other)).code).toBe(0);
  expect((await backfill('users')).stdout).not.toContain('handlers');
  await database.query(`DELETE FROM clerk.users`);
  await database.query(`DELETE FROM clerk.entity_versions`);
  expect((await runInProcess(reconcileCommand, ['users'], settings)).stdout).toContain('repaired');
  expect(await listRuns()).toEqual([`${one} user.created welcome`]);
  await expect(backfill('--handlers', 'nobody')).rejects.toThrow('There is no handler "nobody".');
}, 60_000);
