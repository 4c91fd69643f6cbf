/** What an operator wants to know first of an entity: is it stored, and if not, why not and what to do. Pure. */
import { type LedgerRecord } from '../../db/history.js';
import { isNewer } from '../../projections/decide.js';
import { type FoundJob } from '../../queue/find-jobs.js';
import { formatAgo } from '../format-time.js';
import { toVersion, versionOfRecord, type EntityKnowledge } from './gather.js';
import { concludeJobs, endSentence, sayFailedJob, type QueueKnowledge } from './conclude-jobs.js';
import {
  count,
  isDeletion,
  quote,
  sayDeletion,
  sayEvent,
  sayMoment,
  saySource,
  sortConclusions,
  stateOf,
  type Conclusion,
} from './state.js';

/** More would hide the rest. */
const FAILURES_SAID = 3;

interface Circumstances {
  /** The jobs that are about it. */
  jobs: readonly FoundJob[];
  queue: QueueKnowledge;
  now: number;
}

/** Most urgent first. */
export function concludeEntity(
  entity: EntityKnowledge,
  { jobs, queue, now }: Circumstances,
): Conclusion[] {
  const failed = entity.events.filter(({ outcome }) => outcome === 'failed');
  const isPending = (id: string) => jobs.some((job) => job.id === id && isUnderWay(job));
  const unrecorded = jobs.filter(
    ({ id, state }) => state === 'failed' && !failed.some((event) => event.id === id),
  );
  return sortConclusions([
    ...sayFailures(
      entity,
      failed.filter(({ id }) => !isPending(id)),
      { jobs, now },
    ),
    ...unrecorded.map((job) => sayFailedJob(job, now)),
    ...concludeJobs(jobs, queue, now),
    sayState(entity, now),
  ]);
}

/** Whether what the event says is contained in what is stored: then its failure cost nothing. */
export function isOvertaken(event: LedgerRecord, entity: EntityKnowledge): boolean {
  const state = stateOf(entity);
  if (state === 'deleted' || state === 'erased') return true;
  const stored = toVersion(entity.version);
  return (
    stored !== null && !isDeletion(event.type) && !isNewer(versionOfRecord(event), stored, false)
  );
}

export function sayFailure(
  event: LedgerRecord,
  { isRepeatable, now }: { isRepeatable: boolean; now: number },
): Conclusion {
  const when = event.processedAt === null ? '' : ` ${formatAgo(event.processedAt, now)}`;
  const cure = isRepeatable
    ? `Mend the cause, then: npm run replay -- --id ${quote(event.id)}`
    : "Its payload is not kept: mend the cause, then resend it from Clerk's Dashboard.";
  return {
    level: 'bad',
    text: `${sayEvent(event)} failed${when}: ${endSentence(event.error ?? 'no reason is kept')} ${cure}`,
  };
}

function sayFailures(
  entity: EntityKnowledge,
  failed: readonly LedgerRecord[],
  { jobs, now }: Pick<Circumstances, 'jobs' | 'now'>,
): Conclusion[] {
  const harmful = failed.filter((event) => !isOvertaken(event, entity)).reverse();
  const harmless = failed.length - harmful.length;
  const said = harmful.slice(0, FAILURES_SAID).map((event) => {
    const isRepeatable = event.hasPayload || jobs.some(({ id }) => id === event.id);
    return sayFailure(event, { isRepeatable, now });
  });
  if (harmful.length > said.length) {
    said.push({
      level: 'bad',
      text: `${harmful.length - said.length} more failed: see the events below.`,
    });
  }
  if (harmless > 0) {
    said.push({
      level: 'note',
      text: `${count(harmless, 'older event')} failed; what counts now is newer, so that nothing is missing.`,
    });
  }
  return said;
}

function isUnderWay({ state }: FoundJob): boolean {
  return state === 'waiting' || state === 'active' || state === 'delayed';
}

function sayState(entity: EntityKnowledge, now: number): Conclusion {
  switch (stateOf(entity)) {
    case 'erased':
      return { level: 'note', text: sayErased(entity) };
    case 'deleted':
      return { level: 'note', text: sayDeleted(entity) };
    case 'stored':
      return { level: 'good', text: sayStored(entity, now) };
    case 'placeholder':
      return { level: 'note', text: sayPlaceholder(entity) };
    case 'absent':
      return sayAbsent(entity);
  }
}

function sayErased({ version }: EntityKnowledge): string {
  return `Erased at ${sayMoment(version?.erasedAt ?? 0)}: whatever Clerk still sends, nothing of this person is kept again. That cannot be forgotten.`;
}

function sayDeleted({ version, versionEvent, outcomes, entityId }: EntityKnowledge): string {
  if (!version) return '';
  const refused = outcomes['tombstoned'] ?? 0;
  const since =
    refused > 0
      ? ` ${count(refused, 'event')} of it ${refused === 1 ? 'was' : 'were'} refused (tombstoned).`
      : '';
  return `Deleted ${sayDeletion(version, versionEvent)}. That is final: later events cannot bring it back.${since} If it was only a Dashboard test send, which uses one id again and again: npm run forget -- ${quote(entityId)}`;
}

function sayStored({ version, versionEvent }: EntityKnowledge, now: number): string {
  if (!version?.updatedAt) {
    return 'A row is stored, yet nothing is known of how it came: no event of it was applied.';
  }
  const when = versionEvent?.processedAt
    ? `, written ${formatAgo(versionEvent.processedAt, now)}`
    : '';
  return `Stored as of ${sayMoment(version.updatedAt)}, by ${saySource(version, versionEvent)}${when}.`;
}

function sayPlaceholder({ children, outcomes }: EntityKnowledge): string {
  const [child] = children;
  const by = child ? ` by ${child.ids[0] ?? ''} (${child.table})` : '';
  const none = Object.keys(outcomes).length === 0;
  const missing = none
    ? " No event of its own has come: look in Clerk's Dashboard (Webhooks > your endpoint > Message Attempts), or have Clerk send one by any change to it."
    : '';
  return `A placeholder, an id and nothing else: it was mentioned${by} before an event of its own was applied.${missing}`;
}

/** No row and no tombstone. */
function sayAbsent(entity: EntityKnowledge): Conclusion {
  const { outcomes, entityType, entityId, deletedParent, events } = entity;
  const { applied = 0, stale = 0, tombstoned = 0, ignored = 0 } = outcomes;
  const replay = `npm run replay -- --entity ${quote(entityId)}`;
  if (deletedParent) {
    const parent = `${deletedParent.entityType} ${deletedParent.entityId}`;
    return {
      level: 'note',
      text: `Not stored: ${parent}, to which it belongs, was deleted ${sayDeletion(deletedParent, null)}. More: npm run why -- ${quote(deletedParent.entityId)}`,
    };
  }
  if (events.some(({ outcome, hasPayload }) => outcome === 'tombstoned' && hasPayload)) {
    return {
      level: 'bad',
      text: `Not stored: its events were refused because of a tombstone that has been forgotten since. Have them decided anew: ${replay}`,
    };
  }
  const wasDeleted = events.some(({ type, outcome }) => isDeletion(type) && outcome === 'applied');
  if (tombstoned > 0 || wasDeleted) {
    return {
      level: 'note',
      text: 'Not stored: it was deleted, and the tombstone has been forgotten or pruned since. The next event of it counts again.',
    };
  }
  if (applied + stale > 0 && entityType === 'session') {
    return {
      level: 'note',
      text: `Not stored: the session was over, and npm run prune removed its row. If somebody else did, write it again: ${replay} --force`,
    };
  }
  if (applied + stale > 0) {
    return {
      level: 'bad',
      text: `Not stored, though events of it were applied: its row was removed by hand, or with one that it belonged to. Write it again: ${replay} --force`,
    };
  }
  if (ignored > 0) {
    const reason = events.findLast(({ outcome }) => outcome === 'ignored')?.error;
    return {
      level: 'note',
      text: `Not stored, on purpose: ${endSentence(reason ?? 'its events are ignored')} Once that has changed: ${replay}`,
    };
  }
  return { level: 'note', text: 'Not stored: no event of it has been applied yet.' };
}
