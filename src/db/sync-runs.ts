/** sync_runs: how far each backfill and reconcile has come, and what the last ones found. */
import { type Statements } from './database.js';

export type RunKind = 'backfill' | 'reconcile';

/** Progress and result are the caller's own JSON. */
export interface SyncRun<P> {
  id: string;
  kind: RunKind;
  instanceId: string;
  startedAt: Date;
  finishedAt: Date | null;
  progress: P;
}

export async function startRun<P>(
  db: Statements,
  run: Pick<SyncRun<P>, 'id' | 'kind' | 'instanceId' | 'progress'>,
): Promise<void> {
  await db.execute(
    `INSERT INTO ${db.table('sync_runs')} (id, kind, instance_id, started_at, updated_at, progress)
     VALUES ($1, $2, $3, now(), now(), $4::jsonb)`,
    run.id,
    run.kind,
    run.instanceId,
    JSON.stringify(run.progress),
  );
}

export async function saveProgress(db: Statements, id: string, progress: unknown): Promise<void> {
  await db.execute(
    `UPDATE ${db.table('sync_runs')} SET progress = $2::jsonb, updated_at = now() WHERE id = $1`,
    id,
    JSON.stringify(progress),
  );
}

export async function finishRun(db: Statements, id: string, progress: unknown): Promise<void> {
  await saveProgress(db, id, progress);
  await db.execute(`UPDATE ${db.table('sync_runs')} SET finished_at = now() WHERE id = $1`, id);
}

/** The newest of its kind, finished or not. */
export async function readLastRun<P>(
  db: Statements,
  kind: RunKind,
  { finished }: { finished: boolean },
): Promise<SyncRun<P> | null> {
  const [row] = await db.query<RunRow<P>>(
    `SELECT id, kind, instance_id, started_at, finished_at, progress FROM ${db.table('sync_runs')}
     WHERE kind = $1 AND (finished_at IS NOT NULL) = $2 ORDER BY started_at DESC LIMIT 1`,
    kind,
    finished,
  );
  if (!row) return null;
  const { instance_id: instanceId, started_at: startedAt, finished_at: finishedAt, ...rest } = row;
  return { ...rest, instanceId, startedAt, finishedAt };
}

interface RunRow<P> {
  id: string;
  kind: RunKind;
  instance_id: string;
  started_at: Date;
  finished_at: Date | null;
  progress: P;
}
