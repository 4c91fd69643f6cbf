/** subscription.*, subscriptionItem.* and paymentAttempt.* -> subscriptions, subscription_items, payment_attempts. Pure. */
import { isUsableId, readTimestamp } from '../clerk/event.js';
import { isRecord, type JsonRecord } from '../record.js';
import { stateOf, toRow, type Columns } from './entity.js';
import { keyOf, type Fact } from './fact.js';
import { readFlag, readInteger, readText, readTime } from './read.js';

export const subscriptionChanged = stateOf('subscription', (data) => ({
  columns: {
    ...readPayer(data),
    status: readText(data['status']),
    latest_payment_id: readText(data['latest_payment_id']),
    active_at: readTime(data['active_at']),
    past_due_at: readTime(data['past_due_at']),
    canceled_at: readTime(data['canceled_at']),
    ended_at: readTime(data['ended_at']),
  },
  others: readItems(data),
}));

export const subscriptionItemChanged = stateOf('subscription_item', (data) => ({
  columns: itemColumns(data),
}));

/** The one family whose data has no `object` field. Amounts are in the currency's smallest unit. */
export const paymentAttemptChanged = stateOf('payment_attempt', (data) => {
  const totals = isRecord(data['totals']) ? data['totals'] : {};
  const total = isRecord(totals['grand_total']) ? totals['grand_total'] : {};
  const failure = data['failed_reason'];
  return {
    columns: {
      ...readPayer(data),
      payment_id: readText(data['payment_id']),
      status: readText(data['status']),
      charge_type: readText(data['charge_type']),
      amount: readInteger(total['amount']),
      currency: readText(total['currency']),
      failed_code: isRecord(failure) ? readText(failure['code']) : null,
      billing_date: readTime(data['billing_date']),
      paid_at: readTime(data['paid_at']),
      failed_at: readTime(data['failed_at']),
    },
  };
});

/** A subscription carries its items, without payer and without their subscription's id; like any nested copy they lose ties. */
function readItems(subscription: JsonRecord): Fact[] {
  const items: unknown = subscription['items'];
  if (!Array.isArray(items)) return [];
  return items.flatMap((item): Fact[] => {
    if (!isRecord(item) || !isUsableId(item['id'])) return [];
    const updatedAt = readTimestamp(item['updated_at']);
    if (updatedAt === null) return [];
    const key = keyOf('subscription_item', item['id']);
    const { id, payer, payer_id } = subscription;
    const columns = itemColumns({
      ...item,
      payer: item['payer'] ?? payer,
      payer_id: item['payer_id'] ?? payer_id,
      subscription_id: id,
    });
    const version = { updatedAt, occurredAt: 0, eventId: '' };
    return [{ kind: 'snapshot', key, version, row: toRow(key, columns, item) }];
  });
}

function itemColumns(data: JsonRecord): Columns<'subscription_item'> {
  const plan = data['plan'];
  const seats = data['seats'];
  return {
    ...readPayer(data),
    subscription_id: readText(data['subscription_id']),
    status: readText(data['status']),
    plan_id: readText(data['plan_id']),
    plan_slug: isRecord(plan) ? readText(plan['slug']) : null,
    interval: readText(data['interval']),
    is_free_trial: readFlag(data['is_free_trial']),
    quantity: isRecord(seats) ? readInteger(seats['quantity']) : null,
    period_start: readTime(data['period_start']),
    period_end: readTime(data['period_end']),
  };
}

/** A payer is a user or an organization; the other one's id comes as an empty text. */
function readPayer(data: JsonRecord) {
  const payer = isRecord(data['payer']) ? data['payer'] : {};
  return {
    payer_id: readText(data['payer_id']) ?? readText(payer['id']),
    user_id: readText(payer['user_id']),
    organization_id: readText(payer['organization_id']),
  };
}
