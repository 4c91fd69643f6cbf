/** What a run leaves behind: everything that the document is made of, so that it can be rendered again. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Comparison, type Sample } from './contract.js';
import { type Machine } from './machine.js';

export interface Results {
  machine: Machine;
  /** Of node, the servers and the packages that are compared. */
  versions: Readonly<Record<string, string>>;
  /** Of the servers, where they are not as delivered; in words, by server. */
  settings: Readonly<Record<string, string>>;
  /** In the order of the document. */
  scenarios: readonly ScenarioResult[];
}

export interface ScenarioResult {
  name: string;
  title: string;
  unit: string;
  description: string;
  comparisons: readonly Comparison[];
  axes?: { x: string; y: string };
  /** ISO 8601, when it began. */
  measuredAt: string;
  seconds: number;
  rounds: number;
  /** In the order in which they ran. */
  runs: readonly Run[];
}

/** A sample, or why there is none. */
export type Run = { contender: string; round: number } & ({ sample: Sample } | { void: string });

export const RESULTS_DIRECTORY = path.join(import.meta.dirname, 'results');
const LATEST = path.join(RESULTS_DIRECTORY, 'latest.json');
/** More are noise, and make the file large. */
const KEPT_DIGITS = 6;

/** Undefined when nothing was stored yet. */
export function readResults(): Results | undefined {
  return readStored(LATEST) as Results | undefined; // written by writeResults
}

export function writeResults(results: Results): void {
  writeStored(LATEST, results);
}

/** Undefined when there is no such file. */
export function readStored(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
  return JSON.parse(text);
}

export function writeStored(file: string, value: unknown): void {
  mkdirSync(path.dirname(file), { recursive: true });
  const shorten = (_key: string, item: unknown) =>
    typeof item === 'number' ? Number(item.toPrecision(KEPT_DIGITS)) : item;
  writeFileSync(file, `${JSON.stringify(value, shorten, 1)}\n`);
}
