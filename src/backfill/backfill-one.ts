/** Fetches one object and applies it. */
import { type ApiEntityName } from '../clerk/api-entities.js';
import { type ClerkApi } from '../clerk/backend-api.js';
import { type Apply } from '../projections/apply.js';
import { type RedactionPolicy } from '../redaction.js';
import { toRepairDelivery } from './fetched-delivery.js';

export interface OneOptions {
  api: ClerkApi;
  apply: Apply;
  instanceId: string;
  redaction: RedactionPolicy;
}

export interface OneResult {
  outcome: string;
  isApplied: boolean;
  /** In words, with what to do next. */
  message: string;
}

/** @throws SyncError `clerk.…`, or the error of what is to be tried again. */
export async function backfillOne(
  { api, apply, instanceId, redaction }: OneOptions,
  entity: ApiEntityName,
  id: string,
): Promise<OneResult> {
  const object = await api.find(entity, { id });
  if (object === null) {
    const message =
      'Clerk has no such object. If it is stored here: npm run reconcile -- --dry-run';
    return { outcome: 'absent', isApplied: false, message };
  }
  const fetch = { instanceId, fetchedAt: Date.now(), redaction };
  const [result] = await apply([toRepairDelivery(entity, object, fetch)]);
  if (!result || result.outcome === 'retry') throw result?.error;
  const { outcome, reason } = result;
  return {
    outcome,
    isApplied: outcome === 'applied',
    message: MESSAGES[outcome] ?? reason ?? outcome,
  };
}

const MESSAGES: Readonly<Record<string, string>> = {
  applied: 'stored as Clerk has it now',
  stale: 'what is stored is newer than what Clerk gave: nothing to do',
  tombstoned:
    'deleted here, and left so. npm run why -- ID says by what; npm run forget -- ID drops the tombstone',
};
