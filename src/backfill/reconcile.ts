/** Compares what Clerk lists with what is stored, and mends the difference by the path that webhooks take from the batch on. */
import { randomUUID } from 'node:crypto';
import { type ApiEntityName } from '../clerk/api-entities.js';
import { type ClerkApi } from '../clerk/backend-api.js';
import { type Database } from '../db/database.js';
import {
  countUnseen,
  forgetSeen,
  listUnseen,
  markSeen,
  readClock,
  type Unseen,
} from '../db/seen.js';
import { finishRun, saveProgress, startRun } from '../db/sync-runs.js';
import { SyncError } from '../errors.js';
import { type Apply } from '../projections/apply.js';
import { type Foreseen, type Foresee } from '../projections/foresee.js';
import { type RedactionPolicy } from '../redaction.js';
import { addDrift, emptyDrift, type Drift } from './drift.js';
import { toDeletionDelivery, toRepairDelivery, type Fetch } from './fetched-delivery.js';
import { readAhead } from './read-ahead.js';
import { settle } from './tally.js';
import { unlessDisabled } from './unless-disabled.js';

export type ReconcileProgress = Partial<Record<ApiEntityName, Drift>>;

export interface ReconcileOptions {
  api: ClerkApi;
  db: Database;
  /** Undefined: nothing is repaired. */
  apply: Apply | undefined;
  /** A fresh one for each entity: what is compared is what is stored, not what was foreseen. */
  openForesight: () => Foresee;
  entities: readonly ApiEntityName[];
  instanceId: string;
  redaction: RedactionPolicy;
  /** Of the rows of a table, the share that may be deleted, 0 to 1. */
  maxDeletedShare: number;
  onProgress: (entity: ApiEntityName, drift: Drift) => void;
}

/** Unless told otherwise. */
export const MAX_DELETED_SHARE = 0.05;
/** Whatever the share is: of ten rows, one is a tenth already. */
const ALWAYS_DELETABLE = 10;
const CANDIDATES_PAGE = 100;

/**
 * Memory stays flat: a page of Clerk's at a time, and what Clerk has listed is noted in the database.
 * @returns the drift that was found, by entity; it is remembered in `sync_runs`, too.
 * @throws SyncError `reconcile.refused` before anything of an entity is deleted when more than `maxDeletedShare` would be; `clerk.…`.
 */
export async function runReconcile(options: ReconcileOptions): Promise<ReconcileProgress> {
  const { db, entities, instanceId } = options;
  const run = { id: randomUUID(), kind: 'reconcile', instanceId } as const;
  const found: ReconcileProgress = {};
  await startRun(db, { ...run, progress: found });
  await forgetSeen(db);
  try {
    for (const entity of entities) {
      const drift = (found[entity] = emptyDrift());
      const entityRun = { entity, drift, runId: run.id, startedAt: await readClock(db) };
      drift.unavailable = await unlessDisabled(() => compareListed(options, entityRun));
      if (drift.unavailable === null) await compareUnlisted(options, entityRun);
      await saveProgress(db, run.id, found);
    }
  } finally {
    await forgetSeen(db);
  }
  await finishRun(db, run.id, found);
  return found;
}

interface EntityRun {
  entity: ApiEntityName;
  drift: Drift;
  runId: string;
  /** By the database's clock. */
  startedAt: Date;
}

/** What Clerk has: missing here, or different. */
async function compareListed(
  options: ReconcileOptions,
  { entity, drift, runId }: EntityRun,
): Promise<void> {
  const { api, db, apply, openForesight, onProgress } = options;
  for await (const { items } of readAhead(api.listPages(entity))) {
    const ids = items.map(({ id }) => String(id));
    await markSeen(db, runId, ids);
    const fetch = toFetch(options);
    const deliveries = items.map((object) => toRepairDelivery(entity, object, fetch));
    const foreseen = await openForesight()(deliveries);
    const differing: { id: string; delivery: (typeof deliveries)[number] }[] = [];
    for (const [index, delivery] of deliveries.entries()) {
      const id = ids[index] ?? '';
      const kind = judge(foreseen.get(delivery.id), id);
      addDrift(drift, kind, id);
      if (kind === 'missing' || kind === 'stale') differing.push({ id, delivery });
    }
    if (apply && differing.length > 0) {
      const results = await apply(differing.map(({ delivery }) => delivery));
      const { applied } = settle(
        differing.map(({ id }) => id),
        results,
      );
      drift.repaired += applied;
    }
    onProgress(entity, drift);
  }
}

/** Kept by Clerk without a new `updated_at`: no event tells of a change in these alone, so it is no drift. */
const VOLATILE_COLUMNS = ['data', 'members_count', 'last_sign_in_at'];

function judge(
  foreseen: Foreseen | undefined,
  id: string,
): 'equal' | 'missing' | 'stale' | 'tombstoned' {
  if (foreseen?.outcome === 'tombstoned') return 'tombstoned';
  const change = foreseen?.changes.find((candidate) => candidate.id === id);
  if (!change || change.kind === 'none') return 'equal';
  // A row never changes its `created_at`: whoever gets one was a placeholder.
  if (change.kind === 'insert' || change.columns.includes('created_at')) return 'missing';
  return change.columns.some((column) => !VOLATILE_COLUMNS.includes(column)) ? 'stale' : 'equal';
}

/** What is stored and Clerk has not listed. Clerk is asked for each: only what it denies is deleted. */
async function compareUnlisted(
  options: ReconcileOptions,
  { entity, drift, runId, startedAt }: EntityRun,
): Promise<void> {
  const { db } = options;
  const unseen: Unseen = { table: entity, runId, syncedBefore: startedAt };
  await assertFewUnseen(options, { entity, drift, unseen });
  for (let after = ''; ;) {
    const rows = await listUnseen(db, unseen, { after, limit: CANDIDATES_PAGE });
    const last = rows.at(-1);
    if (!last) return;
    after = last.id;
    for (const row of rows) await settleUnlisted(options, { entity, drift, row });
  }
}

interface Unlisted {
  entity: ApiEntityName;
  drift: Drift;
  row: { id: string; organization_id: string | null; user_id: string | null };
}

async function settleUnlisted(
  options: ReconcileOptions,
  { entity, drift, row }: Unlisted,
): Promise<void> {
  const { api, apply, onProgress } = options;
  const { id, organization_id: organizationId, user_id: userId } = row;
  if ((await api.find(entity, { id, organizationId, userId })) !== null) return; // listed too late, or moved
  addDrift(drift, 'extra', id);
  if (apply) {
    const results = await apply([toDeletionDelivery(entity, id, toFetch(options))]);
    drift.repaired += settle([id], results).applied;
  }
  onProgress(entity, drift);
}

async function assertFewUnseen(
  { db, maxDeletedShare }: ReconcileOptions,
  { entity, drift, unseen }: { entity: ApiEntityName; drift: Drift; unseen: Unseen },
): Promise<void> {
  const { unseen: count, stored } = await countUnseen(db, unseen);
  if (count === 0 || maxDeletedShare >= 1) return;
  // An empty list is rather a fault than a fact.
  const allowed = drift.compared === 0 ? 0 : Math.max(ALWAYS_DELETABLE, stored * maxDeletedShare);
  if (count <= allowed) return;
  throw new SyncError(
    'reconcile.refused',
    `${count} of ${stored} rows in ${entity} are not in Clerk's list of ${drift.compared}. That is more than may be deleted at once, so none of them was. Check that CLERK_SECRET_KEY is of the instance that this database mirrors. When it is right: --max-deletes 100%.`,
  );
}

function toFetch({ instanceId, redaction }: ReconcileOptions): Fetch {
  return { instanceId, fetchedAt: Date.now(), redaction };
}
