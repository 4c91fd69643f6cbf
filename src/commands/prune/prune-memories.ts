/** Forgets what was deleted long ago, where neither the queue nor the ledger holds anything that could bring it back. */
import { type Database } from '../../db/database.js';
import {
  findMentions,
  forgetMemories,
  listMemories,
  MEMORIES_AT_ONCE,
  type Memory,
} from '../../db/memories.js';
import { type Bounds } from '../../db/retention.js';
import { messageOf, SyncError } from '../../errors.js';
import { ENTITIES } from '../../projections/fact.js';
import { type OpenQueue } from '../../queue/contract.js';
import { readStoredBody } from '../../queue/scan-jobs.js';
import { listTexts } from '../../texts.js';
import { type Horizons } from './horizons.js';

export interface PrunedMemories {
  tombstones: number;
  /** Of sessions that were pruned, and locks that are left over. */
  others: number;
  /** Old enough, yet a payload or a job names them. */
  kept: number;
}

export interface MemoryPruning {
  horizons: Horizons;
  bounds: Bounds;
  isDryRun: boolean;
  /** Called with how many jobs and payloads have been looked at. */
  onProgress: (looked: number) => void;
}

interface Places {
  db: Database;
  open: OpenQueue;
}

/** So many a transaction. */
const CHUNK = 1_000;
const TABLES = Object.fromEntries(
  Object.entries(ENTITIES).map(([entityType, { table }]) => [entityType, table]),
);

/** @throws SyncError `queue.unavailable` when the queue stops answering; nothing is forgotten unless it was asked in full. */
export async function pruneMemories(
  { db, open }: Places,
  { horizons, bounds, isDryRun, onProgress }: MemoryPruning,
): Promise<PrunedMemories> {
  const pruned: PrunedMemories = { tombstones: 0, others: 0, kept: 0 };
  const due = {
    before: horizons.tombstones,
    tables: TABLES,
    sessionsBefore: isDryRun ? horizons.sessions : null,
  };
  let looked = 0;
  const onLook = (count: number) => onProgress((looked += count));
  let after: Memory | null = null;
  for (;;) {
    const memories: Memory[] = await listMemories(db, due, after);
    if (memories.length === 0) return pruned;
    const free = new Set(memories.map(({ entityId }) => entityId));
    // The queue first: what leaves it while the ledger is read is found there.
    await keepQueued(open, free, onLook);
    const lookedAt = await keepRecorded(db, { ids: free, from: horizons.payloads, onLook });
    const forgettable = memories.filter(({ entityId }) => free.has(entityId));
    let gone = isDryRun ? forgettable : [];
    for (let start = 0; !isDryRun && start < forgettable.length; start += CHUNK) {
      const chunk = forgettable.slice(start, start + CHUNK);
      gone = gone.concat(await forgetMemories(db, chunk, { due, bounds, lookedAt }));
    }
    const tombstones = gone.filter(({ isTombstone }) => isTombstone).length;
    pruned.tombstones += tombstones;
    pruned.others += gone.length - tombstones;
    pruned.kept += memories.length - gone.length;
    after = memories.at(-1) ?? null;
    if (memories.length < MEMORIES_AT_ONCE) return pruned;
  }
}

/** Takes out of `ids` what any job names, in whatever state it is. */
async function keepQueued(
  open: OpenQueue,
  ids: Set<string>,
  onLook: (count: number) => void,
): Promise<void> {
  try {
    for await (const page of open.scanJobs()) {
      for (const job of page) {
        for (const text of listTexts(readStoredBody(job))) ids.delete(text);
      }
      onLook(page.length);
    }
  } catch (error) {
    throw new SyncError(
      'queue.unavailable',
      `The queue does not answer any more: ${messageOf(error)}.`,
      { cause: error },
    );
  }
}

interface Search {
  ids: Set<string>;
  from: string;
  onLook: (count: number) => void;
}

/** Takes out of `ids` what any payload names that was processed at `from` or later. @returns until when the ledger was looked at. */
async function keepRecorded(db: Database, { ids, from, onLook }: Search): Promise<string> {
  let lookedAt = from;
  for await (const page of findMentions(db, [...ids], from)) {
    for (const id of page.found) ids.delete(id);
    onLook(page.payloads);
    ({ lookedAt } = page);
  }
  return lookedAt;
}
