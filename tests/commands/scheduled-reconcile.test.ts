/** A worker that is told so reconciles by itself: once, however many workers there are, and Prometheus hears what was found. */
import { type ClerkApiServer, startClerkApi } from '../support/clerk-api/start-clerk-api.js';
import { BACKENDS, queueSettings } from '../support/backends.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { killAll, startWorker } from '../support/processes.js';
import { waitFor } from '../support/wait.js';

const opened: { database: TestDatabase; clerk: ClerkApiServer }[] = [];

afterAll(async () => {
  await killAll();
  for (const { database, clerk } of opened) {
    await clerk.stop();
    await database.drop();
  }
});

test.concurrent.each(BACKENDS)('with the queue in %s', async (kind) => {
  const [database, clerk] = await Promise.all([
    createDatabase(),
    startClerkApi({ size: { users: 40 } }),
  ]);
  opened.push({ database, clerk });
  const settings = {
    ...queueSettings(kind),
    DATABASE_URL: database.url,
    CLERK_API_URL: clerk.url,
    CLERK_SECRET_KEY: clerk.secretKey,
    RECONCILE_EVERY: '1h',
  };
  const workers = await Promise.all([startWorker(settings), startWorker(settings)]);
  await waitFor('a reconcile to be done', async () => {
    const [run] = await database.query(
      `SELECT 1 FROM clerk.sync_runs WHERE kind = 'reconcile' AND finished_at IS NOT NULL`,
    );
    return run;
  });
  const stored = await database.query('SELECT id FROM clerk.users WHERE data IS NOT NULL');
  expect(stored).toHaveLength(40);
  for (const { opsUrl } of workers) {
    const metrics = await (await fetch(`${opsUrl}/metrics`)).text();
    expect(metrics).toMatch(/^clerk_sync_drift\{entity="users",kind="missing",.*\} 40$/m);
    expect(metrics).toMatch(/^clerk_sync_last_reconcile_timestamp_seconds\{.*\} \d/m);
  }
  for (const worker of workers) worker.signal('SIGTERM');
  expect(await Promise.all(workers.map(({ exited }) => exited))).toEqual([0, 0]);
  expect(await database.query('SELECT 1 FROM clerk.sync_runs')).toHaveLength(1);
});
