/** What a replay does with one event, from what ledger and queue know of it. Pure. */
import { type Delivery } from '../../clerk/event.js';
import { SETTLED_OUTCOMES, type Outcome } from '../../db/ledger.js';
import { prepareEvent } from '../../projections/prepare.js';
import { type QueuedState } from '../../queue/read-jobs.js';
import { type Requeued, type RequeueRequest } from '../../queue/requeue.js';
import { type Candidate } from './candidates.js';

/** `skipped`: its effect is recorded already. `unavailable`: its body is kept nowhere any more. */
export type Action = Requeued | 'skipped' | 'unavailable';

export interface Plan {
  id: string;
  type: string | null;
  entityType: string | null;
  entityId: string | null;
  /** Milliseconds since 1970. */
  receivedAt: number | null;
  /** What the ledger says by now. Null: nothing. */
  outcome: Outcome | null;
  action: Action;
  /** Undefined: nothing is asked of the queue. */
  request: RequeueRequest | undefined;
  /** Whether the worker will decide it, and not find it settled. */
  isDecided: boolean;
}

export function planReplay({ id, ledger, queued }: Candidate, force: boolean): Plan {
  const isSettled = ledger !== undefined && SETTLED_OUTCOMES.includes(ledger.outcome);
  const isDecided = force || !isSettled;
  const delivery = queued?.delivery ?? toDelivery({ id, ledger, queued });
  const known = {
    id,
    ...describe(ledger, delivery),
    outcome: ledger?.outcome ?? null,
    isDecided: isDecided && delivery !== undefined,
  };
  // A failed job is revived even so: the worker finds the event applied, and the job leaves the failed ones.
  if (!isDecided && queued?.state !== 'failed') {
    return { ...known, action: 'skipped', request: undefined };
  }
  if (!delivery) return { ...known, action: 'unavailable', request: undefined };
  const state = queued?.state;
  return {
    ...known,
    action: state ? MOVES[state] : 'added',
    request: {
      delivery: force ? { ...delivery, force: true } : delivery,
      type: queued?.type ?? known.type ?? 'unknown',
      state,
    },
  };
}

const MOVES: Record<QueuedState, Requeued> = {
  pending: 'pending',
  delayed: 'promoted',
  completed: 'repeated',
  failed: 'revived',
};

function toDelivery({ id, ledger }: Candidate): Delivery | undefined {
  const { payload = null, receivedAt = 0 } = ledger ?? {};
  return payload === null ? undefined : { id, body: payload, receivedAt };
}

function describe(ledger: Candidate['ledger'], delivery: Delivery | undefined) {
  const entry = ledger ?? (delivery && prepareEvent(delivery, undefined).entry);
  const { type = null, entityType = null, entityId = null, receivedAt = null } = entry ?? {};
  return { type, entityType, entityId, receivedAt };
}
