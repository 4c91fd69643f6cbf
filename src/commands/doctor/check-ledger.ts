/** What came of late, what failed, and what should be gone: from the ledger. */
import {
  countFailures,
  hasPayloadsOlderThan,
  readLedgerNews,
  type LedgerFailures,
  type LedgerNews,
} from '../../db/inspect-ledger.js';
import { SAMPLE_INSTANCE_ID } from '../../clerk/samples/index.js';
import { type Database } from '../../db/database.js';
import { classifyFault } from '../../db/faults.js';
import { maskWord } from '../../masking.js';
import { formatAgo } from '../format-time.js';
import { bad, ok, skipped, warn, type Finding } from './finding.js';
import { type Patient } from './patient.js';

const DAY_MS = 86_400_000;
/** Svix gives an endpoint up that has failed for five days. */
const LONG_SILENCE_MS = 7 * DAY_MS;
/** A payload is not late before the daily prune has had its turn. */
const PRUNE_MARGIN_DAYS = 2;

type Read = (db: Database, patient: Patient) => Promise<Finding[]>;

export const checkLastEvent = whenReached(async (db, { config }) => {
  const path = config.WEBHOOK_PATHS[0] ?? '';
  return [judgeLastEvent((await readLedgerNews(db)).newest, { path, now: Date.now() })];
});

export function judgeLastEvent(
  newest: LedgerNews['newest'],
  { path, now }: { path: string; now: number },
): Finding {
  if (newest === null) {
    return warn(
      'None ever came',
      `In the Clerk Dashboard (Configure > Webhooks), add the endpoint https://YOUR-HOST${path}; or try \`npm run send -- user.created\`.`,
    );
  }
  const found = `${maskWord(newest.type ?? 'unknown')}, ${formatAgo(newest.receivedAt, now)}`;
  if (now - newest.receivedAt < LONG_SILENCE_MS) return ok(found);
  return warn(
    found,
    'If Clerk should have sent more: see in its Dashboard whether the endpoint is still enabled.',
  );
}

export const checkInstance = whenReached(async (db, { config }) => [
  judgeInstance((await readLedgerNews(db)).instances, config.CLERK_INSTANCE_ID),
]);

export function judgeInstance(
  instances: LedgerNews['instances'],
  configured: string | undefined,
): Finding {
  const real = instances.filter(({ id }) => id !== SAMPLE_INSTANCE_ID);
  if (configured) return judgeForeign(real, configured);
  if (instances.length > 1) {
    return warn(
      `CLERK_INSTANCE_ID is not set, and the newest events are of several Clerk instances: ${listNames(instances)}`,
      'Set it to the one that belongs here: the others mix into its tables.',
    );
  }
  const [only] = real;
  return warn(
    'CLERK_INSTANCE_ID is not set: events of any Clerk instance are applied',
    only
      ? `Set it to ${maskWord(only.id)}, if that is yours: all newest events are of it.`
      : 'Set it to your instance (ins_…), so that development and production never mix.',
  );
}

function judgeForeign(instances: LedgerNews['instances'], configured: string): Finding {
  const foreign = instances.filter(({ id }) => id !== configured);
  if (foreign.length === 0) return ok(configured);
  const found = `CLERK_INSTANCE_ID is ${configured}; of the newest events these are of others, and ignored: ${listNames(foreign)}`;
  const cure =
    'Correct CLERK_INSTANCE_ID, or the endpoint in the Clerk Dashboard of the other instance.';
  // Not one of ours: everything that comes is thrown away.
  return foreign.length === instances.length ? bad(found, cure) : warn(found, cure);
}

function listNames(instances: LedgerNews['instances']): string {
  const name = (id: string) =>
    id === SAMPLE_INSTANCE_ID ? 'samples of `npm run send`' : maskWord(id);
  return instances.map(({ id, events }) => `${name(id)} (${events})`).join(', ');
}

export const checkFailures = whenReached(async (db) => [judgeFailures(await countFailures(db))]);

export function judgeFailures({ lastDay, lastWeek }: LedgerFailures): Finding {
  if (lastWeek === 0) return ok('none in the last 7 days');
  return warn(
    `${lastDay} in the last 24 hours, ${lastWeek} in the last 7 days`,
    'The ledger says why (`npm run why -- ID`); mend the cause, then `npm run replay -- --failed`.',
  );
}

export const checkRetention = whenReached(async (db, { config }) => {
  const days = config.EVENT_RETENTION_DAYS;
  if (!(await hasPayloadsOlderThan(db, days + PRUNE_MARGIN_DAYS))) {
    return [ok(`no contents of events older than ${days} days`)];
  }
  const found = `The ledger still has contents of events older than ${days} days (EVENT_RETENTION_DAYS)`;
  return [warn(found, 'Run `npm run prune`, daily.')];
});

/** @returns the check, which is skipped where the database, or its tables, cannot be asked. */
export function whenReached(read: Read): (patient: Patient) => Promise<Finding[]> {
  return async (patient) => {
    if (patient.database.state !== 'reached') return [skipped('the database cannot be asked')];
    try {
      return await read(patient.database.db, patient);
    } catch (error) {
      // Which table, and why, is what the check of the tables says.
      if (classifyFault(error) !== 'structure') throw error;
      return [skipped('the ledger cannot be read')];
    }
  };
}
