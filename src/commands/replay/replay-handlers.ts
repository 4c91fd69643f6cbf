/** `npm run replay -- --handlers`: asks for further rounds of handlers, for events that were applied. No event is decided again. */
import { EVENT_TYPES } from '../../clerk/event-types.js';
import { type Config } from '../../config.js';
import { retryContended } from '../../db/contention.js';
import { type Database } from '../../db/database.js';
import { beginRounds } from '../../db/handler-runs.js';
import { countEvents, listEvents, type LedgerFilter } from '../../db/ledger-query.js';
import { readRunnableEvents, readRuns } from '../../db/read-runs.js';
import { type OpenQueue } from '../../queue/contract.js';
import { findRunJobs } from '../../queue/find-runs.js';
import { HANDLER_QUEUE_NAME } from '../../queue/handler-job.js';
import { type CommandContext, type KnownHandlers } from '../command.js';
import { explainDatabaseFault, withDatabase, withQueue } from '../connections.js';
import { createProgress } from '../progress.js';
import { MAX_LINES } from './report.js';
import { listRuns, planRun, type RunPlan } from './run-plan.js';
import {
  describeRun,
  describeRunTotals,
  NO_RUNS,
  toRunJson,
  toRunTotalsJson,
  type RunTotals,
} from './run-report.js';
import { toLedgerFilter, type Selection } from './selection.js';

export interface HandlersReplay {
  selection: Selection;
  isDryRun: boolean;
  asJson: boolean;
  handlers: KnownHandlers;
  /** Those that are to run. */
  names: readonly string[];
  config: Config;
  context: CommandContext;
}

interface Places {
  db: Database;
  open: OpenQueue<typeof HANDLER_QUEUE_NAME>;
}

const PAGE_SIZE = 100;

/** @returns the exit code. */
export async function replayHandlers(options: HandlersReplay): Promise<number> {
  const { config, context, asJson } = options;
  return withDatabase(config, (db) =>
    withQueue(
      config,
      async (open) => {
        const totals = await replayAll({ db, open }, options);
        const lines = asJson ? [toRunTotalsJson(totals)] : describeRunTotals(totals);
        for (const line of lines) context.print(line);
        return totals.found === 0 || totals.actions.unavailable > 0 ? 1 : 0;
      },
      HANDLER_QUEUE_NAME,
    ),
  );
}

async function replayAll(places: Places, options: HandlersReplay): Promise<RunTotals> {
  const { names, isDryRun, asJson, context } = options;
  const totals: RunTotals = { names, isDryRun, found: 0, actions: { ...NO_RUNS } };
  const filter = toAppliedFilter(options);
  const total = await countEvents(places.db, filter);
  const isEachShown = asJson || isDryRun || total <= MAX_LINES;
  const progress = createProgress({
    label: 'asking for runs',
    total,
    write: isEachShown ? () => undefined : context.writeProgress,
    isTerminal: context.isTerminal,
  });
  try {
    for await (const ids of listPages(places.db, filter)) {
      totals.found += ids.length;
      for (const plan of await replayPage(places, ids, options)) {
        totals.actions[plan.action]++;
        if (isEachShown) context.print(asJson ? toRunJson(plan) : describeRun(plan, isDryRun));
      }
      progress.show(totals.found);
    }
  } catch (error) {
    throw explainDatabaseFault(error);
  } finally {
    progress.end();
  }
  return totals;
}

/** Of the selected, what was applied and is for one of the handlers; what has failed is here what one of them failed at. */
function toAppliedFilter({ selection, handlers, names }: HandlersReplay): LedgerFilter {
  const isWanted = (type: string) => handlers.namesFor(type).some((name) => names.includes(name));
  return {
    ...toLedgerFilter(selection),
    outcome: 'applied',
    types: EVENT_TYPES.filter(isWanted),
    failedIn: selection.failed ? names : undefined,
  };
}

/** What changes on the way may change which events are meant: each page is asked for after the last event of the one before. */
async function* listPages(db: Database, filter: LedgerFilter): AsyncGenerator<string[]> {
  let after: Awaited<ReturnType<typeof listEvents>>[number] | undefined;
  do {
    const page = await listEvents(db, filter, { after, limit: PAGE_SIZE });
    if (page.length > 0) yield page.map(({ id }) => id);
    after = page.length < PAGE_SIZE ? undefined : page.at(-1);
  } while (after);
}

async function replayPage(
  { db, open }: Places,
  ids: readonly string[],
  { selection, isDryRun, handlers, names }: HandlersReplay,
): Promise<RunPlan[]> {
  const events = await readRunnableEvents(db, ids);
  const known = await readRuns(db, ids);
  const wanted = events.flatMap((event) => {
    const ofEvent = handlers.namesFor(event.type ?? '').filter((name) => names.includes(name));
    return listRuns(event, ofEvent, known.get(event.id) ?? []);
  });
  const runs = selection.failed ? wanted.filter(({ run }) => run?.outcome === 'failed') : wanted;
  // Only of what is on its way can the queue tell more than the row.
  const onTheirWay = runs.flatMap(({ run }) => (run?.relayedAt && !run.finishedAt ? [run] : []));
  const jobs = await findRunJobs(open, onTheirWay);
  const plans = runs.map((each) => {
    const index = each.run ? onTheirWay.indexOf(each.run) : -1;
    return planRun(each, jobs[index] ?? null);
  });
  return isDryRun ? plans : beginPlanned(db, plans);
}

async function beginPlanned(db: Database, plans: readonly RunPlan[]): Promise<RunPlan[]> {
  const rounds = plans.flatMap(({ eventId, handler, begins, round }) =>
    begins ? [{ eventId, handler, after: round }] : [],
  );
  const begun = await retryContended(() => beginRounds(db, rounds));
  const hasBegun = (plan: RunPlan) =>
    begun.some(({ eventId, handler }) => eventId === plan.eventId && handler === plan.handler);
  // Somebody else asked for it in between.
  return plans.map((plan) =>
    plan.begins && !hasBegun(plan) ? { ...plan, begins: false, action: 'pending' } : plan,
  );
}
