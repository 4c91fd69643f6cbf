/** Ingest and worker restarted again and again under load, as a deployment does. */
import { BACKENDS, queueSettings } from '../support/backends.js';
import {
  countEffects,
  countSettled,
  expectOneEffectEach,
  waitForCalm,
} from '../support/aftermath.js';
import { makeHistory, shuffle } from '../support/crowd-history.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { abandonLoads, startLoad } from '../support/load.js';
import { findFreePort } from '../support/ports.js';
import { killAll, startIngest, startWorker, type RunningProcess } from '../support/processes.js';
import { createSureClient } from '../support/sure-client.js';
import { waitFor } from '../support/wait.js';

/** With the queue in Redis; on Postgres, where each is slower, half as many. More in a long run: RESTARTS=20. */
const RESTARTS = Number(process.env['RESTARTS'] ?? 6);
const PER_SECOND = 30;
/** More than can be sent in the time. */
const HISTORY = { users: 100 * RESTARTS, organizations: 30, memberships: 100 * RESTARTS };

let database: TestDatabase;
const client = createSureClient();

beforeEach(async () => {
  database = await createDatabase();
  await countEffects(database);
});
afterEach(async () => {
  abandonLoads();
  await killAll();
  await database.drop();
});
afterAll(client.close);

// One after the other: at the same time, on two busy cores, one request was once reset, and nobody knows yet why.
test.each(BACKENDS)(
  'a restart refuses connections, and no more: no request fails, no event is lost or harmed, with the queue in %s',
  async (kind) => {
    const queue = queueSettings(kind);
    const settings = { DATABASE_URL: database.url, ...queue, PORT: String(await findFreePort()) };
    let [ingest, worker] = await Promise.all([startIngest(settings), startWorker(settings)]);
    const load = startLoad({
      url: () => ingest.url,
      events: shuffle(makeHistory(HISTORY)),
      perSecond: PER_SECOND,
      client,
    });
    const restarts = kind === 'redis' ? RESTARTS : Math.ceil(RESTARTS / 2);
    for (let restart = 0; restart < restarts; restart++) {
      const [taken, settled] = [load.accepted.length, await countSettled(database)];
      await waitFor('both to be at work', async () => {
        const isAtWork = load.accepted.length > taken + 10;
        return isAtWork && (await countSettled(database)) > settled + 10;
      });
      const stopIngest = expectCleanStop(ingest).then(() => startIngest(settings));
      const stopWorker = expectCleanStop(worker).then(() => startWorker(settings));
      [ingest, worker] = await Promise.all([stopIngest, stopWorker]);
    }
    await load.finish();

    const isRefused = ({ code }: { code?: string }) => code === 'ECONNREFUSED';
    expect(load.refusals.filter((refusal) => !isRefused(refusal))).toEqual([]);
    expect(load.refusals.some(isRefused)).toBe(true);
    const events = load.accepted.length;
    expect(await waitForCalm(database, { queue, events })).toEqual({
      failed: 0,
      attempts: [1],
      stalls: [0],
    });
    await expectOneEffectEach(database, load.accepted);
  },
  60_000 + 12_000 * RESTARTS,
);

async function expectCleanStop(process: RunningProcess): Promise<void> {
  process.signal('SIGTERM');
  expect(await process.exited).toBe(0);
}
