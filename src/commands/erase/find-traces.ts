/** Where a person is: in which rows, payloads and jobs, and under which addresses. Changes nothing. */
import { type Database } from '../../db/database.js';
import { readOwnPayloads, searchLedger, searchRows, type Sought } from '../../db/erasure-search.js';
import { type TableName } from '../../db/tables.js';
import {
  createRecognition,
  findMention,
  readIdentifiers,
  type Mention,
  type Person,
  type Recognition,
} from '../../person.js';
import { ENTITIES, keyOf, type EntityType, type Key } from '../../projections/fact.js';
import { nameOf } from '../../projections/decide.js';
import { type OpenQueue } from '../../queue/contract.js';
import { type HANDLER_QUEUE_NAME } from '../../queue/handler-job.js';
import { readStoredBody } from '../../queue/scan-jobs.js';
import { type JsonRecord } from '../../record.js';
import { scrub } from '../../scrub.js';
import { findOwnRow, judgeEvent } from './own.js';
import { scrubRow, toScrubbing } from './scrub-rows.js';

export interface Places {
  db: Database;
  open: OpenQueue;
  /** The queue of handlers. */
  handlers: OpenQueue<typeof HANDLER_QUEUE_NAME>;
}

export interface FoundPayload extends Mention {
  id: string;
  /** It is about others and says no more of the person than the id. */
  isBare: boolean;
}

export interface Traces {
  person: Person;
  /** Addresses that another user has by now: they are looked for no more. */
  shared: ReadonlySet<string>;
  /** What goes besides the user, and what hangs on their row. */
  own: Key[];
  /** Rows of theirs, by table: those of `own`, the user's and what hangs on it. */
  rows: Partial<Record<TableName, number>>;
  /** Rows of others that say more of the person than the id. */
  others: Key[];
  payloads: FoundPayload[];
}

export interface Search {
  userId: string;
  /** Addresses that are known already. */
  identifiers: ReadonlySet<string>;
  /** ISO 8601 or `-infinity`. The queue is looked through in any case. */
  since: string;
  /** Called with how many rows, payloads and jobs have been looked at. */
  onLook: (looked: number) => void;
}

/** Looks again for as long as what it finds tells of more addresses. */
export async function findTraces(
  places: Pick<Places, 'db' | 'open'>,
  search: Search,
): Promise<Traces> {
  let identifiers = new Set(search.identifiers);
  for (const payload of await readOwnPayloads(places.db, search.userId)) {
    identifiers = union(identifiers, readIdentifiers(payload, search.userId));
  }
  for (;;) {
    const looking = createLooking(search, identifiers);
    await lookAtRows(places.db, looking);
    await lookAtLedger(places.db, looking);
    await lookAtQueue(places.open, looking);
    const known = union(identifiers, looking.learnt);
    if (known.size === identifiers.size) {
      return { ...looking, own: [...looking.own.values()], others: [...looking.others.values()] };
    }
    identifiers = known;
  }
}

interface Looking extends Omit<Traces, 'own' | 'others' | 'shared'> {
  shared: Set<string>;
  own: Map<string, Key>;
  others: Map<string, Key>;
  learnt: Set<string>;
  recognition: Recognition;
  sought: Sought;
  onLook: (count: number) => void;
}

function createLooking(
  { userId, since, onLook }: Search,
  identifiers: ReadonlySet<string>,
): Looking {
  let looked = 0;
  const person = { userId, identifiers };
  return {
    person,
    shared: new Set(),
    own: new Map(),
    rows: {},
    others: new Map(),
    payloads: [],
    learnt: new Set(),
    recognition: createRecognition(person),
    sought: { texts: [userId, ...identifiers], since },
    onLook: (count) => onLook((looked += count)),
  };
}

/** Users first: they tell which addresses are somebody else's by now. */
async function lookAtRows(db: Database, looking: Looking): Promise<void> {
  await findShared(db, looking);
  for (const [type, { table }] of Object.entries(ENTITIES)) {
    for await (const page of searchRows(db, table, looking.sought)) {
      for (const row of page.rows) {
        lookAtRow(looking, keyOf(type as EntityType, row.id), { table, row }); // a key of ENTITIES
      }
      looking.onLook(page.looked);
    }
  }
}

async function findShared(db: Database, looking: Looking): Promise<void> {
  const { person } = looking;
  for await (const { rows } of searchRows(db, 'users', { ...looking.sought, since: '-infinity' })) {
    for (const row of rows.filter(({ id }) => id !== person.userId)) {
      for (const address of readIdentifiers(row, row.id)) {
        if (person.identifiers.has(address)) looking.shared.add(address);
      }
    }
  }
  const identifiers = new Set([...person.identifiers].filter((each) => !looking.shared.has(each)));
  looking.person = { ...person, identifiers };
  looking.recognition = createRecognition(looking.person);
}

function lookAtRow(
  looking: Looking,
  key: Key,
  { table, row }: { table: TableName; row: JsonRecord },
): void {
  const { person, recognition } = looking;
  if (!findMention(row, recognition)) return;
  learn(looking, row);
  const own = findOwnRow(table, row, person);
  const hangsOnUser = table === 'sessions' || table === 'organization_memberships';
  const isUser = table === 'users' && key.entityId === person.userId;
  if (own || isUser || (hangsOnUser && row['user_id'] === person.userId)) {
    looking.rows[table] = (looking.rows[table] ?? 0) + 1;
    if (own) looking.own.set(nameOf(own), own);
  } else if (scrubRow(table, row, toScrubbing(person, recognition))) {
    looking.others.set(nameOf(key), key);
  }
}

async function lookAtLedger(db: Database, looking: Looking): Promise<void> {
  for await (const page of searchLedger(db, looking.sought)) {
    for (const { id, payload } of page.found) {
      const mention = lookAtEvent(looking, payload);
      if (mention) looking.payloads.push({ id, ...mention });
    }
    looking.onLook(page.payloads);
  }
}

async function lookAtQueue(open: OpenQueue, looking: Looking): Promise<void> {
  for await (const page of open.scanJobs()) {
    for (const job of page) {
      lookAtEvent(looking, readStoredBody(job));
    }
    looking.onLook(page.length);
  }
}

/** @returns null when the event does not name the person. */
function lookAtEvent(looking: Looking, envelope: unknown): Omit<FoundPayload, 'id'> | null {
  const { person, recognition } = looking;
  const mention = findMention(envelope, recognition);
  if (!mention) return null;
  learn(looking, envelope);
  const { key, isOwn } = judgeEvent(envelope, person);
  if (key) looking.own.set(nameOf(key), key);
  const scrubbed = scrub(envelope, toScrubbing(person, recognition));
  const isBare = !isOwn && JSON.stringify(scrubbed) === JSON.stringify(envelope);
  return { ...mention, isBare };
}

function learn(looking: Looking, value: unknown): void {
  for (const address of readIdentifiers(value, looking.person.userId)) {
    if (!looking.shared.has(address)) looking.learnt.add(address);
  }
}

function union<T>(a: ReadonlySet<T>, b: ReadonlySet<T>): Set<T> {
  return new Set([...a, ...b]);
}
