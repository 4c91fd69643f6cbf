/** Applies deliveries whatever happens: waits out the database, halves a batch until its poison stands alone, fails that one only. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Delivery } from '../clerk/event.js';
import { type Database } from '../db/database.js';
import { classifyFault, describeFault, type Fault } from '../db/faults.js';
import { type Outcome } from '../db/ledger.js';
import { probeDatabase } from '../db/probe.js';
import { readVersions } from '../db/versions.js';
import { writeBatch } from '../db/write-batch.js';
import { isSyncError, SyncError } from '../errors.js';
import { type Logger } from '../logger.js';
import { type Starting } from './choose-handlers.js';
import { leaveOutErased, listUsers } from './erased.js';
import { type ProjectionPolicy } from './fact.js';
import { toKnown } from './locking.js';
import { prepareEvent, withoutFetched, type PreparedEvent } from './prepare.js';
import { type Report } from './report.js';
import { applyInTransaction, type BatchBounds } from './transaction.js';

/** What became of one delivery. `reason` is why, when it is not `applied`, fit to be shown. */
export interface Applied {
  /** `retry`: nothing is written, and `error` says whether only time is needed (a retryable SyncError) or the defect is ours. */
  outcome: Outcome | 'retry';
  repeated: boolean;
  reason: string | null;
  /** What may stay of the body in the queue, where the event names somebody who was erased. */
  body?: string | undefined;
  error?: unknown;
}

export interface ApplyOptions {
  db: Database;
  policy: ProjectionPolicy;
  bounds: BatchBounds;
  logger: Logger;
  report: Report;
  /** Aborted when the worker stops: whoever waits for the database then gives up with `database.unavailable`. */
  signal: AbortSignal;
  outbox?: Outbox;
}

/** What the application wants to happen: written down in the commit that applies the event, and done elsewhere. */
export interface Outbox extends Starting {
  /** Called after a commit that left it so many runs. */
  notify: (runs: number) => void;
}

/** Same length and order as the deliveries, each with its own fate. Never rejects. */
export type Apply = (deliveries: readonly Delivery[]) => Promise<Applied[]>;

/** A transaction that loses this often in a row is made smaller, and at last handed back: it may be a lock held for hours. */
const MAX_LOSSES = 8;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;

type Results = Map<string, Applied>;

export function createApply(options: ApplyOptions): Apply {
  return async (deliveries) => {
    const results: Results = new Map();
    const prepared = deliveries.flatMap((delivery) => {
      try {
        return [prepareEvent(delivery, options.policy, options.outbox?.forFetched)];
      } catch (error) {
        results.set(delivery.id, toRetry(error)); // a defect of ours is no neighbour's trouble
        return [];
      }
    });
    await applyHalving(options, prepared, results);
    return deliveries.map(
      ({ id }) => results.get(id) ?? toRetry(new Error('left out of its own batch')),
    );
  };
}

/**
 * A ledger row for a delivery whose job failed outside of `apply`: its worker died too often, or its attempts ran out. Waits for
 * the database. @throws SyncError `database.unavailable` when the worker stops meanwhile.
 */
export async function recordFailure(
  options: ApplyOptions,
  delivery: Delivery,
  reason: string,
): Promise<void> {
  // No policy can turn a failure into anything else: only the description of the event is wanted.
  const event = prepareEvent(delivery, undefined);
  try {
    await persist(options, 1, () => writeFailure(options.db, event, reason));
  } catch (error) {
    throw withoutValues(error);
  }
}

async function applyHalving(
  options: ApplyOptions,
  batch: readonly PreparedEvent[],
  results: Results,
): Promise<void> {
  const [first, second] = batch;
  if (!first) return;
  const { db, bounds, report, outbox } = options;
  const batching = { ...bounds, starting: outbox };
  try {
    const { settlements, seconds } = await persist(options, batch.length, async () => {
      const startedAt = performance.now();
      const settlements = await applyInTransaction(db, batch, batching);
      return { settlements, seconds: (performance.now() - startedAt) / 1000 };
    });
    report.batch(settlements.size, seconds);
    const runs = [...settlements.values()].reduce((sum, { handlers }) => sum + handlers.length, 0);
    if (runs > 0) outbox?.notify(runs);
    for (const [id, settlement] of settlements) {
      const { entry, handlers: _, ...settled } = settlement;
      results.set(id, { ...settled, reason: entry.error });
      report.settled({ ...settled, entry, reason: entry.error });
    }
  } catch (error) {
    if (isSyncError(error, 'database.unavailable')) {
      for (const { entry } of batch) results.set(entry.id, toRetry(error));
    } else if (!second) {
      results.set(first.entry.id, await failAlone(options, first, error));
    } else {
      const middle = Math.ceil(batch.length / 2);
      await applyHalving(options, batch.slice(0, middle), results);
      await applyHalving(options, batch.slice(middle), results);
    }
  }
}

/**
 * Runs `work` until the database has taken it: an outage of any length is waited for, a lost transaction tried again.
 * @throws what only a smaller batch, or none, can mend; `database.unavailable` when the worker stops meanwhile.
 */
async function persist<T>(
  options: ApplyOptions,
  events: number,
  work: () => Promise<T>,
): Promise<T> {
  const { logger, report, signal } = options;
  let isSuspect = false;
  for (let losses = 0, tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      const fault = faultOf(error);
      if (fault === undefined || fault === 'data') throw error;
      report.fault(fault);
      logger.warn({ fault, reason: describeFault(error), events, tries }, 'will be tried again');
      if (fault === 'contention') {
        if (++losses >= MAX_LOSSES) throw error;
        await pause(losses, signal);
      } else {
        const wasAway = await waitForDatabase(options);
        // Nothing of ours is missing or forbidden, twice: the error is about something that this batch alone touches.
        // Once may be a migration that ended between the error and the question.
        if (!wasAway && fault === 'structure' && isSuspect) throw error;
        isSuspect = !wasAway && fault === 'structure';
        if (!wasAway) await pause(tries, signal);
      }
    }
  }
}

/** Resolves once the database answers, with our tables and our rights. @returns whether it had to be waited for. */
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
  options: ApplyOptions,
  event: PreparedEvent,
  error: unknown,
): Promise<Applied> {
  const fault = faultOf(error);
  if (fault === undefined) return toRetry(error); // a defect of ours: with backoff, as long as there are attempts
  if (fault === 'contention') {
    return toRetry(
      new SyncError('database.contended', 'Somebody else holds a lock on the entity.'),
    );
  }
  const failed = { outcome: 'failed', repeated: false, reason: describeFault(error) } as const;
  try {
    const body = await persist(options, 1, () => writeFailure(options.db, event, failed.reason));
    options.report.settled({ ...failed, entry: event.entry });
    return { ...failed, body };
  } catch (ledgerError) {
    return toRetry(ledgerError);
  }
}

function toRetry(error: unknown): Applied {
  return { outcome: 'retry', repeated: false, reason: null, error: withoutValues(error) };
}

/** Queue and log keep the message, and a database error's own may quote the row. */
function withoutValues(error: unknown): unknown {
  if (isSyncError(error) || classifyFault(error) === undefined) return error;
  return new SyncError('work.failed', describeFault(error));
}

function faultOf(error: unknown): Fault | undefined {
  return isSyncError(error, 'database.contended') ? 'contention' : classifyFault(error);
}

/** @returns what may stay of the body in the queue, where the event names somebody who was erased. */
async function writeFailure(
  db: Database,
  event: PreparedEvent,
  reason: string,
): Promise<string | undefined> {
  const users = listUsers(event);
  const known = toKnown(await readVersions(db, users));
  const kept = leaveOutErased({ ...event, facts: undefined }, users, known);
  const failed = { ...withoutFetched(kept), error: reason, outcome: 'failed' as const };
  const write = (payload: unknown) =>
    db.transact((tx) => writeBatch(tx, { entries: [{ ...failed, payload }] }));
  try {
    await write(failed.payload);
  } catch (error) {
    if (classifyFault(error) !== 'data') throw error;
    // The payload itself is what Postgres cannot hold; the job still has it.
    await write(null);
  }
  return kept.body;
}
