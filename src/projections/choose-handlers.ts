/** Which handlers an event starts, and what they are told of it. Pure. */
import { EVENT_TYPES } from '../clerk/event-types.js';
import { isRecord } from '../record.js';
import { nameOf, outcomeOf, type Decision, type KnownVersions } from './decide.js';
import { type PreparedEvent } from './prepare.js';

export interface Starting {
  /** Names of the handlers that an applied event of this type is for. */
  handlersFor: (type: string) => readonly string[];
  /** Whether what is fetched starts them too: only where somebody asks for it. */
  forFetched?: boolean;
}

export interface Started {
  names: readonly string[];
  /** For the ledger, from which they read it. */
  entry: PreparedEvent['entry'];
}

/** By svix-id. What is forced starts none: it may have been applied before. */
export function chooseHandlers(
  events: readonly PreparedEvent[],
  { decision, known }: { decision: Decision; known: KnownVersions },
  starting: Starting | undefined,
): Map<string, Started> {
  const chosen = new Map<string, Started>();
  if (!starting) return chosen;
  for (const event of events) {
    if (event.fetched ? !starting.forFetched : event.force) continue;
    if (outcomeOf(event, decision) !== 'applied') continue;
    const entry = event.fetched ? nameFetched(event, known) : event.entry;
    const names = entry?.type ? starting.handlersFor(entry.type) : [];
    if (entry && names.length > 0) chosen.set(event.entry.id, { names, entry });
  }
  return chosen;
}

/**
 * What is fetched comes as a change. What no event has brought here yet, at most a mention or a copy in another entity's, is told of as created.
 * @returns null when Clerk has no event that says so: of a change of an invitation.
 */
function nameFetched(
  { entry, facts }: PreparedEvent,
  known: KnownVersions,
): PreparedEvent['entry'] | null {
  const key = facts?.[0].key;
  const created = entry.type?.replace(/\.\w+$/, '.created') ?? '';
  const isNew = key !== undefined && !known.get(nameOf(key))?.version?.eventId;
  if (!isNew) return entry.type === created ? null : entry;
  if (!EVENT_TYPES.some((type) => type === created) || !isRecord(entry.payload)) return entry;
  return { ...entry, type: created, payload: { ...entry.payload, type: created } };
}
