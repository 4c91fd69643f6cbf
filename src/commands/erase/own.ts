/** What is a person's own: it goes with them. Whatever else names them is about others, and only loses the mention. Pure. */
import { parseEvent, type ClerkEvent } from '../../clerk/event.js';
import { type TableName } from '../../db/tables.js';
import { type Person } from '../../person.js';
import { keyOf, type EntityType, type Key } from '../../projections/fact.js';
import { isRecord, type JsonRecord } from '../../record.js';
import { concerns } from '../../scrub.js';

/**
 * Rows that no foreign key takes along, by the column or field with the address. Billing is not among them: who must keep such
 * records keeps amounts and ids.
 */
const OWN = {
  email: { table: 'email_messages', column: 'to_email', field: 'to_email_address' },
  sms: { table: 'sms_messages', column: 'to_phone', field: 'to_phone_number' },
  organization_invitation: {
    table: 'organization_invitations',
    column: 'email',
    field: 'email_address',
  },
  waitlist_entry: { table: 'waitlist_entries', column: 'email', field: 'email_address' },
} as const satisfies Partial<
  Record<EntityType, { table: TableName; column: string; field: string }>
>;
type OwnType = keyof typeof OWN;

/** The key of a row that is to go by itself; null when it is not the person's, or goes with the user's row. */
export function findOwnRow(table: TableName, row: JsonRecord, person: Person): Key | null {
  const type = (Object.keys(OWN) as OwnType[]).find((each) => OWN[each].table === table); // its own keys
  if (!type || typeof row['id'] !== 'string') return null;
  return row['user_id'] === person.userId || isTheirs(row[OWN[type].column], person)
    ? keyOf(type, row['id'])
    : null;
}

export interface OwnEvent {
  isOwn: boolean;
  /** What needs a tombstone beside the user's. */
  key: Key | null;
}

/** @param envelope as ledger and queue have it. */
export function judgeEvent(envelope: unknown, person: Person): OwnEvent {
  const data = isRecord(envelope) ? envelope['data'] : undefined;
  if (!isRecord(envelope) || !isRecord(data)) return { isOwn: false, key: null };
  const { entityType, entityId } = readEntity(envelope);
  const isNamed = concerns(data, { userIds: [person.userId] });
  if (!isOwnType(entityType)) return { isOwn: isNamed, key: null };
  const isOwn = isNamed || isTheirs(data[OWN[entityType].field], person);
  return { isOwn, key: isOwn && entityId !== null ? keyOf(entityType, entityId) : null };
}

/** As the worker reads it. */
function readEntity(envelope: JsonRecord): Pick<ClerkEvent, 'entityType' | 'entityId'> {
  try {
    return parseEvent({ id: '', body: JSON.stringify(envelope), receivedAt: 0 });
  } catch {
    return { entityType: '', entityId: null };
  }
}

function isOwnType(type: string): type is OwnType {
  return Object.hasOwn(OWN, type);
}

function isTheirs(address: unknown, { identifiers }: Person): boolean {
  return typeof address === 'string' && identifiers.has(address.toLowerCase());
}
