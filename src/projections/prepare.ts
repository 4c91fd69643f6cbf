/** From a queued delivery to what the transaction needs: a ledger entry, and facts or a verdict. Pure. */
import { parseEvent, type ClerkEvent, type Delivery } from '../clerk/event.js';
import { type LedgerEntry, type Outcome } from '../db/ledger.js';
import { isSyncError } from '../errors.js';
import { type Facts, type ProjectionPolicy } from './fact.js';
import { project } from './registry.js';

export interface PreparedEvent {
  entry: Omit<LedgerEntry, 'outcome'>;
  /** Undefined: there is nothing to write but the ledger row. */
  facts: Facts | undefined;
  /** The outcome, where it needs no decision. */
  verdict: Extract<Outcome, 'ignored' | 'failed'> | undefined;
  /** To be decided even when the ledger has it as settled. */
  force: boolean;
}

/** @param policy undefined only describes the event, with no facts and no verdict. */
export function prepareEvent(
  delivery: Delivery,
  policy: ProjectionPolicy | undefined,
): PreparedEvent {
  let entry = describeDelivery(delivery);
  const force = delivery.force === true;
  try {
    const event = parseEvent(delivery);
    entry = describeEvent(event);
    if (!policy) return { entry, facts: undefined, verdict: undefined, force };
    const found = project(event, policy);
    if (!('ignored' in found)) return { entry, facts: found, verdict: undefined, force };
    return {
      entry: { ...entry, error: found.ignored },
      facts: undefined,
      verdict: 'ignored',
      force,
    };
  } catch (error) {
    if (!isSyncError(error, 'event.rejected')) throw error;
    return {
      entry: { ...entry, error: error.message },
      facts: undefined,
      verdict: 'failed',
      force,
    };
  }
}

function describeEvent(event: ClerkEvent): PreparedEvent['entry'] {
  return {
    id: event.id,
    type: event.type,
    entityType: event.entityType,
    entityId: event.entityId,
    instanceId: event.instanceId,
    occurredAt: event.occurredAt,
    receivedAt: event.receivedAt,
    error: null,
    payload: event.envelope,
  };
}

/** All that can be said of a body that could not be read. */
function describeDelivery({ id, receivedAt }: Delivery): PreparedEvent['entry'] {
  const unknown = {
    type: null,
    entityType: null,
    entityId: null,
    instanceId: null,
    occurredAt: null,
  };
  return { id, receivedAt, ...unknown, error: null, payload: null };
}
