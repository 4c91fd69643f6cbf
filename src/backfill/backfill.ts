/** Pages Clerk's lists into the path that webhooks take from the batch on. Resumable: a page counts as done once it is committed. */
import { randomUUID } from 'node:crypto';
import { type ApiEntityName } from '../clerk/api-entities.js';
import { type ApiPage, type PageCursor } from '../clerk/api-pages.js';
import { type ClerkApi } from '../clerk/backend-api.js';
import { type Database } from '../db/database.js';
import { finishRun, readLastRun, saveProgress, startRun } from '../db/sync-runs.js';
import { type Apply } from '../projections/apply.js';
import { type RedactionPolicy } from '../redaction.js';
import { toBackfillDelivery } from './fetched-delivery.js';
import { readAhead } from './read-ahead.js';
import { unlessDisabled } from './unless-disabled.js';
import { addTo, emptyTally, settle, type Tally } from './tally.js';

export interface EntityProgress extends Tally {
  /** Null: nothing yet. */
  cursor: PageCursor | null;
  /** As Clerk said it last; null where it does not tell. */
  total: number | null;
  isDone: boolean;
  /** Why Clerk has no list of it: the feature is switched off in this instance. */
  unavailable: string | null;
}

/** By entity, in the order in which they are fetched. */
export type BackfillProgress = Partial<Record<ApiEntityName, EntityProgress>>;

export interface BackfillOptions {
  api: ClerkApi;
  db: Database;
  apply: Apply;
  entities: readonly ApiEntityName[];
  instanceId: string;
  redaction: RedactionPolicy;
  /** False begins anew, whatever an earlier run left. */
  resume: boolean;
  onResume: (startedAt: Date) => void;
  onProgress: (entity: ApiEntityName, progress: EntityProgress) => void;
}

/**
 * Fetches and applies every object of `entities`, parents first when they are named so. Memory stays flat: two pages are in hand.
 * @returns what became of them, by entity.
 * @throws SyncError of the Backend API (`clerk.…`), or `database.unavailable` when it was told to stop while the database was away.
 */
export async function runBackfill(options: BackfillOptions): Promise<BackfillProgress> {
  const { db, entities } = options;
  const run = await beginRun(options);
  for (const entity of entities) {
    const progress = (run.progress[entity] ??= {
      ...emptyTally(),
      cursor: null,
      total: entity === 'users' ? await options.api.countUsers() : null,
      isDone: false,
      unavailable: null,
    });
    if (progress.isDone) continue;
    progress.unavailable = await unlessDisabled(() =>
      backfillEntity(options, { entity, progress, run }),
    );
    progress.isDone = true;
    await saveProgress(db, run.id, run.progress);
  }
  await finishRun(db, run.id, run.progress);
  return run.progress;
}

interface Run {
  id: string;
  progress: BackfillProgress;
}

async function beginRun(options: BackfillOptions): Promise<Run> {
  const { db, entities, instanceId, resume, onResume } = options;
  const last = resume
    ? await readLastRun<BackfillProgress>(db, 'backfill', { finished: false })
    : null;
  const isSame = last?.instanceId === instanceId && covers(last.progress, entities);
  if (last && isSame) {
    onResume(last.startedAt);
    return last;
  }
  const run = { id: randomUUID(), kind: 'backfill', instanceId, progress: {} } as const;
  await startRun(db, run);
  return run;
}

/** A run for fewer entities, or for others, is another run. */
function covers(progress: BackfillProgress, entities: readonly ApiEntityName[]): boolean {
  return Object.keys(progress).every((name) => entities.some((entity) => entity === name));
}

interface EntityRun {
  entity: ApiEntityName;
  progress: EntityProgress;
  run: Run;
}

/** One page is fetched, one applied and one committed at the same time; progress follows the commits in their order. */
async function backfillEntity(
  options: BackfillOptions,
  { entity, progress, run }: EntityRun,
): Promise<void> {
  const { api, db, onProgress } = options;
  let earlier: Promise<void> = Promise.resolve();
  try {
    for await (const page of readAhead(api.listPages(entity, progress.cursor ?? undefined))) {
      const applying = applyPage(options, entity, page);
      applying.catch(() => undefined); // reported when it is its turn
      await earlier;
      earlier = applying.then(async (tally) => {
        addTo(progress, tally);
        progress.cursor = page.cursor;
        progress.total = page.total ?? progress.total;
        await saveProgress(db, run.id, run.progress);
        onProgress(entity, progress);
      });
      earlier.catch(() => undefined); // as above
    }
  } finally {
    await earlier;
  }
}

async function applyPage(
  { apply, instanceId, redaction }: BackfillOptions,
  entity: ApiEntityName,
  { items }: ApiPage,
): Promise<Tally> {
  const fetch = { instanceId, fetchedAt: Date.now(), redaction };
  const deliveries = items.map((object) => toBackfillDelivery(entity, object, fetch));
  const ids = items.map(({ id }) => String(id));
  return settle(ids, await apply(deliveries));
}
