/** What must hold once the dust has settled: each accepted event had its effect once, and no job is left or was harmed. */
import { type JobState } from 'bullmq';
import { openBackend, waitForQueue, type QueueSettings } from './backends.js';
import { readTables } from './crowd-history.js';
import { type TestDatabase } from './database.js';
import { expectTables, type ModelEvent } from './model.js';
import { waitFor } from './wait.js';

const UNFINISHED: JobState[] = ['waiting', 'active', 'delayed'];
const SETTLE_MS = 60_000;

export interface Jobs {
  failed: number;
  /** The distinct numbers of attempts that the others took. */
  attempts: number[];
  /** Likewise of workers that died with the job in their hands. */
  stalls: number[];
}

/** From here on every decision that is committed is counted. Those of tombstoned events may be taken again. */
export async function countEffects({ query }: Pick<TestDatabase, 'query'>): Promise<void> {
  await query(`
    CREATE TABLE public.effects (id text PRIMARY KEY, n integer NOT NULL);
    CREATE FUNCTION public.count_effect() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      INSERT INTO public.effects AS e VALUES (NEW.id, 1) ON CONFLICT (id) DO UPDATE SET n = e.n + 1;
      RETURN NULL; END $$;
    CREATE TRIGGER count_effect AFTER INSERT OR UPDATE ON clerk.webhook_events FOR EACH ROW
      WHEN (NEW.outcome IN ('applied', 'stale')) EXECUTE FUNCTION public.count_effect()`);
}

export async function countSettled({ query }: Pick<TestDatabase, 'query'>): Promise<number> {
  const [row] = await query<{ n: string }>('SELECT count(*) AS n FROM clerk.webhook_events');
  return Number(row?.n);
}

/** Waits until each event is in the ledger and no job is left to do. */
export async function waitForCalm(
  database: TestDatabase,
  {
    queue,
    events,
    patienceMs = SETTLE_MS,
  }: { queue: QueueSettings; events: number; patienceMs?: number },
): Promise<Jobs> {
  const open = openBackend(queue, database).openQueue();
  try {
    await waitForQueue(open);
    const isCalm = async () =>
      (await countSettled(database)) >= events &&
      (await open.queue.getJobCountByTypes(...UNFINISHED)) === 0;
    await waitFor('all events to be settled and no job to be left', isCalm, patienceMs);
    const jobs = await open.queue.getJobs(['completed']);
    const distinct = (numbers: number[]) => [...new Set(numbers)].sort((a, b) => a - b);
    return {
      failed: await open.queue.getJobCountByTypes('failed'),
      attempts: distinct(jobs.map(({ attemptsMade }) => attemptsMade)),
      stalls: distinct(jobs.map(({ stalledCounter }) => stalledCounter)),
    };
  } finally {
    await open.close();
  }
}

/** Each event once in the ledger, with one effect (see `countEffects`), and the rows that the model expects. */
export async function expectOneEffectEach(
  database: TestDatabase,
  accepted: readonly ModelEvent[],
): Promise<void> {
  const rows = await database.query<{ outcome: string; n: number | null }>(
    'SELECT outcome, n FROM clerk.webhook_events LEFT JOIN public.effects USING (id)',
  );
  expect(rows).toHaveLength(accepted.length);
  const found = new Set(rows.map(({ outcome, n }) => `${outcome} ${n ?? 0}`));
  expect([...found].sort()).toEqual(['applied 1', 'stale 1', 'tombstoned 0']);
  expect(await readTables(database)).toEqual(expectTables(accepted));
}
