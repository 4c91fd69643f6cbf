/** Every check, in the order in which a fault of one explains those of the next. */
import { checkClocks } from './check-clocks.js';
import { checkClerkKey, checkConfiguration, checkSigningSecret } from './check-configuration.js';
import { checkDatabase, checkDirectConnection, checkTables } from './check-database.js';
import { checkHandlers } from './check-handlers.js';
import { checkFailures, checkInstance, checkLastEvent, checkRetention } from './check-ledger.js';
import { checkNode } from './check-node.js';
import { checkEndpoint, checkProcess } from './check-processes.js';
import { checkJobs, checkWorkers } from './check-queue.js';
import { checkStore } from './check-store.js';
import { type Check } from './examine.js';
import { type Patient } from './patient.js';

export const CHECKS: readonly Check<Patient>[] = [
  { name: 'Node', run: checkNode },
  { name: 'Configuration', run: checkConfiguration },
  { name: 'Signing secret', run: checkSigningSecret },
  { name: 'Clerk secret key', run: checkClerkKey },
  { name: 'Postgres', run: checkDatabase },
  { name: 'Direct connection', run: checkDirectConnection },
  { name: 'Tables', run: checkTables },
  { name: 'Queue', run: checkStore },
  { name: 'Clocks', run: checkClocks },
  { name: 'Workers', run: checkWorkers },
  { name: 'Jobs', run: checkJobs },
  { name: 'Process ingest', run: checkProcess('ingest') },
  { name: 'Process worker', run: checkProcess('worker') },
  { name: 'Process board', run: checkProcess('board') },
  { name: 'Endpoint', run: checkEndpoint },
  { name: 'Last event', run: checkLastEvent },
  { name: 'Failed events', run: checkFailures },
  { name: 'Handlers', run: checkHandlers },
  { name: 'Clerk instance', run: checkInstance },
  { name: 'Retention', run: checkRetention },
];
