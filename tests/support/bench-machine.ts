import { type Machine } from '../../bench/machine.js';

/** For results that no machine gave. */
export const MACHINE: Machine = {
  cores: 2,
  cpu: 'a processor',
  memoryGb: 8,
  system: 'Linux',
  disk: 'ext4',
  fsyncMs: 1,
  loadBefore: 0,
};
