/** organization.* -> organizations; and the organization that other events carry along. Pure. */
import { readTimestamp } from '../clerk/event.js';
import { type JsonRecord } from '../record.js';
import { keyOf, type Fact, type Key, type Projection } from './fact.js';
import {
  readData,
  readId,
  readInteger,
  readRecord,
  readText,
  readTime,
  versionOf,
} from './read.js';

export const organizationChanged: Projection = (event) => {
  const data = readData(event);
  const key = keyOf('organization', readId(data, event, 'data'));
  const row = organizationRow(key.entityId, data);
  return [{ kind: 'state', key, version: versionOf(data, event), row, parents: [] }];
};

export const organizationDeleted: Projection = (event) => {
  const data = readData(event);
  const key = keyOf('organization', readId(data, event, 'data'));
  return [{ kind: 'deletion', key, version: versionOf(data, event) }];
};

/** A nested organization counts as of its own `updated_at` and loses every tie: no event of that organization's says it. */
export function organizationSnapshot(key: Key, nested: JsonRecord): Fact {
  const updatedAt = readTimestamp(nested['updated_at']);
  if (updatedAt === null) return { kind: 'mention', key };
  const version = { updatedAt, occurredAt: 0, eventId: '' };
  return { kind: 'snapshot', key, version, row: organizationRow(key.entityId, nested) };
}

function organizationRow(id: string, data: JsonRecord) {
  return {
    id,
    name: readText(data['name']),
    slug: readText(data['slug']),
    image_url: readText(data['image_url']),
    members_count: readInteger(data['members_count']),
    created_by: readText(data['created_by']),
    public_metadata: readRecord(data['public_metadata']),
    private_metadata: readRecord(data['private_metadata']),
    created_at: readTime(data['created_at']),
    updated_at: readTime(data['updated_at']),
    data,
  };
}
