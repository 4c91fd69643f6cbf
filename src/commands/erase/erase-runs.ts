/** What handlers said of a person when they failed. What they did elsewhere with what they were told is the application's. */
import { type Database } from '../../db/database.js';
import { eraseReasons, findRunsAbout, type FoundRun } from '../../db/erase-runs.js';
import { type Bounds } from '../../db/retention.js';
import { eraseRunJobs } from '../../queue/erase-run-jobs.js';
import { type Places, type Traces } from './find-traces.js';

export interface ErasedRuns {
  /** That said something. */
  reasons: number;
  /** That were not over: they are skipped, for their event is gone. */
  lost: number;
}

export async function countRuns(db: Database, traces: Traces): Promise<ErasedRuns> {
  return count(await findRuns(db, traces));
}

/** The payloads that they would read go by themselves. */
export async function eraseRuns(
  { db, handlers }: Places,
  traces: Traces,
  bounds: Bounds,
): Promise<ErasedRuns> {
  const runs = await findRuns(db, traces);
  await eraseReasons(db, runs, bounds);
  await eraseRunJobs(handlers, runs);
  return count(runs);
}

function count(runs: readonly FoundRun[]): ErasedRuns {
  return {
    reasons: runs.filter(({ hasReason }) => hasReason).length,
    lost: runs.filter(({ isLost }) => isLost).length,
  };
}

function findRuns(db: Database, { person, payloads }: Traces): Promise<FoundRun[]> {
  const { userId, identifiers } = person;
  const eventIds = payloads.map(({ id }) => id);
  return findRunsAbout(db, { userId, eventIds, texts: [userId.toLowerCase(), ...identifiers] });
}
