/** What an entity is at present, and the words for it. Pure. */
import { type LedgerRecord, type VersionRecord } from '../../db/history.js';
import { formatMoment } from '../format-time.js';
import { type EntityKnowledge } from './gather.js';

/** `placeholder`: an id and nothing else, because another entity mentioned it first. */
export type EntityState = 'stored' | 'placeholder' | 'deleted' | 'erased' | 'absent';

/** `bad`: somebody has to do something. `note`: worth knowing. `good`: all is well. */
export interface Conclusion {
  level: 'bad' | 'note' | 'good';
  text: string;
}

export function stateOf({ version, row }: Pick<EntityKnowledge, 'version' | 'row'>): EntityState {
  if (version?.erasedAt) return 'erased';
  if (version?.deletedAt) return 'deleted';
  if (!row) return 'absent';
  // Whoever writes rows beside us leaves `data` empty too, and is no mention of another entity.
  return row['data'] === null && !version?.updatedAt ? 'placeholder' : 'stored';
}

/** Most urgent first. */
export function sortConclusions(conclusions: readonly Conclusion[]): Conclusion[] {
  const levels = ['bad', 'note', 'good'];
  return [...conclusions].sort((a, b) => levels.indexOf(a.level) - levels.indexOf(b.level));
}

/** `2026-11-21 03:00:00 UTC`. */
export function sayMoment(time: number): string {
  return `${formatMoment(time)} UTC`;
}

/** `user.updated msg_…`. */
export function sayEvent({ id, type }: Pick<LedgerRecord, 'id' | 'type'>): string {
  return type === null ? id : `${type} ${id}`;
}

/** `3 events`, `1 event`. */
export function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}

/** The event whose version it is, in words. */
export function saySource(version: VersionRecord, event: LedgerRecord | null): string {
  if (version.eventId === '') return 'a copy that an event of another entity carried along';
  if (!event) return `${version.eventId}, which the ledger does not have`;
  if (event.entityId === version.entityId) return sayEvent(event);
  return `${sayEvent(event)}, which carried it along`;
}

/** `at … by …`. */
export function sayDeletion(version: VersionRecord, event: LedgerRecord | null): string {
  const by = version.eventId === '' ? '' : ` by ${event ? sayEvent(event) : version.eventId}`;
  return `at ${sayMoment(version.deletedAt ?? version.occurredAt)}${by}`;
}

/** Clerk's names of what deletes. */
export function isDeletion(type: string | null): boolean {
  return type?.endsWith('.deleted') ?? false;
}

/** As an argument on a command line. */
export function quote(argument: string): string {
  return /^[\w.:@+-]+$/.test(argument)
    ? argument
    : `'${argument.replaceAll("'", String.raw`'\''`)}'`;
}
