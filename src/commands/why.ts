/** `npm run why`: what came of an entity or an event, what was decided, why, and what is stored now. Changes nothing. */
import { readConfig, type Config } from '../config.js';
import { readEvent } from '../db/history.js';
import { messageOf, SyncError } from '../errors.js';
import {
  findJob,
  findJobsAbout,
  SEARCH_BOUND,
  type FoundJob,
  type Search,
} from '../queue/find-jobs.js';
import { type OpenQueue } from '../queue/contract.js';
import { countWorkers } from '../queue/inspect-workers.js';
import { readArguments, readCount, type Command, type CommandContext } from './command.js';
import { withDatabase, withQueue } from './connections.js';
import { createProgress } from './progress.js';
import { describeTerminal } from './terminal.js';
import { gatherEntities, gatherEvent, type EntityKnowledge } from './why/gather.js';
import { buildReport, knowFromJobs, type WhyFindings } from './why/report.js';
import { type QueueKnowledge } from './why/conclude-jobs.js';
import { gatherRuns } from './why/gather-runs.js';
import { formatReport } from './why/format-report.js';

const USAGE = `Usage: npm run why -- ID [options]
  ID                 of a user, an organization or any other entity of Clerk's, or of an event (svix-id, msg_…)
  --limit N          list the newest N events (50); failed ones are listed however old they are
  --show-data        show what is stored too: names, addresses, metadata, the event's payload. It is people's data: mind who reads along
  --json             one JSON document
Exit code: 0 something is known of it, 1 nothing is, 2 wrong usage.`;

const DEFAULT_LIMIT = '50';
const MAX_LIMIT = 10_000;

export const whyCommand: Command = {
  usage: USAGE,
  async run(args, context) {
    const { values, positionals } = readArguments(
      args,
      {
        limit: { type: 'string', default: DEFAULT_LIMIT },
        'show-data': { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
      },
      USAGE,
    );
    const id = readOneId(positionals, USAGE);
    const limit = readCount(values.limit, '--limit', MAX_LIMIT);
    const config = readConfig(context.environment, ['database']);
    const findings = await find(id, { config, limit, context });
    const report = buildReport(findings, { showData: values['show-data'], now: Date.now() });
    if (values.json) context.print(JSON.stringify(report, null, 2));
    else
      for (const line of formatReport(report, describeTerminal(context.environment)))
        context.print(line);
    return report.event || report.entities.length > 0 ? 0 : 1;
  },
};

/** @throws SyncError `usage.invalid` unless there is exactly one. */
export function readOneId(positionals: readonly string[], usage: string): string {
  const [id = '', ...others] = positionals.map((text) => text.trim());
  if (id !== '' && others.length === 0) return id;
  throw new SyncError(
    'usage.invalid',
    `${id === '' ? 'Of which id?' : 'One id at a time.'}\n${usage}`,
  );
}

interface Question {
  config: Config;
  limit: number;
  context: CommandContext;
}

const NO_SEARCH: Search = { jobs: [], mentions: 0, truncated: [] };

/** The ledger's part is worth having without the queue's; without the database there is nothing to tell. */
async function find(id: string, { config, limit, context }: Question): Promise<WhyFindings> {
  return withDatabase(config, async (db) => {
    const gathering = { db, config, limit };
    const entities = await gatherEntities(gathering, id);
    const record = await readEvent(db, id);
    const isEvent = record !== null;
    const asked = await askQueue(config, (open) =>
      searchQueue(open, { id, isEvent, entities, context }),
    );
    if (asked.queue.trouble !== null) {
      context.writeProgress(`${asked.queue.trouble} What is in the queue is not shown.\n`);
    }
    const { job = null, search = NO_SEARCH } = asked.found ?? {};
    const event = await gatherEvent(gathering, id, { record, job });
    const known = entities.length > 0 ? entities : knowFromJobs(id, search.jobs);
    const eventIds = known.flatMap(({ events }) => events.map((each) => each.id));
    const runs = await gatherRuns(db, config, [...(event ? [id] : []), ...eventIds]);
    return { id, event, entities: known, queue: asked.queue, search, runs };
  });
}

interface Found {
  job: FoundJob | null;
  search: Search;
}

async function askQueue(
  config: Config,
  work: (open: OpenQueue) => Promise<Found>,
): Promise<{ queue: QueueKnowledge; found: Found | null }> {
  try {
    return await withQueue(config, async (open) => {
      const { isPaused } = await open.measure();
      const workers = await countWorkers(open);
      return { queue: { trouble: null, isPaused, workers }, found: await work(open) };
    });
  } catch (error) {
    const trouble = messageOf(error);
    return { queue: { trouble, isPaused: false, workers: null }, found: null };
  }
}

interface Wanted {
  id: string;
  /** The ledger has it as one: nobody's body needs to be searched for it. */
  isEvent: boolean;
  entities: readonly EntityKnowledge[];
  context: CommandContext;
}

async function searchQueue(
  { queue, measure }: OpenQueue,
  { id, isEvent, entities, context }: Wanted,
): Promise<Found> {
  const job = await findJob(queue, id);
  if (job || isEvent) return { job, search: NO_SEARCH };
  const { counts } = await measure();
  const { waiting = 0, active = 0, delayed = 0, failed = 0 } = counts;
  const progress = createProgress({
    label: 'looking through the queue',
    total: [waiting, active, delayed, failed].reduce(
      (sum, jobs) => sum + Math.min(jobs, SEARCH_BOUND),
      0,
    ),
    write: context.writeProgress,
    isTerminal: context.isTerminal,
  });
  try {
    const search = await findJobsAbout(queue, {
      entityId: id,
      eventIds: entities.flatMap(({ events }) =>
        events.filter(({ outcome }) => outcome === 'failed').map((event) => event.id),
      ),
      onProgress: progress.show,
    });
    return { job, search };
  } finally {
    progress.end();
  }
}
