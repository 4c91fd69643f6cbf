/** `npm run replay`: puts events back on the queue, from which the worker applies them like any other. */
import { readConfig, type Config } from '../config.js';
import { isSyncError, messageOf, SyncError } from '../errors.js';
import { readArguments, type Command, type CommandContext } from './command.js';
import { explainDatabaseFault, withDatabase, withQueue } from './connections.js';
import { createProgress } from './progress.js';
import { readHandlerNames } from './read-handler-names.js';
import { findCandidates, type Candidates, type Sources } from './replay/candidates.js';
import { replayHandlers } from './replay/replay-handlers.js';
import { createRehearsal, createReplay } from './replay/perform.js';
import { planReplay } from './replay/plan.js';
import {
  describeReplayed,
  describeTotals,
  MAX_LINES,
  NO_ACTIONS,
  toEventJson,
  toTotalsJson,
  type Totals,
} from './replay/report.js';
import { readSelection, SELECTION_OPTIONS, type Selection } from './replay/selection.js';

const USAGE = `Usage: npm run replay -- SELECTION [options]
Puts events back on the queue, from the queue itself or from the ledger. Selected is what meets all of these; at least one:
  --failed           what failed
  --id ID            one event, by its svix-id (msg_...)
  --type T           events of this type, such as user.updated
  --entity ID        events of this entity, such as user_...
  --since T          received at T or later: 2026-11-21T03:00:00Z, or how long ago: 30m, 2h, 7d
  --until T          received before T; only together with another
Options:
  --dry-run          change nothing; show what would be decided, and which columns would change
  --force            apply again what is applied, as after a restore; newer versions and deletions still win
  --handlers A[,B]   run these handlers again for what was applied, and decide nothing anew; with --failed: where they failed
  --json             one JSON object a line: the events, or runs of handlers, then a summary`;

interface Options {
  selection: Selection;
  isDryRun: boolean;
  isForced: boolean;
  asJson: boolean;
  /** Names, as written. Undefined: it is the events that are replayed. */
  handlers: string | undefined;
}

export const replayCommand: Command = {
  usage: USAGE,
  async run(args, context) {
    const options = readOptions(args);
    const config = readConfig(context.environment, ['database']);
    if (options.handlers !== undefined) {
      const handlers = await context.loadHandlers();
      const names = readHandlerNames(options.handlers, handlers);
      return replayHandlers({ ...options, config, context, handlers, names });
    }
    return withDatabase(config, (db) =>
      withQueue(config, async (open) => {
        const totals = await replay({ db, open }, options, { config, context });
        const lines = options.asJson ? [toTotalsJson(totals)] : describeTotals(totals);
        for (const line of lines) context.print(line);
        return totals.found === 0 || totals.actions.unavailable > 0 ? 1 : 0;
      }),
    );
  },
};

function readOptions(args: string[]): Options {
  const { values, positionals } = readArguments(
    args,
    {
      ...SELECTION_OPTIONS,
      'dry-run': { type: 'boolean', default: false },
      force: { type: 'boolean', default: false },
      handlers: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
    USAGE,
  );
  try {
    if (positionals.length > 0) {
      throw new SyncError('usage.invalid', `"${positionals.join(' ')}" belongs to no option.`);
    }
    if (values.force && values.handlers !== undefined) {
      throw new SyncError(
        'usage.invalid',
        '--handlers applies nothing, and --force has no part in it.',
      );
    }
    return {
      selection: readSelection(values),
      isDryRun: values['dry-run'],
      isForced: values.force,
      asJson: values.json,
      handlers: values.handlers,
    };
  } catch (error) {
    throw new SyncError('usage.invalid', `${messageOf(error)}\n${USAGE}`);
  }
}

interface Surroundings {
  config: Config;
  context: CommandContext;
}

async function replay(
  sources: Sources,
  options: Options,
  { config, context }: Surroundings,
): Promise<Totals> {
  const candidates = await look(sources, options, context);
  const perform = (options.isDryRun ? createRehearsal : createReplay)(sources, config);
  const totals: Totals = { ...options, found: 0, actions: { ...NO_ACTIONS } };
  const isEachShown = options.asJson || options.isDryRun || candidates.total <= MAX_LINES;
  const progress = createProgress({
    label: 'replaying',
    total: candidates.total,
    write: isEachShown ? () => undefined : context.writeProgress,
    isTerminal: context.isTerminal,
  });
  try {
    for await (const page of candidates.pages()) {
      const plans = page.map((candidate) => planReplay(candidate, options.isForced));
      for (const replayed of await perform(plans)) {
        totals.found++;
        totals.actions[replayed.action]++;
        if (!isEachShown) continue;
        const lines = options.asJson
          ? [toEventJson(replayed)]
          : describeReplayed(replayed, options.isDryRun);
        for (const line of lines) context.print(line);
      }
      progress.show(totals.found);
    }
  } catch (error) {
    throw explainInterruption(explainDatabaseFault(error), totals, candidates);
  } finally {
    progress.end();
  }
  return totals;
}

/** A dry run shows each event as it goes, so that only the search needs a progress. */
async function look(
  sources: Sources,
  { selection }: Options,
  { writeProgress: write, isTerminal }: CommandContext,
): Promise<Candidates> {
  let progress: ReturnType<typeof createProgress> | undefined;
  const onLook = (looked: number, total: number) => {
    progress ??= createProgress({ label: 'reading the queue', total, write, isTerminal });
    progress.show(looked);
  };
  try {
    return await findCandidates(sources, selection, onLook);
  } finally {
    progress?.end();
  }
}

/** Whatever was put back stays so: to begin anew is safe. */
function explainInterruption(error: unknown, { found }: Totals, { total }: Candidates): unknown {
  if (!isSyncError(error) || found === 0) return error;
  const cure = `${found} of ${total} events were done before; run the same command again.`;
  return new SyncError(error.code, `${error.message} ${cure}`, { cause: error });
}
