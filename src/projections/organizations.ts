/** organization.* -> organizations; and the organization that other events carry along. Pure. */
import { isUsableId, readTimestamp } from '../clerk/event.js';
import { isRecord, type JsonRecord } from '../record.js';
import { deletionOf, stateOf, toRow, type Columns } from './entity.js';
import { keyOf, type Fact } from './fact.js';
import { readInteger, readRecord, readText } from './read.js';

export const organizationChanged = stateOf('organization', (data) => ({
  columns: organizationColumns(data),
}));

export const organizationDeleted = deletionOf('organization');

/**
 * A nested organization counts as of its own `updated_at` and loses every tie: no event of that organization's says it.
 * @returns no fact when there is no organization with an id.
 */
export function readNestedOrganization(nested: unknown): Fact[] {
  if (!isRecord(nested) || !isUsableId(nested['id'])) return [];
  const key = keyOf('organization', nested['id']);
  const updatedAt = readTimestamp(nested['updated_at']);
  if (updatedAt === null) return [{ kind: 'mention', key }];
  const version = { updatedAt, occurredAt: 0, eventId: '' };
  return [{ kind: 'snapshot', key, version, row: toRow(key, organizationColumns(nested), nested) }];
}

function organizationColumns(data: JsonRecord): Columns<'organization'> {
  return {
    name: readText(data['name']),
    slug: readText(data['slug']),
    image_url: readText(data['image_url']),
    members_count: readInteger(data['members_count']),
    created_by: readText(data['created_by']),
    public_metadata: readRecord(data['public_metadata']),
    private_metadata: readRecord(data['private_metadata']),
  };
}
