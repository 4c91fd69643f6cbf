/** From a queued delivery to what the transaction needs: a ledger entry, and facts or a verdict. Pure. */
import { parseEvent, readTimestamp, type ClerkEvent, type Delivery } from '../clerk/event.js';
import { type JsonDocument } from '../db/documents.js';
import { type LedgerEntry, type Outcome } from '../db/ledger.js';
import { isSyncError } from '../errors.js';
import { isRecord } from '../record.js';
import { type Facts, type ProjectionPolicy } from './fact.js';
import { project } from './registry.js';

export interface PreparedEvent {
  entry: Omit<LedgerEntry, 'outcome'>;
  /** Undefined: there is nothing to write but the ledger row. */
  facts: Facts | undefined;
  /** The whole envelope; undefined where it cannot be read. */
  document: JsonDocument | undefined;
  /** The outcome, where it needs no decision. */
  verdict: Extract<Outcome, 'ignored' | 'failed'> | undefined;
  /** To be decided even when the ledger has it as settled. */
  force: boolean;
  /** From Clerk's Backend API: decided anew each time, and recorded only where it changed something. */
  fetched: boolean;
}

/**
 * @param policy undefined only describes the event, with no facts and no verdict.
 * @param keepsFetched whether handlers may have to read in the ledger what was fetched.
 */
export function prepareEvent(
  delivery: Delivery,
  policy: ProjectionPolicy | undefined,
  keepsFetched = false,
): PreparedEvent {
  const origin = { force: delivery.force === true, fetched: delivery.fetched !== undefined };
  let entry = describeDelivery(delivery);
  let document: JsonDocument | undefined;
  const prepare = (rest: Partial<PreparedEvent>): PreparedEvent => ({
    entry,
    document,
    facts: undefined,
    verdict: undefined,
    ...origin,
    ...rest,
  });
  try {
    const event = parseEvent(delivery);
    entry = origin.fetched ? describeFetched(event, keepsFetched) : describeEvent(event);
    document = { value: event.envelope, text: event.text };
    if (!policy) return prepare({});
    const found = project(event, policy);
    if (!('ignored' in found)) return prepare({ facts: found });
    return prepare({ entry: { ...entry, error: found.ignored }, verdict: 'ignored' });
  } catch (error) {
    if (!isSyncError(error, 'event.rejected')) throw error;
    return prepare({ entry: { ...entry, error: error.message }, verdict: 'failed' });
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

/** As the ledger has it where no handler reads it there: of what was fetched no payload. */
export function withoutFetched({ entry, fetched }: PreparedEvent): PreparedEvent['entry'] {
  return fetched ? { ...entry, payload: null } : entry;
}

/** Without payload where nobody asks for it: the row has it, and Clerk can be asked again. */
function describeFetched(event: ClerkEvent, keepsFetched: boolean): PreparedEvent['entry'] {
  const updatedAt = isRecord(event.data) ? readTimestamp(event.data['updated_at']) : null;
  const described = { ...describeEvent(event), occurredAt: updatedAt };
  return keepsFetched ? described : { ...described, payload: null };
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
