/** What late events say of people who were erased: none of it may be kept again. Pure. */
import { USER_ID } from '../person.js';
import { isRecord, type JsonRecord } from '../record.js';
import { concerns, scrub, scrubOwn, type Scrubbing } from '../scrub.js';
import { nameOf, type KnownVersions } from './decide.js';
import { keyOf, type EntityType, type Fact, type Facts, type Key } from './fact.js';
import { type PreparedEvent } from './prepare.js';

export interface KeptEvent extends PreparedEvent {
  /** What may stay of the body in the queue; undefined: all of it. */
  body: string | undefined;
}

/** What no foreign key ties to its user, yet is about nobody else. */
const FALLS_WITH_USER: ReadonlySet<EntityType> = new Set([
  'email',
  'organization_invitation',
  'sms',
]);

/** The users that an event names anywhere. */
export function listUsers({ entry }: PreparedEvent): Key[] {
  const ids = new Set<string>();
  collectUsers(entry.payload, ids);
  return [...ids].map((id) => keyOf('user', id));
}

/** For every event: 3 µs. A payload is nested no deeper than Postgres can hold. */
function collectUsers(value: unknown, ids: Set<string>): void {
  if (typeof value === 'string') {
    if (value.startsWith('user_') && USER_ID.test(value)) ids.add(value);
  } else if (Array.isArray(value)) for (const item of value) collectUsers(item, ids);
  else if (isRecord(value)) for (const key in value) collectUsers(value[key], ids);
}

/**
 * The event as it may be kept. One of the person's own leaves no payload, and falls; one of others loses what it says of the person.
 * @param users whom the event names.
 * @param known of them, and of the entities that the event is about.
 */
export function leaveOutErased(
  event: PreparedEvent,
  users: readonly Key[],
  known: KnownVersions,
): KeptEvent {
  const { entry } = event;
  const isErased = (key: Key) => known.get(nameOf(key))?.erased === true;
  const erased = users.filter(isErased);
  const isNamed = erased.length > 0 || listKeys(event.facts).some(isErased);
  if (!isNamed || !isRecord(entry.payload)) return { ...event, body: undefined };
  const userIds = erased.map(({ entityId }) => entityId);
  const scrubbing: Scrubbing = { userIds, identifies: () => false };
  const facts = event.facts && leaveOut(event.facts, erased, scrubbing);
  const isOwn = listKeys(facts).some(isErased) || isAboutErased(entry.payload, scrubbing);
  const rest = (isOwn ? scrubOwn : scrub)(entry.payload, scrubbing);
  const payload = isOwn ? null : rest;
  const body = JSON.stringify(rest);
  const isWhole = body === JSON.stringify(entry.payload);
  const document = { value: rest, text: body };
  const kept = { ...event, facts, document, entry: { ...entry, payload } };
  return { ...kept, body: isWhole ? undefined : body };
}

function isAboutErased(payload: unknown, scrubbing: Scrubbing): boolean {
  const data = isRecord(payload) ? payload['data'] : undefined;
  return isRecord(data) && concerns(data, scrubbing);
}

function listKeys(facts: Facts | undefined): Key[] {
  return (facts ?? []).flatMap((fact) =>
    fact.kind === 'state' ? [fact.key, ...fact.parents] : [fact.key],
  );
}

function leaveOut([first, ...others]: Facts, erased: readonly Key[], scrubbing: Scrubbing): Facts {
  const leave = (fact: Fact): Fact => {
    if (!('row' in fact)) return fact;
    const row = { ...fact.row, data: scrub(fact.row.data, scrubbing) };
    if (fact.kind === 'snapshot') return { ...fact, row };
    const { user_id: userId } = fact.row as JsonRecord; // a column that some tables have
    const owner = erased.find(({ entityId }) => entityId === userId);
    const falls = owner !== undefined && FALLS_WITH_USER.has(fact.key.entityType);
    return { ...fact, row, parents: falls ? [...fact.parents, owner] : fact.parents };
  };
  return [leave(first), ...others.map(leave)];
}
