/** The events that a replay is about, from ledger and queue, the oldest first. Holds ids, and the bodies of one page. */
import { type Database } from '../../db/database.js';
import {
  countEvents,
  listEvents,
  readLedgerRows,
  type EventReference,
  type LedgerRow,
} from '../../db/ledger-query.js';
import { type OpenQueue } from '../../queue/contract.js';
import { toJobId } from '../../queue/job.js';
import { listJobIds, readJobs, type QueuedEvent } from '../../queue/read-jobs.js';
import { isSelected, toLedgerFilter, type Selection } from './selection.js';

export interface Sources {
  db: Database;
  open: OpenQueue;
}

/** One event, as both places know it. */
export interface Candidate {
  id: string;
  ledger: LedgerRow | undefined;
  queued: QueuedEvent | undefined;
}

export interface Candidates {
  /** How many there are. */
  total: number;
  /** Pages of them. Each is read only when it is asked for. */
  pages: () => AsyncGenerator<Candidate[]>;
}

const PAGE_SIZE = 100;
/** Each slice of references costs a look at all that follows it. */
const SLICE_SIZE = 50_000;

/** @param onLook called with how many of how many jobs were looked at. */
export async function findCandidates(
  sources: Sources,
  selection: Selection,
  onLook: (looked: number, total: number) => void = () => undefined,
): Promise<Candidates> {
  const { db } = sources;
  const queued = await findQueued(sources, selection, onLook);
  const filter = toLedgerFilter(selection);
  let total = queued.length + (await countEvents(db, filter));
  for (const page of inPages(queued, SLICE_SIZE)) {
    const ids = page.map(({ id }) => id);
    total -= await countEvents(db, filter, ids);
  }
  return {
    total,
    async *pages() {
      let ids: string[] = [];
      for await (const { id } of merge(listLedger(db, selection), queued)) {
        ids.push(id);
        if (ids.length < PAGE_SIZE) continue;
        yield await readCandidates(sources, ids);
        ids = [];
      }
      if (ids.length > 0) yield await readCandidates(sources, ids);
    },
  };
}

/** Of the queue, what is selected, the oldest first. */
async function findQueued(
  { open }: Sources,
  selection: Selection,
  onLook: (looked: number, total: number) => void,
): Promise<EventReference[]> {
  const { id, failed } = selection;
  const jobIds =
    id === undefined ? await listJobIds(open, failed ? ['failed'] : undefined) : [toJobId(id)];
  const found: EventReference[] = [];
  let looked = 0;
  for (const page of inPages(jobIds, PAGE_SIZE)) {
    for (const { delivery, state } of (await readJobs(open, page)).values()) {
      if (failed && state !== 'failed') continue;
      if (isSelected(delivery, selection)) {
        found.push({ id: delivery.id, receivedAt: delivery.receivedAt });
      }
    }
    looked += page.length;
    onLook(looked, jobIds.length);
  }
  return found.sort((a, b) => a.receivedAt - b.receivedAt);
}

async function* listLedger(db: Database, selection: Selection): AsyncGenerator<EventReference> {
  const filter = toLedgerFilter(selection);
  let after: EventReference | undefined;
  do {
    const slice = await listEvents(db, filter, { after, limit: SLICE_SIZE });
    yield* slice;
    after = slice.length < SLICE_SIZE ? undefined : slice.at(-1);
  } while (after);
}

/** Two streams, each sorted by time, as one; what is in both comes once. */
async function* merge(
  ledger: AsyncIterable<EventReference>,
  queued: readonly EventReference[],
): AsyncGenerator<EventReference> {
  const ids = new Set(queued.map(({ id }) => id));
  let next = 0;
  for await (const reference of ledger) {
    for (let other = queued[next]; other; other = queued[next]) {
      if (other.receivedAt > reference.receivedAt) break;
      next++;
      yield other;
    }
    if (!ids.has(reference.id)) yield reference;
  }
  yield* queued.slice(next);
}

async function readCandidates({ db, open }: Sources, ids: string[]): Promise<Candidate[]> {
  const rows = await readLedgerRows(db, ids);
  const jobs = await readJobs(open, ids.map(toJobId));
  return ids.map((id) => ({ id, ledger: rows.get(id), queued: jobs.get(toJobId(id)) }));
}

function* inPages<T>(items: readonly T[], size: number): Generator<T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}
