// `npm run soak`: the long reliability runs. HISTORIES, OUTAGE_SECONDS, BACKFILL_USERS and RECONCILE_USERS make them shorter or longer.
import { spawnSync } from 'node:child_process';
import path from 'node:path';

const SUITES = [
  'tests/process/outage',
  'tests/process/race',
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
    BACKFILL_USERS: '100000',
    RECONCILE_USERS: '20000',
    ...process.env,
  },
});
process.exitCode = status ?? 1;
