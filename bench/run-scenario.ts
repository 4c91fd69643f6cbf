/** Runs the contenders of one scenario in turn, round after round, and keeps what each run gave. */
import {
  VoidFigure,
  type Bench,
  type OpenScenario,
  type Sample,
  type Scenario,
} from './contract.js';
import { type Run, type ScenarioResult } from './results.js';

export interface RunOptions {
  bench: Bench;
  /** For a scenario that does not set its own. */
  rounds: number;
  /** Before each run. */
  settle: () => Promise<void>;
  /** After each run. */
  onRun: (run: Run) => void;
  /** Aborted when the whole program is told to stop. */
  stopping: AbortSignal;
  /** Stops a run that does not end, so that the next ones have the machine for themselves. */
  killAll: () => void;
}

/** Far beyond what any run needs: one that hangs must not hold up the night's others. */
const PATIENCE_MS = { full: 1_200_000, short: 120_000 } as const;

/** A run that fails is void like one whose tables are wrong, and the others go on. @throws only when told to stop. */
export async function runScenario(
  scenario: Scenario,
  options: RunOptions,
): Promise<ScenarioResult> {
  const { bench, stopping } = options;
  const { open, rounds: ownRounds, ...described } = scenario;
  const rounds = bench.form === 'short' ? 1 : (ownRounds ?? options.rounds);
  const startedAt = new Date();
  const runs: Run[] = [];
  const keep = (run: Run) => {
    runs.push(run);
    options.onRun(run);
  };
  try {
    const opened = await open(bench);
    try {
      await runRounds(opened, { ...options, rounds, onRun: keep });
    } finally {
      await opened.close();
    }
  } catch (error) {
    stopping.throwIfAborted();
    keep({ contender: 'the scenario itself', round: 0, void: describe(error) });
  }
  const seconds = (Date.now() - startedAt.getTime()) / 1000;
  return { ...described, measuredAt: startedAt.toISOString(), seconds, rounds, runs };
}

/** In alternating order: who comes second finds warmer caches, and a machine that slows down hits everybody. */
export function orderContenders(names: readonly string[], round: number): readonly string[] {
  return round % 2 === 1 ? names : names.toReversed();
}

async function runRounds({ contenders }: OpenScenario, options: RunOptions): Promise<void> {
  for (let round = 1; round <= options.rounds; round += 1) {
    for (const contender of orderContenders(Object.keys(contenders), round)) {
      await options.settle();
      const run = contenders[contender];
      if (run) options.onRun({ contender, round, ...(await attempt(run, options)) });
    }
  }
}

async function attempt(
  run: () => Promise<Sample>,
  { bench, stopping, killAll }: RunOptions,
): Promise<{ sample: Sample } | { void: string }> {
  const patience = new AbortController();
  const timer = setTimeout(() => {
    patience.abort(new VoidFigure('it did not end, and was stopped'));
    killAll();
  }, PATIENCE_MS[bench.form]);
  try {
    const sample = await Promise.race([
      run(),
      rejectWhenAborted(AbortSignal.any([stopping, patience.signal])),
    ]);
    if (!(sample.value > 0 && Number.isFinite(sample.value))) {
      throw new VoidFigure(`${sample.value} is no figure`);
    }
    return { sample };
  } catch (error) {
    stopping.throwIfAborted();
    return { void: describe(error) };
  } finally {
    clearTimeout(timer);
  }
}

function rejectWhenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const fail = () => reject(signal.reason as Error); // each of ours is aborted with one
    if (signal.aborted) fail();
    signal.addEventListener('abort', fail, { once: true });
  });
}

/** What is wrong with the tables needs no stack; a defect does. */
function describe(error: unknown): string {
  if (error instanceof VoidFigure) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
