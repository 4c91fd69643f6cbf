/** What `npm run bench` is told. Pure. */
import { parseArgs } from 'node:util';
import { CannotRun } from './cannot-run.js';

export interface Flags {
  does: 'run' | 'render' | 'profile' | 'help';
  form: 'full' | 'short';
  /** Names of scenarios; undefined: all. */
  only: readonly string[] | undefined;
  rounds: number;
  isWriting: boolean;
  /** What is profiled; undefined otherwise. */
  profiled: ProfiledProcess | undefined;
}

export type ProfiledProcess = 'ingest' | 'worker';

export const DEFAULT_ROUNDS = 5;

export const USAGE = `Usage: npm run bench [-- options]
Measures clerk-sync beside what people would otherwise write, and writes docs/performance.md and the figures of README.md and
docs/scaling.md. Takes about 40 minutes; leave the machine alone meanwhile.
  --only A,B         these scenarios; the others keep what is stored of them
  --rounds N         rounds of each scenario (${DEFAULT_ROUNDS}), but for those that set their own
  --short            about a minute: shows that everything runs; its figures say nothing, and it writes nothing
  --no-write         print only
  --render           measure nothing; write these documents from what is stored
  --profile P        ingest or worker: run it under load with node's profiler, and store where its time goes
  -h, --help         this text
With BENCH_LOGS=FOLDER ingest and worker write what they log there, which makes them slower.
Exit code: 0 measured, 1 a figure is void or a run failed, 2 wrong usage, or no Redis on this machine. A goal that is missed is no failure.`;

/**
 * @param args without the program's own.
 * @throws CannotRun with what is wrong and what would be right.
 */
export function readFlags(args: readonly string[], scenarios: readonly string[]): Flags {
  const values = parse(args);
  const only = values.only
    ?.split(',')
    .map((name) => name.trim())
    .filter(Boolean);
  const unknown = only?.filter((name) => !scenarios.includes(name)) ?? [];
  if (unknown.length > 0 || only?.length === 0) {
    throw new CannotRun(
      `--only knows no scenario ${unknown.join(', ') || 'without a name'}. There are: ${scenarios.join(', ')}.`,
    );
  }
  const does = chooseWork(values);
  if (does !== 'run' && (only ?? values.rounds ?? values.short) !== undefined) {
    throw new CannotRun(`--only, --rounds and --short are for a run, not for --${does}.`);
  }
  return {
    does,
    form: values.short ? 'short' : 'full',
    only,
    rounds: readRounds(values.rounds),
    isWriting: !values['no-write'] && !values.short,
    profiled: values.profile === undefined ? undefined : readProfiled(values.profile),
  };
}

type Values = ReturnType<typeof parse>;

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        only: { type: 'string' },
        rounds: { type: 'string' },
        short: { type: 'boolean' },
        'no-write': { type: 'boolean' },
        render: { type: 'boolean' },
        profile: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    // Its messages name the flag, and go on about escaping what begins with a dash.
    const [message = ''] = String(error instanceof Error ? error.message : error).split('. ');
    throw new CannotRun(`${message}. Try npm run bench -- --help.`);
  }
}

function chooseWork({ help, render, profile }: Values): Flags['does'] {
  if (help) return 'help';
  if (render && profile !== undefined) {
    throw new CannotRun('--render and --profile are two things: do one after the other.');
  }
  if (render) return 'render';
  return profile === undefined ? 'run' : 'profile';
}

function readRounds(text = String(DEFAULT_ROUNDS)): number {
  const rounds = Number(text);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 100) {
    throw new CannotRun(`--rounds takes a whole number from 1 to 100, not ${text}.`);
  }
  return rounds;
}

function readProfiled(name: string): ProfiledProcess {
  if (name === 'ingest' || name === 'worker') return name;
  throw new CannotRun(`--profile takes ingest or worker, not ${name || 'nothing'}.`);
}
