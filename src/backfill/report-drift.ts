/** Tells Prometheus what the last reconcile found, whoever ran it, and when. */
import { type Database } from '../db/database.js';
import { readLastRun } from '../db/sync-runs.js';
import { type Metrics } from '../metrics.js';
import { DRIFT_KINDS } from './drift.js';
import { type ReconcileProgress } from './reconcile.js';

export function reportDrift(db: Database, metrics: Metrics): void {
  metrics.onRead(async () => {
    metrics.forget('drift');
    metrics.forget('last_reconcile_timestamp_seconds');
    const run = await readLastRun<ReconcileProgress>(db, 'reconcile', { finished: true }).catch(
      () => null, // `database_up` says it
    );
    if (!run?.finishedAt) return;
    metrics.record('last_reconcile_timestamp_seconds', run.finishedAt.getTime() / 1000, {});
    for (const [entity, drift] of Object.entries(run.progress)) {
      for (const kind of DRIFT_KINDS) metrics.record('drift', drift[kind], { entity, kind });
    }
  });
}
