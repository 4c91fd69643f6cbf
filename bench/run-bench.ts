/** A whole run: servers up, scenario after scenario, results out. */
import { type Bench, type Scenario } from './contract.js';
import { type Flags } from './flags.js';
import { describeMachine, type Machine } from './machine.js';
import { printRun, printScenario } from './print.js';
import { killAll } from './processes.js';
import { type Results, type ScenarioResult } from './results.js';
import { runScenario } from './run-scenario.js';
import { SETTINGS, startServers, type BenchServers } from './servers.js';
import { readVersions } from './versions.js';

export interface RunTools {
  flags: Flags;
  log: (line: string) => void;
  stopping: AbortSignal;
  /** After each scenario, with all of the run so far: what breaks the tenth does not cost the other nine. */
  onResults: (results: Results) => void;
}

/** Busier than this before it begins, a machine gives figures that are worse than it could. */
const QUIET_LOAD_SHARE = 0.25;

/** @throws CannotRun without a Redis; the abort reason when told to stop. */
export async function runScenarios(
  scenarios: readonly Scenario[],
  tools: RunTools,
): Promise<Results> {
  const { flags, log, stopping } = tools;
  const machine = describeMachine();
  warnOfLoad(machine, log);
  const servers = await startServers();
  try {
    const versions = { ...readVersions(), ...(await servers.readVersions()) };
    const setting = { machine, versions, settings: SETTINGS };
    const done: ScenarioResult[] = [];
    for (const [index, scenario] of scenarios.entries()) {
      stopping.throwIfAborted();
      log(`\n[${index + 1}/${scenarios.length}] ${scenario.name}: ${scenario.title}`);
      const result = await runScenario(scenario, {
        bench: createBench(servers, tools),
        rounds: flags.rounds,
        settle: servers.settle,
        onRun: (run) => log(printRun(run, scenario.unit)),
        stopping,
        killAll,
      });
      log(printScenario(result, flags.form));
      done.push(result);
      tools.onResults({ ...setting, scenarios: [...done] });
      await servers.emptyRedis();
    }
    return { ...setting, scenarios: done };
  } finally {
    killAll();
    await servers.close();
  }
}

/** What went wrong, a line for each: “worker-rate, upsert, round 2: …”. */
export function listVoids({ scenarios }: Results): string[] {
  return scenarios.flatMap(({ name, runs }) =>
    runs.flatMap((run) =>
      'void' in run ? [`${name}, ${run.contender}, round ${run.round}: ${run.void}`] : [],
    ),
  );
}

function createBench({ redisUrl, createDatabase }: BenchServers, { flags, log }: RunTools): Bench {
  return { form: flags.form, redisUrl, createDatabase, log: (line) => log(`    ${line}`) };
}

function warnOfLoad({ loadBefore, cores }: Machine, log: RunTools['log']): void {
  if (loadBefore < cores * QUIET_LOAD_SHARE) return;
  log(`The machine is busy already (load ${loadBefore} on ${cores} cores): the figures suffer.`);
}
