/** The shape that nearly every projection has: one entity's whole state, or its deletion. Pure. */
import { type ClerkEvent } from '../clerk/event.js';
import { type Row } from '../db/tables.js';
import { type JsonRecord } from '../record.js';
import {
  keyOf,
  type ENTITIES,
  type EntityType,
  type Fact,
  type Key,
  type Projection,
  type ProjectionPolicy,
} from './fact.js';
import { readData, readId, readTime, versionOf } from './read.js';

/** The typed columns of an entity's table; those that every table has are filled in. */
export type Columns<E extends EntityType> = Omit<
  Row<(typeof ENTITIES)[E]['table']>,
  'id' | 'created_at' | 'updated_at' | 'data'
>;

export interface Description<E extends EntityType> {
  columns: Columns<E>;
  /** Where `data.created_at` does not say it; ISO 8601. */
  createdAt?: string | null;
  /** What a foreign key points to. */
  parents?: readonly Key[];
  /** What else the event says. */
  others?: readonly Fact[];
}

/** Throws SyncError `event.rejected` where an id that is needed is missing. */
export type Describe<E extends EntityType> = (
  data: JsonRecord,
  event: ClerkEvent,
  policy: ProjectionPolicy,
) => Description<E>;

export function stateOf<E extends EntityType>(entityType: E, describe: Describe<E>): Projection {
  return (event, policy) => {
    const data = readData(event);
    const key = keyOf(entityType, readId(data, event, 'data'));
    const { columns, createdAt = null, parents = [], others = [] } = describe(data, event, policy);
    const own = toRow(key, columns, data);
    const row = { ...own, created_at: own.created_at ?? createdAt };
    return [{ kind: 'state', key, version: versionOf(data, event), row, parents }, ...others];
  };
}

/** Understands the plain deleted object and the whole entity alike. */
export function deletionOf(
  entityType: EntityType,
  readOthers: (data: JsonRecord) => readonly Fact[] = () => [],
): Projection {
  return (event) => {
    const data = readData(event);
    const key = keyOf(entityType, readId(data, event, 'data'));
    return [{ kind: 'deletion', key, version: versionOf(data, event) }, ...readOthers(data)];
  };
}

export function toRow<E extends EntityType>(key: Key, columns: Columns<E>, data: JsonRecord): Row {
  const row = {
    id: key.entityId,
    ...columns,
    created_at: readTime(data['created_at']),
    updated_at: readTime(data['updated_at']),
    data,
  };
  return row;
}
