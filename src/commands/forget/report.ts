/** What `forget` says of a tombstone: what it is, and how the entity comes back once it is gone. Pure. */
import { type LedgerRecord, type VersionRecord } from '../../db/history.js';
import { REFUSALS_SEARCHED, type RefusedChild } from '../../db/tombstones.js';
import { count, quote, sayDeletion, sayMoment } from '../why/state.js';

export interface TombstoneKnowledge {
  version: VersionRecord;
  /** The deletion, where the ledger has it. */
  event: LedgerRecord | null;
  /** Events of the entity itself that were refused because of the tombstone. */
  refused: number;
  refusedChildren: readonly RefusedChild[];
}

export type ForgetOutcome = 'forgotten' | 'would-forget' | 'refused' | 'declined';

/** Times as ISO 8601. */
export interface ForgetReport {
  id: string;
  entityType: string;
  outcome: ForgetOutcome;
  /** Why it was refused. */
  reason: string | null;
  deletedAt: string | null;
  erasedAt: string | null;
  eventId: string | null;
  eventType: string | null;
  refusedEvents: number;
  refusedChildren: { id: string; type: string | null; entityId: string | null }[];
  /** Commands that bring back what was refused. */
  next: string[];
}

/** Of the children's commands. */
const COMMANDS_SAID = 5;

export function describeTombstone({ version, event, refused }: TombstoneKnowledge): string[] {
  const { entityType, entityId, erasedAt } = version;
  return [
    `${entityType} ${entityId} was deleted ${sayDeletion(version, event)}.`,
    ...(erasedAt === null ? [] : [`It was erased at ${sayMoment(erasedAt)}.`]),
    refused === 0
      ? 'No later event of it was refused because of that.'
      : `${count(refused, 'event')} of it ${refused === 1 ? 'was' : 'were'} refused because of that (tombstoned).`,
  ];
}

/** Null when the tombstone may be dropped. */
export function refuse({ version }: TombstoneKnowledge): string | null {
  if (version.erasedAt === null) return null;
  return `${version.entityType} ${version.entityId} was erased: the tombstone is what keeps the person's data from coming back. It stays.`;
}

/** How what was refused comes back. */
export function adviseReturn(known: TombstoneKnowledge): string[] {
  const { refused, refusedChildren } = known;
  const [own] = listCommands(known);
  const lines =
    refused > 0 && own
      ? [
          `To bring it back: ${own}`,
          'Without --force: that would apply the deletion again, and the tombstone would be back.',
        ]
      : ['The next event of it that comes counts again.'];
  if (refusedChildren.length === 0) return lines;
  const children = listChildren(refusedChildren);
  const many =
    children.length > COMMANDS_SAID ? [`… and ${children.length - COMMANDS_SAID} more`] : [];
  return [
    ...lines,
    `${count(refusedChildren.length, 'event')} of what belongs to it ${refusedChildren.length === 1 ? 'was' : 'were'} refused with it (of the newest ${REFUSALS_SEARCHED} refusals). To bring that back, afterwards:`,
    ...children.slice(0, COMMANDS_SAID).map((id) => `  ${toReplay(id)}`),
    ...many.map((line) => `  ${line}`),
  ];
}

export function buildForgetReport(
  known: TombstoneKnowledge,
  { outcome, reason = null }: { outcome: ForgetOutcome; reason?: string | null },
): ForgetReport {
  const { version, event, refused, refusedChildren } = known;
  const toIso = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());
  return {
    id: version.entityId,
    entityType: version.entityType,
    outcome,
    reason,
    deletedAt: toIso(version.deletedAt),
    erasedAt: toIso(version.erasedAt),
    eventId: version.eventId || null,
    eventType: event?.type ?? null,
    refusedEvents: refused,
    refusedChildren: [...refusedChildren],
    next: outcome === 'refused' ? [] : listCommands(known),
  };
}

function listCommands({ version, refused, refusedChildren }: TombstoneKnowledge): string[] {
  const own = refused > 0 ? [toReplay(version.entityId)] : [];
  return [...own, ...listChildren(refusedChildren).map(toReplay)];
}

function listChildren(children: readonly RefusedChild[]): string[] {
  return [...new Set(children.flatMap(({ entityId }) => (entityId === null ? [] : [entityId])))];
}

function toReplay(entityId: string): string {
  return `npm run replay -- --entity ${quote(entityId)}`;
}
