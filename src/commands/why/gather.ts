/** Asks the tables and the queue for all they know of an id. Decides and words nothing. */
import { readTimestamp } from '../../clerk/event.js';
import { type Config } from '../../config.js';
import { type Database } from '../../db/database.js';
import {
  readChildren,
  countOutcomes,
  findTables,
  readEvent,
  readEvents,
  readMirrorRow,
  readPayload,
  readVersionRecords,
  type Children,
  type LedgerRecord,
  type VersionRecord,
} from '../../db/history.js';
import { type TableName } from '../../db/tables.js';
import { type EntityKey, type Version } from '../../db/versions.js';
import { compareVersions } from '../../projections/decide.js';
import { ENTITIES, type Key } from '../../projections/fact.js';
import { toPolicy } from '../../projections/policy.js';
import { prepareEvent } from '../../projections/prepare.js';
import { type FoundJob } from '../../queue/find-jobs.js';

/** What is known of one entity, as it stands in the tables. */
export interface EntityKnowledge extends EntityKey {
  /** Null: nothing of this kind is mirrored. */
  table: TableName | null;
  /** Events in the ledger by outcome. */
  outcomes: Record<string, number>;
  /** The newest, in order of version, the newest last; failed ones may be older. */
  events: LedgerRecord[];
  version: VersionRecord | null;
  /** The event whose version is stored, where the ledger has it. */
  versionEvent: LedgerRecord | null;
  row: Record<string, unknown> | null;
  children: Children[];
  /** A parent that was deleted, with which this entity falls. */
  deletedParent: VersionRecord | null;
}

export interface EventKnowledge {
  id: string;
  record: LedgerRecord | null;
  job: FoundJob | null;
  /** As Clerk sent it, less what is stored nowhere; null when it is kept nowhere. */
  payload: unknown;
  entity: EntityKnowledge | null;
}

export interface Gathering {
  db: Database;
  config: Config;
  /** Ledger events listed per entity at most. */
  limit: number;
}

/** However old they are, so many failed events are listed beside the newest. */
const FAILED_LISTED = 20;

/** Under every entity type that the id has; empty when the tables know nothing of it. */
export async function gatherEntities(gathering: Gathering, id: string): Promise<EntityKnowledge[]> {
  const { db } = gathering;
  const [counts, versions, tables] = [
    await countOutcomes(db, id),
    await readVersionRecords(db, id),
    await findTables(db, id),
  ];
  const types = new Set([
    ...counts.map(({ entityType }) => entityType),
    ...versions.map(({ entityType }) => entityType),
    ...Object.entries(ENTITIES).flatMap(([type, { table }]) =>
      tables.includes(table) ? [type] : [],
    ),
  ]);
  const entities: EntityKnowledge[] = [];
  for (const entityType of [...types].sort()) {
    const outcomes = Object.fromEntries(
      counts.filter((row) => row.entityType === entityType).map((row) => [row.outcome, row.events]),
    );
    const version = versions.find((known) => known.entityType === entityType) ?? null;
    entities.push(await gatherEntity(gathering, { entityType, entityId: id, outcomes, version }));
  }
  return entities;
}

/** @returns null when neither the ledger nor the queue knows the event. */
export async function gatherEvent(
  gathering: Gathering,
  id: string,
  { record, job }: Pick<EventKnowledge, 'record' | 'job'>,
): Promise<EventKnowledge | null> {
  if (!record && !job) return null;
  const entityType = record?.entityType ?? job?.event?.entityType;
  const entityId = record?.entityId ?? job?.event?.entityId;
  const payload = (await readPayload(gathering.db, id)) ?? job?.event?.envelope ?? null;
  if (!entityType || !entityId) return { id, record, job, payload, entity: null };
  const entities = await gatherEntities({ ...gathering, limit: 1 }, entityId);
  const entity = entities.find((known) => known.entityType === entityType) ?? null;
  if (!entity) return { id, record, job, payload, entity };
  const deletedParent = await findDeletedParent(gathering, id, payload);
  return { id, record, job, payload, entity: { ...entity, deletedParent } };
}

/** When an event says that its entity changed, as far as the ledger can still tell. */
export function versionOfRecord(record: LedgerRecord): Version {
  const occurredAt = record.occurredAt ?? record.receivedAt ?? 0;
  return {
    updatedAt: readTimestamp(record.updatedAt) ?? occurredAt,
    occurredAt,
    eventId: record.id,
  };
}

export function toVersion(record: VersionRecord | null): Version | null {
  if (!record?.updatedAt) return null;
  const { updatedAt, occurredAt, eventId } = record;
  return { updatedAt, occurredAt, eventId };
}

interface Known extends EntityKey {
  outcomes: Record<string, number>;
  version: VersionRecord | null;
}

async function gatherEntity(gathering: Gathering, known: Known): Promise<EntityKnowledge> {
  const { db, limit } = gathering;
  const { entityType, entityId, version } = known;
  const table = tableOf(entityType);
  const newest = await readEvents(db, { entityType, entityId, limit });
  const failed = await readEvents(db, {
    entityType,
    entityId,
    limit: FAILED_LISTED,
    outcome: 'failed',
  });
  const events = [...new Map([...failed, ...newest].map((event) => [event.id, event])).values()];
  events.sort((a, b) => compareVersions(versionOfRecord(a), versionOfRecord(b)));
  const row = table && (await readMirrorRow(db, { table, id: entityId }));
  const last = events.findLast(({ hasPayload }) => hasPayload);
  return {
    ...known,
    table,
    events,
    row,
    versionEvent: version?.eventId ? await readEvent(db, version.eventId) : null,
    children: table ? await readChildren(db, { table, id: entityId }) : [],
    deletedParent:
      last && !row
        ? await findDeletedParent(gathering, last.id, await readPayload(db, last.id))
        : null,
  };
}

function tableOf(entityType: string): TableName | null {
  return Object.entries(ENTITIES).find(([type]) => type === entityType)?.[1].table ?? null;
}

async function findDeletedParent(
  { db, config }: Gathering,
  eventId: string,
  payload: unknown,
): Promise<VersionRecord | null> {
  if (payload === null) return null;
  for (const { entityType, entityId } of readParents(config, eventId, payload)) {
    const versions = await readVersionRecords(db, entityId);
    const parent = versions.find((known) => known.entityType === entityType);
    if (parent?.deletedAt) return parent;
  }
  return null;
}

/** As the worker would understand the event. */
function readParents(config: Config, id: string, payload: unknown): readonly Key[] {
  const { facts } = prepareEvent(
    { id, body: JSON.stringify(payload), receivedAt: 0 },
    toPolicy(config),
  );
  const own = facts?.[0];
  return own?.kind === 'state' ? own.parents : [];
}
