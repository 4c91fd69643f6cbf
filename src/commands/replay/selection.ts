/** Which events `npm run replay` is about: read from its arguments, asked of the ledger, asked of a job's body. Pure. */
import { type Delivery } from '../../clerk/event.js';
import { SyncError } from '../../errors.js';
import { type LedgerFilter } from '../../db/ledger-query.js';
import { prepareEvent } from '../../projections/prepare.js';
import { readMoment } from '../command.js';

/** What is set must hold, all of it. Times in milliseconds since 1970. */
export interface Selection {
  failed: boolean;
  id: string | undefined;
  type: string | undefined;
  entityId: string | undefined;
  /** Received then or later. */
  since: number | undefined;
  /** Received before. */
  until: number | undefined;
}

export const SELECTION_OPTIONS = {
  failed: { type: 'boolean', default: false },
  id: { type: 'string' },
  type: { type: 'string' },
  entity: { type: 'string' },
  since: { type: 'string' },
  until: { type: 'string' },
} as const;

export interface SelectionValues {
  failed: boolean;
  id?: string | undefined;
  type?: string | undefined;
  entity?: string | undefined;
  since?: string | undefined;
  until?: string | undefined;
}

/** @throws SyncError `usage.invalid`, without the usage. */
export function readSelection(values: SelectionValues, now = Date.now()): Selection {
  const { failed, id, type, entity: entityId } = values;
  const moment = (name: 'since' | 'until') =>
    values[name] === undefined ? undefined : readMoment(values[name], `--${name}`, now);
  const [since, until] = [moment('since'), moment('until')];
  for (const [name, value] of Object.entries({ id, type, entity: entityId })) {
    if (value === '') throw new SyncError('usage.invalid', `--${name} names nothing.`);
  }
  if (!failed && [id, type, entityId, since].every((value) => value === undefined)) {
    const cause = until === undefined ? 'Which events?' : '--until alone selects too much.';
    throw new SyncError(
      'usage.invalid',
      `${cause} Give --failed, --id, --type, --entity or --since.`,
    );
  }
  if (since !== undefined && until !== undefined && until <= since) {
    throw new SyncError('usage.invalid', '--until must be later than --since.');
  }
  return { failed, id, type, entityId, since, until };
}

export function toLedgerFilter({ failed, ...filter }: Selection): LedgerFilter {
  return { ...filter, outcome: failed ? 'failed' : undefined };
}

/** Whether a job's event is selected; that it has failed is the job's state to say. */
export function isSelected(delivery: Delivery, selection: Selection): boolean {
  const { id, type, entityId, since = -Infinity, until = Infinity } = selection;
  if (id !== undefined && delivery.id !== id) return false;
  if (delivery.receivedAt < since || delivery.receivedAt >= until) return false;
  if (type === undefined && entityId === undefined) return true;
  const { entry } = prepareEvent(delivery, undefined);
  return (
    (type === undefined || entry.type === type) &&
    (entityId === undefined || entry.entityId === entityId)
  );
}
