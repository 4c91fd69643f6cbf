/** The answer to `why` as one document: what `--json` prints, and what the text is made of. Pure. Times as ISO 8601. */
import { type FoundJob, type Search } from '../../queue/find-jobs.js';
import { concludeEntity } from './conclude-entity.js';
import { concludeEvent } from './conclude-event.js';
import { type EntityKnowledge, type EventKnowledge } from './gather.js';
import { type QueueKnowledge } from './conclude-jobs.js';
import { summariseRow, type RowSummary } from './summarise-row.js';
import { concludeRuns, toRunLine, type RunLine, type RunsKnowledge } from './conclude-runs.js';
import {
  toJobLine,
  toLedgerLine,
  toTombstoneLine,
  toVersionLine,
  type JobLine,
  type LedgerLine,
  type TombstoneLine,
  type VersionLine,
} from './report-lines.js';
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
