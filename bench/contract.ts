/** What a scenario is to the program that runs, judges and prints it. Types only. */
import { type BenchDatabase } from './servers.js';

/** What every scenario is given. Everything it starts it closes. */
export interface Bench {
  /** `short` only shows that everything runs: small numbers of events, one round. */
  form: 'full' | 'short';
  /** A private Redis with an append-only file and noeviction. */
  redisUrl: string;
  /** A new database with the tables of the mirror, in a private Postgres with its default safety (fsync, synchronous_commit). */
  createDatabase: (name: string) => Promise<BenchDatabase>;
  log: (line: string) => void;
}

/** One run of one contender. */
export interface Sample {
  /** In the scenario's unit. */
  value: number;
  /** Further figures of the run, by name with unit: `{ 'p50 ms': 1.2, 'worker RSS MB': 180 }`. Printed as medians. */
  details?: Readonly<Record<string, number>>;
  /** For a plot: [x, y] in the units that the scenario names. */
  series?: readonly (readonly [number, number])[];
}

/** Thrown by a contender when the tables afterwards are not what was accepted: the figure is void, and the whole run fails at its end. */
export class VoidFigure extends Error {}

/** What the ratio `contender / against` should reach. */
export type Goal =
  | { kind: 'at-least'; reach: number; stretch?: number }
  | { kind: 'at-most'; reach: number; stretch?: number }
  /** The interval of the ratio holds a value that is no worse than 1. For figures that are better when they are lower. */
  | { kind: 'no-worse' };

export interface Comparison {
  contender: string;
  against: string;
  goal: Goal;
}

export interface Scenario {
  /** kebab-case: for `--only`, and the plot's file name. */
  name: string;
  /** One line, as the document's heading has it. */
  title: string;
  unit: string;
  /** Two to four plain sentences: what is run, how it is measured, what the baseline does. */
  description: string;
  comparisons: readonly Comparison[];
  /** In place of what the program is told, in the full form: for a scenario that takes minutes. */
  rounds?: number;
  /** Axes of the samples' series. */
  axes?: { x: string; y: string };
  /** Prepares what all rounds share. */
  open: (bench: Bench) => Promise<OpenScenario>;
}

export interface OpenScenario {
  /** By name as the comparisons have them, each run once a round, in turn and in alternating order. */
  contenders: Readonly<Record<string, () => Promise<Sample>>>;
  close: () => Promise<void>;
}
