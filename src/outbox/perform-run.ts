/** One turn of one run: its place in the lane, its event from the ledger, the function, and what came of it in the row. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Database, type PrismaClient } from '../db/database.js';
import { classifyFault, describeFault } from '../db/faults.js';
import {
  finishRun,
  noteFailedAttempt,
  startRun,
  type RunEnd,
  type RunKey,
  type StartedRun,
} from '../db/handler-runs.js';
import { type Environment } from '../environment.js';
import { type Logger } from '../logger.js';
import { type HandlerTurn, type RunResult } from '../queue/handler-consumer.js';
import { isRecord } from '../record.js';
import { attempt, Interrupted } from './attempt.js';
import { type HandlerContext } from './define-handlers.js';
import { describeFailure } from './describe-failure.js';
import { toIdempotencyKey } from './idempotency-key.js';
import { type Lanes } from './lanes.js';
import { type AnyHandler, type Handlers } from './read-handlers.js';
import { type RunReport } from './report-runs.js';

export interface PerformOptions {
  /** For what the engine itself asks: no handler can keep it waiting. */
  db: Database;
  handlers: Handlers;
  lanes: Lanes;
  timeoutSeconds: number;
  /** What handlers ask through, by name. */
  clientOf: (handler: string) => PrismaClient;
  env: Environment;
  report: RunReport;
  logger: Logger;
  /** Aborted when the worker can wait for handlers no longer. */
  stopping: AbortSignal;
}

/** Never rejects. */
export type Perform = (turn: HandlerTurn) => Promise<RunResult>;

/** During a deployment a worker may meet a handler that only newer ones have. */
const UNKNOWN_DELAY_MS = 30_000;
const UNKNOWN_PATIENCE_MS = 3_600_000;
const OUTAGE_DELAY_MS = 2_000;
const OUTAGE_PAUSE_MS = 500;

export function createPerform(options: PerformOptions): Perform {
  const { db, handlers, lanes, report, logger } = options;
  return async (turn) => {
    const { isLast: _, ageMs, ...run } = turn;
    try {
      const handler = handlers.find(run.handler);
      if (!handler) return await skipUnknown(options, run, ageMs);
      const place = await lanes.enter(run.handler, async () => {
        const startedRun = await startRun(db, run);
        if (!startedRun) return NOTHING_TO_DO;
        return callHandler(options, handler, { turn, run, started: startedRun });
      });
      if ('result' in place) return place.result;
      report.sentAway(run);
      return { kind: 'later', delayMs: place.delayMs };
    } catch (error) {
      // What the handler throws is dealt with below. This is a defect of ours, or the database's, which needs nothing but time.
      if (!isPassing(error)) return { kind: 'again', error: describeFailure(error, null) };
      const reason = describeFault(error);
      logger.warn({ id: run.eventId, handler: run.handler, reason }, 'a run is put off');
      return { kind: 'later', delayMs: OUTAGE_DELAY_MS };
    }
  };
}

/**
 * A row for a run whose job failed outside of `perform`: its worker died too often.
 * @throws the database's error when it is away and the worker stops meanwhile.
 */
export async function recordDeadRun(
  options: Pick<PerformOptions, 'db' | 'stopping' | 'report'>,
  run: RunKey,
  reason: string,
): Promise<void> {
  const end = { outcome: 'failed', error: reason } as const;
  if (!(await finish(options, run, end))) return;
  options.report.finished({ ...run, ...NO_ATTEMPT, outcome: 'failed', reason });
}

const NOTHING_TO_DO: RunResult = { kind: 'settled', outcome: 'nothing to do' };
const NO_ATTEMPT = { attempt: 0, seconds: 0, sinceCommitSeconds: 0 };

async function skipUnknown(
  options: PerformOptions,
  run: RunKey,
  ageMs: number,
): Promise<RunResult> {
  if (ageMs < UNKNOWN_PATIENCE_MS) return { kind: 'later', delayMs: UNKNOWN_DELAY_MS };
  const reason = 'No handler of this name is in src/handlers/index.ts any more.';
  return skip(options, run, { ...NO_ATTEMPT, reason });
}

interface Call {
  turn: HandlerTurn;
  run: RunKey;
  started: StartedRun;
}

async function callHandler(
  options: PerformOptions,
  handler: AnyHandler,
  { turn, run, started }: Call,
): Promise<RunResult> {
  const { report } = options;
  const { payload, attempt: number } = started;
  const startedAt = performance.now();
  const measure = () => {
    const seconds = (performance.now() - startedAt) / 1000;
    return { attempt: number, seconds, sinceCommitSeconds: started.waitedMs / 1000 + seconds };
  };
  if (!isRecord(payload)) {
    return skip(options, run, {
      ...measure(),
      reason: 'The ledger keeps the event no longer: it was pruned or erased.',
    });
  }
  try {
    const event = {
      id: run.eventId,
      type: payload['type'],
      data: payload['data'],
      occurredAt: new Date(started.occurredAt),
    };
    await attempt(
      // Its pattern was matched by the event's type when the run was written: the table's types hold.
      (signal) => handler(event as never, createContext(options, run, { attempt: number, signal })), // as above
      { timeoutSeconds: options.timeoutSeconds, stopping: options.stopping },
    );
  } catch (error) {
    if (error instanceof Interrupted) return { kind: 'later', delayMs: 0 };
    const failure = describeFailure(error, payload);
    const reason = failure.message;
    if (!turn.isLast) {
      await noteFailedAttempt(options.db, run, reason).catch(() => undefined); // the log and the queue say it as well
      report.retried({ ...run, ...measure(), reason });
      return { kind: 'again', error: failure };
    }
    await finish(options, run, { outcome: 'failed', error: reason });
    report.finished({ ...run, ...measure(), outcome: 'failed', reason });
    return { kind: 'failed', error: failure };
  }
  const measured = measure();
  await finish(options, run, { outcome: 'done', error: null });
  report.finished({ ...run, ...measured, outcome: 'done', reason: null });
  return { kind: 'settled', outcome: 'done' };
}

function createContext(
  { clientOf, env, logger }: PerformOptions,
  { eventId, handler }: RunKey,
  own: Pick<HandlerContext, 'attempt' | 'signal'>,
): HandlerContext {
  return {
    ...own,
    idempotencyKey: toIdempotencyKey(eventId, handler),
    // Whoever never asks for it opens no connection.
    get db() {
      return clientOf(handler);
    },
    logger: logger.child({ id: eventId, handler }),
    env,
  };
}

async function skip(
  options: PerformOptions,
  run: RunKey,
  { reason, ...measured }: typeof NO_ATTEMPT & { reason: string },
): Promise<RunResult> {
  await finish(options, run, { outcome: 'skipped', error: reason });
  options.report.finished({ ...run, ...measured, outcome: 'skipped', reason });
  return { kind: 'settled', outcome: 'skipped' };
}

/** A database that is away is waited for: what was done must not be done again for want of a row. */
async function finish(
  { db, stopping }: Pick<PerformOptions, 'db' | 'stopping'>,
  run: RunKey,
  end: RunEnd,
): Promise<boolean> {
  for (;;) {
    try {
      return await finishRun(db, run, end);
    } catch (error) {
      if (!isPassing(error) || stopping.aborted) throw error;
      await sleep(OUTAGE_PAUSE_MS);
    }
  }
}

function isPassing(error: unknown): boolean {
  const fault = classifyFault(error);
  return fault !== undefined && fault !== 'data';
}
