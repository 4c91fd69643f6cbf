/** Takes a person out of what is about others, or leaves of what is theirs no more than ids, states and times. Pure. */
import { isAbout } from './person.js';
import { isRecord, type JsonRecord } from './record.js';

export interface Scrubbing {
  userIds: readonly string[];
  /** Whether a text holds an address of theirs. */
  identifies: (text: string) => boolean;
}

/** What an object that is about the person may carry of others, or of itself. */
const KEPT_OBJECTS: ReadonlySet<string> = new Set([
  'organization',
  'payer',
  'public_organization_data',
  'public_user_data',
  'user',
]);
const KEPT_WORDS = /^(?:object|status|id|(?!external_id$|provider_user_id$).+_id)$/;
const WORD = /^[\w-]{1,255}$/;
const KEPT_NUMBERS = /_at(?:_ms)?$/;

/** The request behind an event: an address and a browser of whoever acted. */
const REQUEST = 'event_attributes';
/** A card, beside the payer whose it is. */
const CARD = 'payment_source';

/**
 * A copy without the person: objects that are about them are reduced, texts that hold an address of theirs become null, their bare
 * id stays. Scrubbing what is scrubbed changes nothing. Expects JSON that is nested no deeper than a stored event.
 */
export function scrub(value: unknown, scrubbing: Scrubbing): unknown {
  if (typeof value === 'string') return scrubbing.identifies(value) ? null : value;
  if (Array.isArray(value)) return value.map((item) => scrub(item, scrubbing));
  if (!isRecord(value)) return value;
  if (concerns(value, scrubbing)) return reduce(value, scrubbing);
  const isPayer = isRecord(value['payer']) && concerns(value['payer'], scrubbing);
  const kept = Object.entries(value).flatMap(([key, inner]): [string, unknown][] => {
    if (key === REQUEST || scrubbing.identifies(key)) return [];
    const isCard = key === CARD && isPayer && isRecord(inner);
    return [[key, isCard ? reduce(inner, scrubbing) : scrub(inner, scrubbing)]];
  });
  return Object.fromEntries(kept);
}

/** An event that is the person's own: of its data only ids, state and times are left. */
export function scrubOwn(envelope: JsonRecord, scrubbing: Scrubbing): JsonRecord {
  const { data, ...rest } = envelope;
  const outer = scrub(rest, scrubbing) as JsonRecord; // a record stays one
  return { ...outer, data: isRecord(data) ? reduce(data, scrubbing) : null };
}

/** Whether an object is about them, as a user or as a member. */
export function concerns(value: JsonRecord, { userIds }: Pick<Scrubbing, 'userIds'>): boolean {
  const { public_user_data: member } = value;
  return userIds.some(
    (userId) => isAbout(value, userId) || (isRecord(member) && isAbout(member, userId)),
  );
}

function reduce(value: JsonRecord, scrubbing: Scrubbing): JsonRecord {
  const kept = Object.entries(value).flatMap(([key, inner]): [string, unknown][] => {
    if (KEPT_OBJECTS.has(key) && isRecord(inner)) return [[key, scrub(inner, scrubbing)]];
    const isWord = typeof inner === 'string' && KEPT_WORDS.test(key) && WORD.test(inner);
    const isTime = typeof inner === 'number' && KEPT_NUMBERS.test(key);
    return isWord || isTime ? [[key, inner]] : [];
  });
  return Object.fromEntries(kept);
}
