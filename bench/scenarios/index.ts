/** What `npm run bench` runs, in this order. */
import { type Scenario } from '../contract.js';
import { backfill } from './backfill.js';
import { handlersLag } from './handlers-lag.js';
import { ingestDatabaseTrouble } from './ingest-database-trouble.js';
import { ingestForged } from './ingest-forged.js';
import { ingestLatency } from './ingest-latency.js';
import { ingestMemory } from './ingest-memory.js';
import { ingestRate } from './ingest-rate.js';
import { workerBacklog } from './worker-backlog.js';
import { workerLag } from './worker-lag.js';
import { workerMemory } from './worker-memory.js';
import { workerRate } from './worker-rate.js';
import { workerStored } from './worker-stored.js';
import { workerTwo } from './worker-two.js';

export const SCENARIOS: readonly Scenario[] = [
  ingestRate,
  ingestLatency,
  ingestDatabaseTrouble,
  ingestForged,
  ingestMemory,
  workerRate,
  workerTwo,
  workerLag,
  workerBacklog,
  workerStored,
  workerMemory,
  handlersLag,
  backfill,
];
