/** Tells a process from a later one that was given the same pid. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';

export interface ProcessIdentity {
  pid: number;
  /** In the system's own words; empty where it does not tell. */
  startedAt: string;
  /** The program's name without its folder; empty where the system does not tell. */
  program: string;
  parentPid?: number;
}

/** Undefined when no such process runs. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  if (!isAlive(pid)) return undefined;
  const found = process.platform === 'linux' ? readProc(pid) : askPs(pid);
  return found === 'ended' ? undefined : { pid, startedAt: '', program: '', ...found };
}

/** Whether the very process that was identified still runs. */
export function isRunning({ pid, startedAt }: Pick<ProcessIdentity, 'pid' | 'startedAt'>): boolean {
  const current = identifyProcess(pid);
  return (
    current !== undefined &&
    (current.startedAt === startedAt || current.startedAt === '' || startedAt === '')
  );
}

/** Also true for one of another account, and for one that has ended and waits to be collected. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

type Found = Omit<ProcessIdentity, 'pid'> | 'ended' | undefined;

function readProc(pid: number): Found {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Field 2 is the name, in brackets, and may hold anything; 3 is the state, 4 the parent, 22 the start in ticks since the boot.
    const [open, close] = [stat.indexOf('('), stat.lastIndexOf(')')];
    const fields = stat.slice(close + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return 'ended';
    return {
      startedAt: `${boot} ${fields[19] ?? ''}`,
      program: stat.slice(open + 1, close),
      parentPid: Number(fields[1]),
    };
  } catch {
    return undefined; // hidden from this account
  }
}

function askPs(pid: number): Found {
  const { status, stdout } = spawnSync('ps', ['-o', 'ppid=,lstart=,comm=', '-p', `${pid}`], {
    encoding: 'utf8',
    env: { LC_ALL: 'C', PATH: '/bin:/usr/bin' },
  });
  const match = status === 0 ? /^ *(\d+) +(\w+ +\w+ +\d+ [\d:]+ \d+) +(.+)$/m.exec(stdout) : null;
  if (!match) return undefined;
  const [, parentPid, startedAt = '', program = ''] = match;
  return { startedAt, program: path.basename(program), parentPid: Number(parentPid) };
}
