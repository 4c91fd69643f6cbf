/** The answer to `why` as one document: what `--json` prints, and what the text is made of. Pure. Times as ISO 8601. */
import { type LedgerRecord, type VersionRecord } from '../../db/history.js';
import { type FoundJob, type Search } from '../../queue/find-jobs.js';
import { concludeEntity } from './conclude-entity.js';
import { concludeEvent } from './conclude-event.js';
import { versionOfRecord, type EntityKnowledge, type EventKnowledge } from './gather.js';
import { type QueueKnowledge } from './conclude-jobs.js';
import { summariseRow, type RowSummary } from './summarise-row.js';
import { concludeRuns, toRunLine, type RunLine, type RunsKnowledge } from './conclude-runs.js';
import { quote, sortConclusions, stateOf, type Conclusion, type EntityState } from './state.js';

export interface WhyReport {
  id: string;
  askedAt: string;
  /** Of the id as a whole: set when nothing is known of it, or not all could be looked at. */
  conclusions: Conclusion[];
  event: EventReport | null;
  /** Usually one; the same id under several entity types gives several. */
  entities: EntityReport[];
  queue: QueueKnowledge & Pick<Search, 'truncated'>;
}

export interface EventReport {
  conclusions: Conclusion[];
  type: string | null;
  /** What it is about; null when it cannot be read. */
  entityType: string | null;
  entityId: string | null;
  /** Null: the ledger has none. */
  ledger: LedgerLine | null;
  /** Null: the queue does not know it, or not any more. */
  job: JobLine | null;
  /** What handlers made of it. */
  handlers: RunLine[];
  /** With --show-data. */
  payload?: unknown;
  /** What is stored of its entity now. */
  entity: StoredReport | null;
}

export interface StoredReport {
  entityType: string;
  entityId: string;
  state: EntityState;
  version: VersionLine | null;
  tombstone: TombstoneLine | null;
  row: (RowSummary & { table: string; syncedAt: string | null }) | null;
  children: { table: string; count: number; ids: string[] }[];
}

export interface EntityReport extends StoredReport {
  conclusions: Conclusion[];
  /** In the ledger, by outcome. */
  outcomes: Record<string, number>;
  /** In order of version, the newest last. */
  events: LedgerLine[];
  eventsLeftOut: number;
  /** Not done yet. */
  jobs: JobLine[];
  /** Jobs of other entities that mention this one. */
  jobsMentioning: number;
  /** What handlers made of `events`. */
  handlers: RunLine[];
}

export interface LedgerLine {
  id: string;
  type: string | null;
  entityType: string | null;
  entityId: string | null;
  instanceId: string | null;
  outcome: string | null;
  reason: string | null;
  /** When it says that its entity changed. */
  version: string;
  occurredAt: string | null;
  receivedAt: string | null;
  processedAt: string | null;
  /** After the version's time. */
  occurredAfterMs: number | null;
  /** After it occurred. */
  receivedAfterMs: number | null;
  /** After it was received. */
  processedAfterMs: number | null;
  /** Its version is the one that is stored, or the tombstone's. */
  isCurrent: boolean;
  hasPayload: boolean;
}

export interface JobLine {
  id: string;
  type: string;
  state: string;
  addedAt: string;
  startedAt: string | null;
  finishedAt: string | null;
  dueAt: string | null;
  attemptsMade: number;
  attempts: number;
  stalls: number;
  failedReason: string | null;
  processedBy: string | null;
  outcome: string | null;
  forced: boolean;
}

export interface VersionLine {
  updatedAt: string;
  occurredAt: string;
  /** Null: a nested copy, which has no event of its own. */
  eventId: string | null;
  eventType: string | null;
  /** It came with the event of another entity. */
  isCarried: boolean;
}

export interface TombstoneLine {
  deletedAt: string | null;
  erasedAt: string | null;
  eventId: string | null;
  eventType: string | null;
}

export interface WhyFindings {
  id: string;
  event: EventKnowledge | null;
  entities: readonly EntityKnowledge[];
  queue: QueueKnowledge;
  search: Search;
  runs: RunsKnowledge;
}

export interface ReportOptions {
  showData: boolean;
  now: number;
}

export function buildReport(findings: WhyFindings, options: ReportOptions): WhyReport {
  const { id, event, entities, queue, search } = findings;
  const isKnown = event !== null || entities.length > 0;
  return {
    id,
    askedAt: new Date(options.now).toISOString(),
    conclusions: isKnown ? [] : [sayUnknown(findings)],
    event: event && reportEvent(event, findings, options),
    entities: entities.map((entity) => reportEntity(entity, findings, options)),
    queue: { ...queue, truncated: search.truncated },
  };
}

/** An entity that only the queue knows of so far. */
export function knowFromJobs(id: string, jobs: readonly FoundJob[]): EntityKnowledge[] {
  const types = new Set(jobs.flatMap(({ event }) => (event ? [event.entityType] : [])));
  return [...types].map((entityType) => ({
    entityType,
    entityId: id,
    table: null,
    outcomes: {},
    events: [],
    version: null,
    versionEvent: null,
    row: null,
    children: [],
    deletedParent: null,
  }));
}

function sayUnknown({ id, queue, search }: WhyFindings): Conclusion {
  const unasked = queue.trouble !== null ? ' The queue could not be asked.' : '';
  const mentioned =
    search.mentions > 0 ? ` ${search.mentions} events in the queue mention it.` : '';
  return {
    level: 'bad',
    text: `Nothing is known of ${quote(id)}: neither an event nor an entity of this id has come.${unasked}${mentioned} Clerk's Dashboard (Webhooks > your endpoint > Message Attempts) shows what was sent, and how it was answered; npm run doctor checks this side.`,
  };
}

function reportEvent(
  event: EventKnowledge,
  { queue, runs }: WhyFindings,
  options: ReportOptions,
): EventReport {
  const { record, job, entity, payload } = event;
  const { now } = options;
  const ofEvent = runs.byEvent.get(event.id) ?? [];
  return {
    conclusions: [
      ...concludeEvent(event, { queue, now }),
      ...concludeRuns(ofEvent, { workers: runs.workers, now, isNamed: false }),
    ],
    type: record?.type ?? job?.type ?? null,
    entityType: record?.entityType ?? job?.event?.entityType ?? null,
    entityId: record?.entityId ?? job?.event?.entityId ?? null,
    ledger: record && toLedgerLine(record, entity?.version ?? null),
    job: job && toJobLine(job),
    handlers: ofEvent.map(toRunLine),
    ...(options.showData ? { payload } : {}),
    entity: entity && reportStored(entity, options),
  };
}

function reportEntity(
  entity: EntityKnowledge,
  { queue, search, runs }: WhyFindings,
  options: ReportOptions,
): EntityReport {
  const { now } = options;
  const ofEvents = entity.events.flatMap(({ id }) => runs.byEvent.get(id) ?? []);
  const jobs = search.jobs.filter(({ event }) => event?.entityType === entity.entityType);
  const inLedger = Object.values(entity.outcomes).reduce((sum, events) => sum + events, 0);
  return {
    ...reportStored(entity, options),
    conclusions: sortConclusions([
      ...concludeEntity(entity, { jobs, queue, now }),
      ...concludeRuns(ofEvents, { workers: runs.workers, now, isNamed: true }),
    ]),
    outcomes: entity.outcomes,
    events: entity.events.map((event) => toLedgerLine(event, entity.version)),
    // Events may have come between the two questions.
    eventsLeftOut: Math.max(0, inLedger - entity.events.length),
    jobs: jobs.map(toJobLine),
    jobsMentioning: search.mentions,
    handlers: ofEvents.map(toRunLine),
  };
}

function reportStored(entity: EntityKnowledge, { showData }: ReportOptions): StoredReport {
  const { entityType, entityId, version, versionEvent, row, table, children } = entity;
  return {
    entityType,
    entityId,
    state: stateOf(entity),
    version: version && toVersionLine(version, versionEvent),
    tombstone: version && toTombstoneLine(version, versionEvent),
    row:
      row && table
        ? {
            table,
            syncedAt: row['synced_at'] instanceof Date ? row['synced_at'].toISOString() : null,
            ...summariseRow(table, row, showData),
          }
        : null,
    children,
  };
}

function toVersionLine(
  { entityId, updatedAt, occurredAt, eventId }: VersionRecord,
  event: LedgerRecord | null,
): VersionLine | null {
  if (updatedAt === null) return null;
  return {
    updatedAt: toIso(updatedAt),
    occurredAt: toIso(occurredAt),
    eventId: eventId || null,
    eventType: event?.type ?? null,
    isCarried: eventId === '' || (event !== null && event.entityId !== entityId),
  };
}

function toTombstoneLine(
  { deletedAt, erasedAt, eventId }: VersionRecord,
  event: LedgerRecord | null,
): TombstoneLine | null {
  if (deletedAt === null && erasedAt === null) return null;
  return {
    deletedAt: toIsoOrNull(deletedAt),
    erasedAt: toIsoOrNull(erasedAt),
    eventId: eventId || null,
    eventType: event?.type ?? null,
  };
}

function toLedgerLine(record: LedgerRecord, version: VersionRecord | null): LedgerLine {
  const { occurredAt, receivedAt, processedAt } = record;
  const { updatedAt } = versionOfRecord(record);
  return {
    id: record.id,
    type: record.type,
    entityType: record.entityType,
    entityId: record.entityId,
    instanceId: record.instanceId,
    outcome: record.outcome,
    reason: record.error,
    version: toIso(updatedAt),
    occurredAt: toIsoOrNull(occurredAt),
    receivedAt: toIsoOrNull(receivedAt),
    processedAt: toIsoOrNull(processedAt),
    occurredAfterMs: subtract(occurredAt, updatedAt),
    receivedAfterMs: subtract(receivedAt, occurredAt),
    processedAfterMs: subtract(processedAt, receivedAt),
    isCurrent: version?.eventId === record.id,
    hasPayload: record.hasPayload,
  };
}

function toJobLine({ event: _event, ...job }: FoundJob): JobLine {
  return {
    ...job,
    addedAt: toIso(job.addedAt),
    startedAt: toIsoOrNull(job.startedAt),
    finishedAt: toIsoOrNull(job.finishedAt),
    dueAt: toIsoOrNull(job.dueAt),
  };
}

function subtract(later: number | null, earlier: number | null): number | null {
  return later === null || earlier === null ? null : later - earlier;
}

function toIso(ms: number): string {
  return new Date(ms).toISOString();
}

function toIsoOrNull(ms: number | null): string | null {
  return ms === null ? null : toIso(ms);
}
