/** What Node is told when it starts a process of ours; the scripts in package.json say the same, by test. */

/**
 * Each event leaves some twenty kB of short-lived text behind. With V8's own young generation of 16 MB, clearing it away took a
 * fifth of the worker's time; 64 MB are cleared less often, at the price of some 100 MB of memory.
 */
export const NODE_FLAGS: Readonly<Record<string, readonly string[]>> = {
  ingest: ['--max-semi-space-size=64'],
  worker: ['--max-semi-space-size=64'],
  backfill: ['--max-semi-space-size=64'],
};
