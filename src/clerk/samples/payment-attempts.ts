/** `paymentAttempt.*`: pending at first, then paid or failed. The one payload without an `object`. */
import { chanceOf, createdAtOf, type Draw, drawEntityId } from './draw.js';
import { buildPayer } from './payers.js';
import { deriveId, drawChance, drawDigits, drawOne, drawText } from './random.js';
import { describeItem } from './subscription-items.js';

export function buildPaymentAttempt(draw: Draw) {
  return describeAttempt(draw, () => 'pending');
}

export function buildSettledPaymentAttempt(draw: Draw) {
  return describeAttempt(draw, (id) =>
    drawChance(chanceOf(id, `settled ${draw.version}`), 0.75) ? 'paid' : 'failed',
  );
}

function describeAttempt(draw: Draw, settle: (id: string) => 'pending' | 'paid' | 'failed') {
  const id = drawEntityId(draw, 'cpayatt');
  const random = chanceOf(id, 'attempt');
  const status = settle(id);
  const payer = buildPayer(draw, id);
  const item = describeItem(deriveId('csub_item', id), 'active', draw.at);
  return {
    id,
    instance_id: draw.instanceId,
    payment_id: deriveId('cpay', id),
    invoice_id: deriveId('cinv', id),
    statement_id: deriveId('cstmt', id),
    gateway_external_id: `pi_${drawText(random, 24)}`,
    status,
    charge_type: drawOne(random, ['checkout', 'recurring']),
    billing_date: item.period_start,
    paid_at: status === 'paid' ? draw.at : null,
    failed_at: status === 'failed' ? draw.at : null,
    failed_reason: status === 'failed' ? drawOne(random, REASONS) : null,
    payee: describePayee(draw.instanceId),
    payer,
    totals: describeTotals(item.plan.amount),
    payment_source: describePaymentSource(payer.id),
    subscription_items: [{ ...item, credits: null }],
    created_at: createdAtOf(id, draw.at),
    updated_at: draw.at,
  };
}

function describePayee(instanceId: string) {
  return {
    id: deriveId('cpayee', instanceId),
    gateway_type: 'stripe',
    gateway_external_id: `acct_${drawText(chanceOf(instanceId, 'payee'), 16)}`,
    gateway_status: 'active',
  };
}

function describePaymentSource(payerId: string) {
  const random = chanceOf(payerId, 'payment source');
  return {
    id: deriveId('cpm', payerId),
    gateway: 'stripe',
    gateway_external_id: `pm_${drawText(random, 24)}`,
    gateway_external_account_id: null,
    payment_method: 'card',
    status: 'active',
    card_type: drawOne(random, ['visa', 'mastercard', 'amex']),
    last4: drawDigits(random, 4),
  };
}

function describeTotals(cents: number) {
  const tax = Math.round(cents * TAX_RATE);
  return {
    subtotal: describeAmount(cents),
    tax_total: describeAmount(tax),
    grand_total: describeAmount(cents + tax),
  };
}

function describeAmount(cents: number) {
  const formatted = `$${(cents / 100).toFixed(2)}`;
  return { amount: cents, amount_formatted: formatted, currency: 'USD', currency_symbol: '$' };
}

const TAX_RATE = 0.08;
const REASONS = [
  { code: 'card_declined', decline_code: 'insufficient_funds' },
  { code: 'card_declined', decline_code: 'do_not_honor' },
  { code: 'expired_card', decline_code: 'expired_card' },
] as const;
