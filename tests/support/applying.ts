/** What applies events in the tests' own process: as a worker does by default, and telling nobody. */
import { pino } from 'pino';
import { openDatabase, type Database } from '../../src/db/database.js';
import { createApply, type Apply, type ApplyOptions } from '../../src/projections/apply.js';
import { type ProjectionPolicy } from '../../src/projections/fact.js';
import { createUnwatchedReport } from './observers.js';

export const POLICY: ProjectionPolicy = {
  instanceId: undefined,
  mirrored: undefined,
  defaultRole: 'client',
  allowedRoles: undefined,
};
export const BOUNDS = { lockTimeoutSeconds: 10, idleTimeoutSeconds: 10 };

/** The mirror in schema `clerk`. */
export function openMirror(url: string, size = 4): Database {
  return openDatabase({ url, schema: 'clerk', size, ...BOUNDS, onError: () => undefined });
}

export function applyOptions(db: Database, more: Partial<ApplyOptions> = {}): ApplyOptions {
  const logger = pino({ level: 'silent' });
  const report = createUnwatchedReport(logger);
  const { signal } = new AbortController();
  return { db, policy: POLICY, bounds: BOUNDS, logger, report, signal, ...more };
}

export function createQuietApply(db: Database, more: Partial<ApplyOptions> = {}): Apply {
  return createApply(applyOptions(db, more));
}
