/** Applies deliveries whatever happens: waits out the database, halves a batch until its poison stands alone, fails that one only. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Delivery } from '../clerk/event.js';
import { type Database } from '../db/database.js';
import { classifyFault, describeFault } from '../db/faults.js';
import { writeLedger, type Outcome } from '../db/ledger.js';
import { probeDatabase } from '../db/probe.js';
import { isSyncError, SyncError } from '../errors.js';
import { type Logger } from '../logger.js';
import { type ProjectionPolicy } from './fact.js';
import { prepareEvent, type PreparedEvent } from './prepare.js';
import { applyInTransaction, type BatchBounds } from './transaction.js';

/** What became of one delivery. `failed` carries the reason, fit to be shown. */
export interface Applied {
  outcome: Outcome;
  repeated: boolean;
  reason: string | null;
}

export interface ApplyOptions {
  db: Database;
  policy: ProjectionPolicy;
  bounds: BatchBounds;
  logger: Logger;
  /** Aborted when the worker stops: whoever waits for the database then gives up with `database.unavailable`. */
  signal: AbortSignal;
}

/** Same length and order as the deliveries. Rejects only when a delivery may be tried again later, with nothing written. */
export type Apply = (deliveries: readonly Delivery[]) => Promise<Applied[]>;

/** A database that answers our probe and yet fails the same batch this often in a row has a quarrel with the batch. */
const MAX_TRIES = 20;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;

export function createApply(options: ApplyOptions): Apply {
  return async (deliveries) => {
    const prepared = deliveries.map((delivery) => prepareEvent(delivery, options.policy));
    const applied = new Map<string, Applied>();
    await applyHalving(options, prepared, applied);
    return deliveries.map(({ id }) => {
      const result = applied.get(id);
      if (!result) throw new Error('A delivery was left out of its own batch.');
      return result;
    });
  };
}

/** A ledger row for a delivery whose job failed outside of `apply`: its worker died too often, or its attempts ran out. */
export async function recordFailure(
  db: Database,
  delivery: Delivery,
  reason: string,
): Promise<void> {
  // No policy can turn a failure into anything else: only the description of the event is wanted.
  const { entry } = prepareEvent(delivery, undefined);
  await writeFailure(db, { ...entry, error: reason });
}

async function applyHalving(
  options: ApplyOptions,
  batch: readonly PreparedEvent[],
  applied: Map<string, Applied>,
): Promise<void> {
  try {
    const settlements = await applyPatiently(options, batch);
    for (const { entry } of batch) {
      const settlement = settlements.get(entry.id);
      if (settlement) applied.set(entry.id, { ...settlement, reason: entry.error });
    }
  } catch (error) {
    const [first, second] = batch;
    if (isSyncError(error, 'database.unavailable') || !first) throw error;
    if (!second) {
      applied.set(first.entry.id, await failAlone(options, first, error));
      return;
    }
    const middle = Math.ceil(batch.length / 2);
    await applyHalving(options, batch.slice(0, middle), applied);
    await applyHalving(options, batch.slice(middle), applied);
  }
}

/** Tries until the database has taken the batch. Throws what only a smaller batch, or none, can mend. */
async function applyPatiently(options: ApplyOptions, batch: readonly PreparedEvent[]) {
  const { db, bounds, logger, signal } = options;
  for (let tries = 1; ; tries++) {
    try {
      return await applyInTransaction(db, batch, bounds);
    } catch (error) {
      const fault = isSyncError(error, 'database.contended') ? 'contention' : classifyFault(error);
      if (fault === undefined || fault === 'data' || tries >= MAX_TRIES) throw error;
      logger.warn({ err: error, fault, events: batch.length, tries }, 'batch will be tried again');
      if (fault === 'contention') await pause(tries, signal);
      else {
        const wasAway = await waitForDatabase(options);
        // Our tables are whole: the error is about something that this batch alone touches.
        if (!wasAway && fault === 'structure') throw error;
        if (wasAway) tries = 0;
        else await pause(tries, signal);
      }
    }
  }
}

/** Resolves once the database answers and our tables are there. @returns whether it had to be waited for. */
async function waitForDatabase({ db, logger, signal }: ApplyOptions): Promise<boolean> {
  for (let tries = 1; ; tries++) {
    const trouble = await probeDatabase(db);
    if (trouble === null) return tries > 1;
    if (tries === 1) logger.error({ trouble }, 'the database is away; waiting for it');
    await pause(tries, signal);
  }
}

async function pause(tries: number, signal: AbortSignal): Promise<void> {
  const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(tries, 10));
  try {
    await sleep(longest * (0.5 + Math.random() / 2), undefined, { signal });
  } catch {
    throw new SyncError(
      'database.unavailable',
      'The worker stopped before the database took the event.',
    );
  }
}

/** The event that nothing but its own content can be blamed for. Its failure is in the ledger before its job fails. */
async function failAlone(
  { db, logger }: ApplyOptions,
  { entry }: PreparedEvent,
  error: unknown,
): Promise<Applied> {
  if (classifyFault(error) === undefined) throw error; // a defect of ours, not the event's: retried, with backoff
  const reason = describeFault(error);
  logger.error(
    { id: entry.id, type: entry.type, entityId: entry.entityId, reason },
    'event failed',
  );
  await writeFailure(db, { ...entry, error: reason });
  return { outcome: 'failed', repeated: false, reason };
}

async function writeFailure(db: Database, entry: PreparedEvent['entry']): Promise<void> {
  const failed = { ...entry, outcome: 'failed' as const };
  try {
    await writeLedger(db.prisma, db, [failed]);
  } catch (error) {
    if (classifyFault(error) !== 'data') throw error;
    // The payload itself is what Postgres cannot hold; the job still has it.
    await writeLedger(db.prisma, db, [{ ...failed, payload: null }]);
  }
}
