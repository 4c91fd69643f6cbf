/** session.* -> sessions. A session that ended keeps its row: its status says so. Pure. */
import { isUsableId, type ClerkEvent } from '../clerk/event.js';
import { isRecord, type JsonRecord } from '../record.js';
import { stateOf, toRow } from './entity.js';
import { keyOf, type Fact, type ProjectionPolicy } from './fact.js';
import { readMention, readText, readTime, requireId, versionOf } from './read.js';
import { userColumns } from './users.js';

export const sessionChanged = stateOf('session', (data, event, policy) => {
  const userId = requireId(data['user_id'], event, 'data.user_id');
  return {
    columns: {
      user_id: userId,
      client_id: readText(data['client_id']),
      status: readText(data['status']),
      last_active_organization_id: readText(data['last_active_organization_id']),
      last_active_at: readTime(data['last_active_at']),
      expire_at: readTime(data['expire_at']),
      abandon_at: readTime(data['abandon_at']),
    },
    parents: [keyOf('user', userId)],
    others: readUser(data, event, policy),
  };
});

/** A session carries its whole user, which counts as a version of that user. */
function readUser(data: JsonRecord, event: ClerkEvent, policy: ProjectionPolicy): Fact[] {
  const user = data['user'];
  if (!isRecord(user) || !isUsableId(user['id'])) return readMention('user', data['user_id']);
  const key = keyOf('user', user['id']);
  const row = toRow(key, userColumns(user, policy), user);
  return [{ kind: 'snapshot', key, version: versionOf(user, event), row }];
}
