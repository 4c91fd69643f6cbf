/** What an operator wants to know first of an event: what became of it, and whether it still counts. Pure. */
import { type LedgerRecord } from '../../db/history.js';
import { isNewer } from '../../projections/decide.js';
import { formatSpan } from '../format-time.js';
import { isOvertaken, sayFailure } from './conclude-entity.js';
import { toVersion, versionOfRecord, type EntityKnowledge, type EventKnowledge } from './gather.js';
import { concludeJobs, endSentence, sayFailedJob, type QueueKnowledge } from './conclude-jobs.js';
import {
  isDeletion,
  quote,
  sayDeletion,
  sayMoment,
  saySource,
  stateOf,
  type Conclusion,
} from './state.js';

/** Longer than this between two steps is worth a word. */
const LATE_MS = 60_000;

/** The decision first, then what is under way. */
export function concludeEvent(
  event: EventKnowledge,
  { queue, now }: { queue: QueueKnowledge; now: number },
): Conclusion[] {
  const { record, job } = event;
  const jobs = job ? [job] : [];
  const isPending = concludeJobs(jobs, queue, now).length > 0;
  return [
    ...(record && !(isPending && record.outcome === 'failed')
      ? [sayDecision(event, record, now)]
      : []),
    ...(job && !record ? sayUnrecorded(event, now) : []),
    ...concludeJobs(jobs, queue, now),
    ...(record ? sayDelays(record) : []),
  ];
}

function sayUnrecorded({ job }: EventKnowledge, now: number): Conclusion[] {
  if (job?.state === 'failed') return [sayFailedJob(job, now)];
  if (job?.state !== 'completed') return [];
  return [
    {
      level: 'bad',
      text: `The queue has it as completed${job.outcome ? ` (${job.outcome})` : ''}, and the ledger has no row: this is another database than the worker's, or an older copy of it. If it is the right one, apply the event again: npm run replay -- --id ${quote(job.id)}`,
    },
  ];
}

function sayDecision(
  { entity, job }: EventKnowledge,
  record: LedgerRecord,
  now: number,
): Conclusion {
  const replay = `npm run replay -- --id ${quote(record.id)}`;
  switch (record.outcome) {
    case 'applied':
      return entity ? sayApplied(record, entity) : { level: 'good', text: 'Applied.' };
    case 'stale':
      return {
        level: 'good',
        text: `Changed nothing: what was stored already is newer, or deleted. ${entity ? sayNow(entity) : ''}`.trim(),
      };
    case 'tombstoned':
      return sayTombstoned(entity, replay);
    case 'ignored':
      return {
        level: 'note',
        text: `Recorded, and nothing else: ${endSentence(record.error ?? 'no reason is kept')} Once that has changed: ${replay}`,
      };
    case 'failed': {
      const said = sayFailure(record, { isRepeatable: record.hasPayload || job !== null, now });
      if (!entity || !isOvertaken(record, entity)) return said;
      return {
        level: 'note',
        text: `It failed: ${endSentence(record.error ?? 'no reason is kept')} Nothing is missing: ${sayNow(entity)}`,
      };
    }
    case null:
      return { level: 'note', text: 'The ledger has it without a decision.' };
  }
}

function sayApplied(record: LedgerRecord, entity: EntityKnowledge): Conclusion {
  const { entityType, version } = entity;
  const state = stateOf(entity);
  const isStored = version?.eventId === record.id;
  if (state === 'deleted' && isStored) {
    return { level: 'good', text: `Applied: it deleted the ${say(entityType)} for good.` };
  }
  if (isDeletion(record.type) && state !== 'deleted' && state !== 'erased') {
    return {
      level: 'note',
      text: `Applied: it deleted the ${say(entityType)}; the tombstone has been forgotten or pruned since. ${sayNow(entity)}`,
    };
  }
  if (isStored && state === 'stored') {
    return { level: 'good', text: "Applied: this event's version is what is stored." };
  }
  const stored = toVersion(version);
  const isSuperseded = stored !== null && isNewer(stored, versionOfRecord(record), false);
  const missing =
    state === 'absent' ? ', yet it is stored no longer' : ', and something else is stored';
  return {
    level: isSuperseded ? 'good' : 'note',
    text: `Applied${isSuperseded ? ', and superseded' : missing}. ${sayNow(entity)}`,
  };
}

function sayTombstoned(entity: EntityKnowledge | null, replay: string): Conclusion {
  if (entity && stateOf(entity) === 'deleted') {
    return {
      level: 'note',
      text: `Refused (tombstoned): ${sayNow(entity)} If it was only a Dashboard test send that deleted it: npm run forget -- ${quote(entity.entityId)}`,
    };
  }
  if (entity && stateOf(entity) === 'erased') {
    return { level: 'note', text: `Refused (tombstoned): ${sayNow(entity)}` };
  }
  const parent = entity?.deletedParent;
  if (parent) {
    return {
      level: 'note',
      text: `Refused (tombstoned): ${parent.entityType} ${parent.entityId}, to which it belongs, was deleted ${sayDeletion(parent, null)}. More: npm run why -- ${quote(parent.entityId)}`,
    };
  }
  return {
    level: 'bad',
    text: `Refused because of a tombstone that has been forgotten since. Have it decided anew: ${replay}`,
  };
}

/** What is stored of the entity at present. */
function sayNow(entity: EntityKnowledge): string {
  const { entityType, entityId, version, versionEvent, deletedParent } = entity;
  switch (stateOf(entity)) {
    case 'erased':
      return `the ${say(entityType)} was erased at ${sayMoment(version?.erasedAt ?? 0)}.`;
    case 'deleted':
      return version
        ? `The ${say(entityType)} was deleted ${sayDeletion(version, versionEvent)}.`
        : '';
    case 'stored':
      return version?.updatedAt
        ? `Stored now: the version of ${sayMoment(version.updatedAt)}, by ${saySource(version, versionEvent)}.`
        : 'Stored now: a row that no event is known to have written.';
    case 'placeholder':
      return 'Stored now: a placeholder, an id and nothing else.';
    case 'absent':
      return deletedParent
        ? `${deletedParent.entityType} ${deletedParent.entityId}, to which it belongs, was deleted ${sayDeletion(deletedParent, null)}.`
        : `Stored now: nothing. More: npm run why -- ${quote(entityId)}`;
  }
}

function sayDelays({ occurredAt, receivedAt, processedAt }: LedgerRecord): Conclusion[] {
  const said: Conclusion[] = [];
  if (occurredAt !== null && receivedAt !== null && receivedAt - occurredAt > LATE_MS) {
    said.push({
      level: 'note',
      text: `It came ${formatSpan(receivedAt - occurredAt)} after it occurred: Clerk tried before in vain, or sent it again (Webhooks > your endpoint > Message Attempts).`,
    });
  }
  if (receivedAt !== null && processedAt !== null && processedAt - receivedAt > LATE_MS) {
    said.push({
      level: 'note',
      text: `It was decided ${formatSpan(processedAt - receivedAt)} after it came: it waited for a worker or for the database, or was replayed.`,
    });
  }
  return said;
}

/** `organization membership` for `organization_membership`. */
function say(entityType: string): string {
  return entityType.replaceAll('_', ' ');
}
