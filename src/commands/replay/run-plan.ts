/** What a replay does about one run of a handler, from its row and its job. Pure. */
import { type RunnableEvent, type RunRecord } from '../../db/read-runs.js';
import { type RunJob } from '../../queue/find-runs.js';

/**
 * `started`: it never ran. `repeated`: it ran before. `promoted`: the pause after a failed attempt is cut short.
 * `pending`: it is going to run by itself. `unavailable`: the ledger has no payload of the event any more.
 */
export type RunAction = 'started' | 'repeated' | 'promoted' | 'pending' | 'unavailable';

export interface WantedRun {
  event: RunnableEvent;
  handler: string;
  /** Undefined: none was ever begun. */
  run: RunRecord | undefined;
}

export interface RunPlan extends Omit<RunnableEvent, 'id' | 'hasPayload'> {
  eventId: string;
  handler: string;
  action: RunAction;
  begins: boolean;
  /** Before. `none`: never begun; `pending`: not over. */
  outcome: 'none' | 'pending' | 'done' | 'failed' | 'skipped';
  /** The last one that was begun; 0: none. */
  round: number;
}

export function listRuns(
  event: RunnableEvent,
  handlers: readonly string[],
  runs: readonly RunRecord[],
): WantedRun[] {
  return handlers.map((handler) => ({
    event,
    handler,
    run: runs.find((known) => known.handler === handler),
  }));
}

/** @param job of a run that the queue was told of, and that is not over; null: the queue has lost it. */
export function planRun({ event, handler, run }: WantedRun, job: RunJob | null): RunPlan {
  const { id: eventId, hasPayload, ...known } = event;
  const action = hasPayload ? chooseAction(run, job) : 'unavailable';
  return {
    ...known,
    eventId,
    handler,
    action,
    begins: action !== 'pending' && action !== 'unavailable',
    outcome: run ? (run.outcome ?? 'pending') : 'none',
    round: run?.round ?? 0,
  };
}

function chooseAction(run: RunRecord | undefined, job: RunJob | null): RunAction {
  if (!run) return 'started';
  if (run.finishedAt !== null) return 'repeated';
  if (run.relayedAt === null || job?.state === 'pending') return 'pending';
  return job?.state === 'delayed' ? 'promoted' : 'repeated';
}
