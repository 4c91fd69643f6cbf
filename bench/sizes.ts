/** What bench/measure-sizes.ts leaves behind. */
import path from 'node:path';
import { type EventSize } from './event-templates.js';
import { readStored, RESULTS_DIRECTORY } from './results.js';

/** In bytes, an event's share of each. */
export interface SizeFigures {
  size: EventSize;
  body: number;
  /** Waiting in Redis. */
  queued: number;
  ledgerRow: number;
  ledgerIndexes: number;
  /** After `npm run prune` and a rewrite of the table. */
  prunedRow: number;
  prunedIndexes: number;
  /** The user that the event is about, indexes included. */
  user: number;
  version: number;
}

/** In microseconds an event. */
export interface LedgerCost {
  kind: 'whole' | 'partitioned';
  applyUs: number;
  pruneUs: number;
}

export interface Sizes {
  /** ISO 8601. */
  measuredAt: string;
  sizes: readonly SizeFigures[];
  ledgers: readonly LedgerCost[];
}

export const SIZES_FILE = path.join(RESULTS_DIRECTORY, 'sizes.json');

/** Undefined when nothing was stored yet. */
export function readSizes(): Sizes | undefined {
  return readStored(SIZES_FILE) as Sizes | undefined; // written by measure-sizes
}
