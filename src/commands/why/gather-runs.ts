/** Asks the outbox, and its queue, what became of the handlers of events. */
import { type Config } from '../../config.js';
import { type Database } from '../../db/database.js';
import { readRuns } from '../../db/read-runs.js';
import { isSyncError } from '../../errors.js';
import { findRunJobs } from '../../queue/find-runs.js';
import { HANDLER_QUEUE_NAME } from '../../queue/handler-job.js';
import { countWorkers } from '../../queue/inspect-workers.js';
import { withQueue } from '../connections.js';
import { type KnownRun, type RunsKnowledge } from './conclude-runs.js';

/** Of more the queue is not asked when they are due. */
const JOBS_ASKED = 100;

/** The queue is asked only of what is not over, and not missed where it does not answer. */
export async function gatherRuns(
  db: Database,
  config: Config,
  eventIds: readonly string[],
): Promise<RunsKnowledge> {
  const runs = await readRuns(db, eventIds);
  const waiting = [...runs.values()].flat().filter(({ finishedAt }) => finishedAt === null);
  const { due, workers } =
    waiting.length > 0 ? await askQueue(config, waiting.slice(-JOBS_ASKED)) : NOT_ASKED;
  const byEvent = new Map<string, KnownRun[]>();
  for (const [id, ofEvent] of runs) {
    byEvent.set(
      id,
      ofEvent.map((run) => ({ ...run, dueAt: due.get(nameOf(run)) ?? null })),
    );
  }
  return { byEvent, workers };
}

interface Asked {
  due: ReadonlyMap<string, number | null>;
  workers: number | null;
}

const NOT_ASKED: Asked = { due: new Map(), workers: null };

async function askQueue(config: Config, runs: Parameters<typeof findRunJobs>[1]): Promise<Asked> {
  try {
    return await withQueue(
      config,
      async (open) => {
        const jobs = await findRunJobs(open, runs);
        const due = new Map(runs.map((run, index) => [nameOf(run), jobs[index]?.dueAt ?? null]));
        return { due, workers: await countWorkers(open) };
      },
      HANDLER_QUEUE_NAME,
    );
  } catch (error) {
    if (!isSyncError(error, 'queue.unavailable')) throw error;
    return NOT_ASKED;
  }
}

function nameOf({ eventId, handler }: { eventId: string; handler: string }): string {
  return `${eventId}.${handler}`;
}
