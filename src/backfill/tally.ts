/** How many objects were fetched, and what became of them. Pure. */
import { type Applied } from '../projections/apply.js';

export interface Tally {
  fetched: number;
  applied: number;
  /** What is stored is as new, or newer. */
  stale: number;
  /** Deleted here, though Clerk has it; the first few by id. */
  tombstoned: number;
  tombstonedIds: string[];
  ignored: number;
  failed: number;
  /** The first few. */
  failures: { id: string; reason: string }[];
}

const EXAMPLES = 10;

export function emptyTally(): Tally {
  return {
    fetched: 0,
    applied: 0,
    stale: 0,
    tombstoned: 0,
    tombstonedIds: [],
    ignored: 0,
    failed: 0,
    failures: [],
  };
}

/** @param ids of the objects, in the order of the results. @throws the error of one that is to be tried again. */
export function settle(ids: readonly string[], results: readonly Applied[]): Tally {
  const tally = emptyTally();
  for (const [index, { outcome, reason, error }] of results.entries()) {
    const id = ids[index] ?? '';
    if (outcome === 'retry') throw error;
    tally.fetched++;
    tally[outcome]++;
    if (outcome === 'tombstoned') tally.tombstonedIds.push(id);
    if (outcome === 'failed') tally.failures.push({ id, reason: reason ?? '' });
  }
  return tally;
}

export function addTo(sum: Tally, part: Tally): void {
  for (const name of ['fetched', 'applied', 'stale', 'tombstoned', 'ignored', 'failed'] as const) {
    sum[name] += part[name];
  }
  sum.tombstonedIds = [...sum.tombstonedIds, ...part.tombstonedIds].slice(0, EXAMPLES);
  sum.failures = [...sum.failures, ...part.failures].slice(0, EXAMPLES);
}
