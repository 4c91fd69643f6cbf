/** Deletions that cascade into what another worker is writing, from two workers in small batches. */
import { BACKENDS, queueSettings } from '../support/backends.js';
import { deliver } from '../support/clerk.js';
import { closeAll, closeLater } from '../support/closing.js';
import { makeHistory, readTables, shuffle } from '../support/crowd-history.js';
import { expectTables, type ModelEvent } from '../support/model.js';
import { startPostgres, type PostgresServer } from '../support/postgres-server.js';
import { startIngest, startWorker } from '../support/processes.js';
import { waitFor } from '../support/wait.js';

const PARALLEL_DELIVERIES = 32;

afterAll(closeAll, 60_000);

test.concurrent.each(BACKENDS)(
  'users and organizations that share memberships, deleted by two workers: no deadlock, with the queue in %s',
  async (kind) => {
    const postgres = await startPostgres();
    closeLater(postgres.close);
    const settings = {
      DATABASE_URL: postgres.url,
      WORKER_BATCH_SIZE: '5',
      ...queueSettings(kind),
    };
    const [ingest] = await Promise.all([
      startIngest(settings),
      startWorker(settings),
      startWorker(settings),
    ]);
    const events = makeHistory({
      users: 120,
      organizations: 12,
      memberships: 400,
      deletedOneIn: 2,
    });
    const created = events.filter(({ type }) => type.endsWith('.created'));
    const rest = events.filter((event) => !created.includes(event));
    const deliverAll = async (batch: readonly ModelEvent[]) => {
      const queue = shuffle(batch);
      const drain = async () => {
        for (let event = queue.pop(); event; event = queue.pop()) {
          expect((await deliver(ingest.url, event)).status).toBe(200);
        }
      };
      await Promise.all(Array.from({ length: PARALLEL_DELIVERIES }, drain));
    };
    await deliverAll(created);
    await waitFor(
      'everybody',
      async () => (await countSettled(postgres)) === created.length,
      60_000,
    );
    await deliverAll(rest);
    await waitFor(
      'all events',
      async () => (await countSettled(postgres)) === events.length,
      120_000,
    );

    expect(await readTables(postgres)).toEqual(expectTables(events));
    const [row] = await postgres.query<{ deadlocks: string; failed: string }>(
      `SELECT (SELECT sum(deadlocks) FROM pg_stat_database) AS deadlocks,
         (SELECT count(*) FROM clerk.webhook_events WHERE outcome = 'failed') AS failed`,
    );
    expect(row).toEqual({ deadlocks: '0', failed: '0' });
    expect(postgres.log()).toMatch(/ready to accept connections/);
    expect(postgres.log()).not.toMatch(/deadlock/);
  },
  240_000,
);

async function countSettled({ query }: PostgresServer): Promise<number> {
  const [row] = await query<{ n: string }>('SELECT count(*) AS n FROM clerk.webhook_events');
  return Number(row?.n);
}
