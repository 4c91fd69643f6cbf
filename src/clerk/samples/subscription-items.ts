/** `subscriptionItem.*`: one plan over one period, in the state that the event names. */
import { chanceOf, createdAtOf, type Draw, drawEntityId } from './draw.js';
import { buildPayer } from './payers.js';
import { deriveId, drawOne } from './random.js';

type ItemStatus =
  'abandoned' | 'active' | 'canceled' | 'ended' | 'incomplete' | 'past_due' | 'upcoming';

export function buildSubscriptionItem(status: ItemStatus, isFreeTrial = false) {
  return (draw: Draw) => {
    const id = drawEntityId(draw, 'csub_item');
    return {
      ...describeItem(id, status, draw.at),
      is_free_trial: isFreeTrial,
      payer: buildPayer(draw, id),
      subscription_id: deriveId('csub', id),
      seats: describeSeats(id),
    };
  };
}

/** An item inside a subscription event: Clerk leaves out what the subscription around it says. */
export function describeNestedItem(id: string, status: ItemStatus, at: number) {
  const item = describeItem(id, status, at);
  return { ...item, is_free_trial: false, subscription_id: null, seats: describeSeats(id) };
}

/** What every kind of item has; a payment attempt's items have no more than this. */
export function describeItem(id: string, status: ItemStatus, at: number) {
  const random = chanceOf(id, 'item');
  const plan = drawOne(random, PLANS);
  const interval = drawOne(random, ['month', 'month', 'annual'] as const);
  const createdAt = createdAtOf(id, at);
  const length = interval === 'month' ? MONTH_MS : YEAR_MS;
  const current = at - ((at - createdAt) % length);
  const periodStart = status === 'upcoming' ? current + length : current;
  return {
    object: 'commerce_subscription_item',
    id,
    status,
    created_at: createdAt,
    updated_at: at,
    period_start: periodStart,
    period_end: periodStart + length,
    interval,
    plan_id: deriveId('cplan', plan.slug),
    plan: { id: deriveId('cplan', plan.slug), ...plan, is_recurring: true, currency: 'USD' },
  };
}

function describeSeats(id: string) {
  return { quantity: drawOne(chanceOf(id, 'seats'), [null, 1, 5, 25]) };
}

const PLANS = [
  { slug: 'starter', name: 'Starter', amount: 900 },
  { slug: 'team', name: 'Team', amount: 2999 },
  { slug: 'scale', name: 'Scale', amount: 19_900 },
] as const;
const MONTH_MS = 30 * 24 * 3_600_000;
const YEAR_MS = 365 * 24 * 3_600_000;
