/** `subscription.*`: what a payer has subscribed to. In the payload it is still called commerce. */
import { createdAtOf, type Draw, drawEntityId } from './draw.js';
import { buildPayer } from './payers.js';
import { deriveId } from './random.js';
import { describeNestedItem } from './subscription-items.js';

export function buildSubscription(status: 'active' | 'past_due') {
  return (draw: Draw) => {
    const id = drawEntityId(draw, 'csub');
    const payer = buildPayer(draw, id);
    const createdAt = createdAtOf(id, draw.at);
    return {
      object: 'commerce_subscription',
      id,
      status,
      active_at: createdAt,
      canceled_at: null,
      ended_at: null,
      past_due_at: status === 'past_due' ? draw.at : null,
      // A new payment with each version, as a renewal would bring.
      latest_payment_id: deriveId('cpay', `${id}/${draw.version}`),
      payer_id: payer.id,
      payer,
      payment_source_id: deriveId('cpm', payer.id),
      items: [describeNestedItem(deriveId('csub_item', id), status, draw.at)],
      created_at: createdAt,
      updated_at: draw.at,
    };
  };
}
