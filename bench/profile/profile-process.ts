/** `npm run bench -- --profile ingest`: where a process of ours spends its time under load. */
import path from 'node:path';
import { type Scenario } from '../contract.js';
import { type ProfiledProcess } from '../flags.js';
import { findBuild } from '../processes.js';
import { readStored, RESULTS_DIRECTORY, writeStored } from '../results.js';
import { digestProfile, type ProfileDigest } from './digest-profile.js';
import { recordProfile } from './record-profile.js';

export interface StoredProfile extends ProfileDigest {
  process: ProfiledProcess;
  /** The title of the scenario that was the load. */
  load: string;
  measuredAt: string;
}

export const PROFILED: readonly ProfiledProcess[] = ['ingest', 'worker'];

/** The scenario that keeps each busy. Its contender is ours in both. */
const LOADS: Record<ProfiledProcess, string> = { ingest: 'ingest-rate', worker: 'worker-rate' };
const CONTENDER = 'clerk-sync';

/** Runs the process under load, and stores what is found. */
export async function profileProcess(
  process: ProfiledProcess,
  scenarios: readonly Scenario[],
  log: (line: string) => void,
): Promise<StoredProfile> {
  const scenario = scenarios.find(({ name }) => name === LOADS[process]);
  if (!scenario) throw new Error(`There is no scenario ${LOADS[process]}.`);
  log(`Profiling ${process} by ${scenario.name} …`);
  const measuredAt = new Date().toISOString();
  const recorded = await recordProfile({ process, scenario, contender: CONTENDER, log });
  const digest = digestProfile(recorded, await findBuild());
  const stored = { process, load: scenario.title, measuredAt, ...digest };
  writeStored(locateProfile(process), stored);
  return stored;
}

/** Undefined when none was stored yet. */
export function readProfile(process: ProfiledProcess): StoredProfile | undefined {
  return readStored(locateProfile(process)) as StoredProfile | undefined; // written by profileProcess
}

/** For the terminal. */
export function printProfile({ seconds, idleShare, groups, functions }: StoredProfile): string {
  const show = (share: number) => `${(share * 100).toFixed(1)} %`.padStart(8);
  return [
    `${seconds.toFixed(1)} s under load, of which idle ${show(idleShare).trim()}. Of the rest:`,
    ...groups.map(({ name, share }) => `${show(share)}  ${name}`),
    '',
    ...functions.map(({ name, file, group, share }) => `${show(share)}  ${name}  ${file || group}`),
  ].join('\n');
}

function locateProfile(process: ProfiledProcess): string {
  return path.join(RESULTS_DIRECTORY, `profile-${process}.json`);
}
