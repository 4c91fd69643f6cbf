/** A page of plans made true, or only foreseen. */
import { toRetention } from '../../queue/job.js';
import { type Config } from '../../config.js';
import { createForesight } from '../../projections/foresee.js';
import { toPolicy } from '../../projections/policy.js';
import { createRequeue } from '../../queue/requeue.js';
import { type Sources } from './candidates.js';
import { type Plan } from './plan.js';
import { type Replayed } from './report.js';

/** In the order of the plans. */
export type Perform = (plans: readonly Plan[]) => Promise<Replayed[]>;

/** No more than the queue in Postgres has connections. */
const CONCURRENCY = 8;

/** @throws SyncError `queue.unavailable` when the queue does not take an event. */
export function createReplay({ open }: Sources, config: Config): Perform {
  const requeue = createRequeue(open, toRetention(config));
  return async (plans) => {
    const replayed: Replayed[] = [];
    let next = 0;
    // Begun in order, so that the oldest waits in front.
    const drain = async () => {
      for (let index = next++; index < plans.length; index = next++) {
        const plan = plans[index];
        if (!plan) return;
        const action = plan.request ? await requeue(plan.request) : plan.action;
        replayed[index] = toReplayed({ ...plan, action });
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, drain));
    return replayed;
  };
}

/** Changes nothing. */
export function createRehearsal({ db }: Sources, config: Config): Perform {
  const foresee = createForesight(db, toPolicy(config));
  return async (plans) => {
    const foreseen = await foresee(
      plans.flatMap(({ request, isDecided }) => (request && isDecided ? [request.delivery] : [])),
    );
    return plans.map((plan) => ({ ...toReplayed(plan), foreseen: foreseen.get(plan.id) }));
  };
}

function toReplayed({ request, isDecided, ...known }: Plan): Replayed {
  return { ...known, foreseen: undefined };
}
