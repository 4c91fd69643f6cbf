/** What the figures were measured on. */
import {
  fsyncSync,
  mkdtempSync,
  openSync,
  closeSync,
  rmSync,
  statfsSync,
  writeSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { medianOf } from './statistics.js';

export interface Machine {
  cores: number;
  cpu: string;
  memoryGb: number;
  system: string;
  /** Where the servers keep their files. */
  disk: string;
  /** How long it takes to make a page of 8 kB durable; next to nothing where the disk only says so. */
  fsyncMs: number;
  /** Of the last minute before the run: what else the machine was doing, in cores. */
  loadBefore: number;
}

/** By what statfs says. */
const FILE_SYSTEMS: Readonly<Record<number, string>> = {
  0xef53: 'ext4',
  0x01021994: 'tmpfs (memory, no disk)',
  0x794c7630: 'overlayfs',
  0x58465342: 'xfs',
  0x9123683e: 'btrfs',
  0x1a: 'apfs',
};
const FSYNC_TRIES = 30;
const PAGE_BYTES = 8192;

export function describeMachine(): Machine {
  return {
    cores: os.availableParallelism(),
    cpu: os.cpus()[0]?.model.trim() ?? 'unknown',
    memoryGb: Math.round(os.totalmem() / 2 ** 30),
    system: `${os.type()} ${os.release()} ${os.arch()}`,
    disk: FILE_SYSTEMS[statfsSync(os.tmpdir()).type] ?? 'unknown file system',
    fsyncMs: measureFsync(),
    loadBefore: Math.round((os.loadavg()[0] ?? 0) * 100) / 100,
  };
}

function measureFsync(): number {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'clerk-sync-fsync-'));
  const file = openSync(path.join(directory, 'page'), 'w');
  const page = Buffer.alloc(PAGE_BYTES, 1);
  try {
    const times = Array.from({ length: FSYNC_TRIES }, () => {
      const started = performance.now();
      writeSync(file, page, 0, PAGE_BYTES, 0);
      fsyncSync(file);
      return performance.now() - started;
    });
    return Math.round(medianOf(times) * 100) / 100;
  } finally {
    closeSync(file);
    rmSync(directory, { recursive: true });
  }
}
