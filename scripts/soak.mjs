// `npm run soak`: the long reliability runs. HISTORIES, OUTAGE_SECONDS, RACE_USERS, RESTARTS, HANDLER_CROWD, BACKFILL_USERS and
// RECONCILE_USERS make them shorter or longer.
import { spawnSync } from 'node:child_process';
import path from 'node:path';

const SUITES = [
  'tests/process/outage',
  'tests/process/race',
  'tests/process/restarts',
  'tests/process/handlers',
  'tests/integration/histories',
  'tests/commands/backfill',
  'tests/commands/reconcile',
];

const { status } = spawnSync(process.execPath, ['scripts/test.mjs', ...SUITES], {
  cwd: path.resolve(import.meta.dirname, '..'),
  stdio: 'inherit',
  env: {
    HISTORIES: '5000',
    OUTAGE_SECONDS: '180',
    RACE_USERS: '500',
    RESTARTS: '20',
    HANDLER_CROWD: '1000',
    BACKFILL_USERS: '100000',
    RECONCILE_USERS: '20000',
    ...process.env,
  },
});
process.exitCode = status ?? 1;
