/** The program behind `npm run bench`: reads what it is told, does it, and tells by its exit code how it went. */
import { CannotRun } from './cannot-run.js';
import { type Scenario } from './contract.js';
import { readFlags, USAGE, type Flags } from './flags.js';
import { mergeResults } from './merge-results.js';
import { printProfile, profileProcess } from './profile/profile-process.js';
import { writeReport } from './report/write-report.js';
import { readResults, writeResults, type Results } from './results.js';
import { listVoids, runScenarios } from './run-bench.js';

const INTERRUPTED = 130;

/**
 * @param args of the command line.
 * @param scenarios in the order of the document.
 * @returns the exit code.
 */
export async function runProgram(
  args: readonly string[],
  scenarios: readonly Scenario[],
): Promise<number> {
  const stopping = stopOnSignals();
  try {
    const flags = readFlags(args, namesOf(scenarios));
    return await WORK[flags.does]({ flags, scenarios, stopping });
  } catch (error) {
    if (stopping.aborted) return INTERRUPTED;
    if (!(error instanceof CannotRun)) throw error;
    complain(error.message);
    return 2;
  }
}

interface Task {
  flags: Flags;
  scenarios: readonly Scenario[];
  stopping: AbortSignal;
}

const WORK: Record<Flags['does'], (task: Task) => Promise<number>> = {
  run: measure,
  help: async ({ scenarios }) => {
    print(`${USAGE}\nScenarios: ${namesOf(scenarios).join(', ')}.`);
    return 0;
  },
  render: async () => {
    const results = readResults();
    if (!results) throw new CannotRun('Nothing is stored yet. Run npm run bench first.');
    publish(results);
    return 0;
  },
  profile: async ({ flags, scenarios }) => {
    if (flags.profiled) print(printProfile(await profileProcess(flags.profiled, scenarios, print)));
    const results = readResults();
    if (results) publish(results);
    return 0;
  },
};

async function measure({ flags, scenarios, stopping }: Task): Promise<number> {
  const chosen = scenarios.filter(({ name }) => flags.only?.includes(name) ?? true);
  const stored = flags.only ? readResults() : undefined;
  const keep = (results: Results) => {
    if (flags.isWriting) writeResults(mergeResults(stored, results, namesOf(scenarios)));
  };
  const measured = await runScenarios(chosen, { flags, log: print, stopping, onResults: keep });
  if (flags.isWriting) publish(mergeResults(stored, measured, namesOf(scenarios)));
  const voids = listVoids(measured);
  for (const line of voids) complain(`VOID ${line}`);
  if (voids.length > 0) {
    complain(`${voids.length} runs are void, and so are their figures.`);
    return 1;
  }
  print(`Scenarios: ${chosen.length}. The tables were right after every run.`);
  return 0;
}

function publish(results: Results): void {
  print(`Written: ${writeReport(results).join(', ')}`);
}

/** The first asks for an end in order, the second ends at once. */
function stopOnSignals(): AbortSignal {
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (stopping.signal.aborted) process.exit(INTERRUPTED);
      complain('Stopping. Once more to stop at once.');
      stopping.abort();
    });
  }
  return stopping.signal;
}

function namesOf(scenarios: readonly Scenario[]): string[] {
  return scenarios.map(({ name }) => name);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function complain(line: string): void {
  process.stderr.write(`${line}\n`);
}
