/** How far Clerk and the tables are apart, for one entity. Pure. */
export interface Drift {
  compared: number;
  /** In Clerk, and not here. */
  missing: number;
  /** Here as it no longer is in Clerk. */
  stale: number;
  /** Here, and Clerk denies having it. */
  extra: number;
  /** In Clerk, yet deleted here: reported, never revived. */
  tombstoned: number;
  repaired: number;
  /** Why Clerk has no list of it: the feature is switched off in this instance. */
  unavailable: string | null;
  /** The first few ids of each kind. */
  examples: Record<DriftKind, string[]>;
}

export type DriftKind = (typeof DRIFT_KINDS)[number];

export const DRIFT_KINDS = ['missing', 'stale', 'extra', 'tombstoned'] as const;

const EXAMPLES = 10;

export function emptyDrift(): Drift {
  return {
    compared: 0,
    missing: 0,
    stale: 0,
    extra: 0,
    tombstoned: 0,
    repaired: 0,
    unavailable: null,
    examples: { missing: [], stale: [], extra: [], tombstoned: [] },
  };
}

export function addDrift(drift: Drift, kind: DriftKind | 'equal', id: string): void {
  if (kind !== 'extra') drift.compared++;
  if (kind === 'equal') return;
  drift[kind]++;
  if (drift.examples[kind].length < EXAMPLES) drift.examples[kind].push(id);
}

export function countDrift(drift: Drift): number {
  return DRIFT_KINDS.reduce((sum, kind) => sum + drift[kind], 0);
}
