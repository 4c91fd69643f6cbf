/** Erases a person: first what bears their addresses only, then their rows, then all that names them, until nothing does. */
import { clearPayloads, readErasure } from '../../db/erasure.js';
import { readClock, type Bounds } from '../../db/retention.js';
import { type TableName } from '../../db/tables.js';
import { createRecognition, findMention, type Person } from '../../person.js';
import { eraseEntities } from '../../projections/erase-entities.js';
import { ENTITIES } from '../../projections/fact.js';
import { eraseJobs, type ErasedJobs, type JobErasure } from '../../queue/erase-jobs.js';
import { isRecord } from '../../record.js';
import { scrub, scrubOwn } from '../../scrub.js';
import { judgeEvent } from './own.js';
import { scrubRows, toScrubbing } from './scrub-rows.js';
import { countRuns, eraseRuns, type ErasedRuns } from './erase-runs.js';
import { findTraces, type Places, type Traces } from './find-traces.js';

type Counts<K extends string = string> = Partial<Record<K, number>>;

/** What was done, or would be. */
export interface Erasure {
  /** Rows that went, and rows of others that lost what they said of the person. */
  removedRows: Counts<TableName>;
  scrubbedRows: Counts<TableName>;
  payloads: number;
  /** By state. */
  removedJobs: Counts;
  scrubbedJobs: Counts;
  /** In the hands of a worker. */
  activeJobs: number;
  /** Of handlers, for events that name them. */
  runs: ErasedRuns;
  tombstones: number;
  /** Addresses that another user has by now: they were left alone. */
  sharedAddresses: number;
  /** What names them still, because workers wrote it meanwhile. */
  left: number;
  /** ISO 8601: the first time. */
  erasedAt: string | null;
  /** Somebody had erased them before. */
  isRepeated: boolean;
}

export interface Options {
  userId: string;
  isDryRun: boolean;
  bounds: Bounds;
  /** Called with how many rows, payloads and jobs were looked at. */
  onLook: (looked: number) => void;
}

/** Each takes what workers wrote during the one before, from what they had in their hands. */
const MAX_ROUNDS = 5;
/** What was written then was committed, at the latest, when the erasure began. */
const COMMIT_MARGIN_MS = 120_000;
/** Above the time after which a dead worker's jobs are another's. */
const PATIENCE_MS = 30_000;

/** May be run again at any time: after an interruption it goes on. */
export async function erasePerson(places: Places, options: Options): Promise<Erasure> {
  const { db } = places;
  const { userId, isDryRun, onLook } = options;
  const since = new Date((await readClock(db)) - COMMIT_MARGIN_MS).toISOString();
  const search = { userId, identifiers: new Set<string>(), since: '-infinity', onLook };
  let traces = await findTraces(places, search);
  const { person } = traces;
  const isRepeated = (await readErasure(db, userId)) !== null;
  const erasure = { ...createErasure(traces), isRepeated };
  if (isDryRun) await foresee(places, traces, erasure);
  else {
    await eraseUnnamed(places, traces, { ...options, erasure });
    for (let round = 1; round <= MAX_ROUNDS; round++) {
      const jobs = await eraseNamed(places, traces, { ...options, erasure });
      erasure.activeJobs = jobs.active;
      traces = await findTraces(places, { ...search, identifiers: person.identifiers, since });
      erasure.left = countTraces(traces);
      const isQuiet = erasure.left === 0 && jobs.touched === 0;
      if (isQuiet || jobs.active > 0) break;
    }
  }
  return { ...erasure, erasedAt: await readErasure(db, userId) };
}

function createErasure({ shared }: Traces): Erasure {
  return {
    removedRows: {},
    scrubbedRows: {},
    payloads: 0,
    removedJobs: {},
    scrubbedJobs: {},
    activeJobs: 0,
    runs: { reasons: 0, lost: 0 },
    tombstones: 0,
    sharedAddresses: shared.size,
    left: 0,
    erasedAt: null,
    isRepeated: false,
  };
}

async function foresee(places: Places, traces: Traces, erasure: Erasure): Promise<void> {
  addAll(erasure.removedRows, traces.rows);
  for (const { entityType } of traces.others) {
    addAll(erasure.scrubbedRows, { [ENTITIES[entityType].table]: 1 });
  }
  erasure.payloads = traces.payloads.length;
  erasure.runs = await countRuns(places.db, traces);
  const judge = createJudge(traces.person);
  addJobs(erasure, await eraseJobs(places.open, { judge, patienceMs: 0, isRehearsal: true }));
}

interface Work extends Options {
  erasure: Erasure;
}

/** Before what names them by id goes: after an interruption only that tells the addresses by which to find these. */
async function eraseUnnamed(places: Places, traces: Traces, work: Work): Promise<void> {
  const { db, open } = places;
  const { person, payloads } = traces;
  const { bounds, erasure } = work;
  // While the payloads still tell which they are.
  erasure.runs = await eraseRuns(places, traces, bounds);
  const ids = payloads.filter(({ byId }) => !byId).map(({ id }) => id);
  erasure.payloads += await clearPayloads(db, ids, bounds);
  const judge = createJudge(person, ({ byId }) => !byId);
  addJobs(erasure, await eraseJobs(open, { judge, patienceMs: 0, isRehearsal: false }));
}

/** The tombstone first: whatever a worker applies from then on keeps nothing of the person. */
async function eraseNamed(
  places: Places,
  traces: Traces,
  { userId, bounds, erasure }: Work,
): Promise<ErasedJobs & { touched: number }> {
  const { db, open } = places;
  const { person, own, others, payloads } = traces;
  const { rows, tombstones } = await eraseEntities(db, { userId, own }, bounds);
  addAll(erasure.removedRows, rows);
  erasure.tombstones = Math.max(erasure.tombstones, tombstones);
  const scrubbing = toScrubbing(person, createRecognition(person));
  addAll(erasure.scrubbedRows, await scrubRows(db, others, { scrubbing, bounds }));
  const ids = payloads.map(({ id }) => id);
  erasure.payloads += await clearPayloads(db, ids, bounds);
  const judge = createJudge(person);
  const jobs = await eraseJobs(open, { judge, patienceMs: PATIENCE_MS, isRehearsal: false });
  // Whatever began before the payloads went may have failed since.
  await eraseRuns(places, traces, bounds);
  return { ...jobs, touched: addJobs(erasure, jobs) };
}

/** @param isMeant which mentions count; by default all. */
function createJudge(
  person: Person,
  isMeant: (mention: { byId: boolean }) => boolean = () => true,
): JobErasure['judge'] {
  const recognition = createRecognition(person);
  const scrubbing = toScrubbing(person, recognition);
  return (body) => {
    const mention = findMention(body, recognition);
    if (!mention || !isMeant(mention)) return null;
    const { isOwn } = judgeEvent(body, person);
    const scrubbed = isOwn && isRecord(body) ? scrubOwn(body, scrubbing) : scrub(body, scrubbing);
    return { isOwn, scrubbed };
  };
}

/** What says more of others than the bare id was written so by a worker that knew of the erasure. */
function countTraces({ rows, others, payloads }: Traces): number {
  const removable = Object.values(rows).reduce((sum, count) => sum + count, 0);
  return removable + others.length + payloads.filter(({ isBare }) => !isBare).length;
}

/** @returns how many they are. */
function addJobs(erasure: Erasure, { removed, scrubbed, active }: ErasedJobs): number {
  erasure.activeJobs = active;
  return addAll(erasure.removedJobs, removed) + addAll(erasure.scrubbedJobs, scrubbed);
}

function addAll(sums: Counts, counts: Counts): number {
  let total = 0;
  for (const [name, count = 0] of Object.entries(counts)) {
    sums[name] = (sums[name] ?? 0) + count;
    total += count;
  }
  return total;
}
