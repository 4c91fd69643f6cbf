// `npm run soak`: the long reliability runs. HISTORIES and OUTAGE_SECONDS make them shorter or longer.
import { spawnSync } from 'node:child_process';
import path from 'node:path';

const SUITES = ['tests/process/outage', 'tests/process/race', 'tests/integration/histories'];

const { status } = spawnSync(process.execPath, ['scripts/test.mjs', ...SUITES], {
  cwd: path.resolve(import.meta.dirname, '..'),
  stdio: 'inherit',
  env: { HISTORIES: '5000', OUTAGE_SECONDS: '180', ...process.env },
});
process.exitCode = status ?? 1;
