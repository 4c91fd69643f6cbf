/** Brings the metrics of the database up to date at each reading. */
import { type Metrics } from '../metrics.js';
import { type Database } from './database.js';
import { probeDatabase } from './probe.js';

export function reportDatabase(db: Database, metrics: Metrics): void {
  metrics.onRead(async () => {
    for (const [state, count] of Object.entries(db.countConnections())) {
      metrics.record('database_pool_connections', count, { state });
    }
    metrics.record('database_up', (await probeDatabase(db)) === null ? 1 : 0, {});
  });
}
