// `npm test`: brings what the tests need, then runs them. Arguments go to jest: `npm test -- tests/unit/config.test.ts`.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { installPackages } from './install.mjs';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
const args = process.argv.slice(2);

const PURE = [
  '--experimental-vm-modules',
  '--disable-warning=ExperimentalWarning',
  'node_modules/jest/bin/jest.js',
];
/** Starts Postgres and Redis around jest. */
const WITH_SERVERS = ['--import', './scripts/typescript.mjs', 'tests/support/run-tests.ts'];

// Two at a time, whatever the machine has: suites with servers wait for conditions, and a busy machine makes them wait longer.
const runs =
  args.length > 0
    ? [[...WITH_SERVERS, '--runInBand', ...args]]
    : [
        [...PURE, 'tests/unit/'],
        [
          ...WITH_SERVERS,
          '--maxWorkers=2',
          'tests/integration/',
          'tests/commands/',
          'tests/process/',
        ],
      ];

let child;
let stopped = false;
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    stopped = true;
    // A terminal's Ctrl-C has reached the child already; it stops its servers, and we wait for it.
    if (signal === 'SIGTERM') child?.kill(signal);
  });
}

installPackages();
for (const run of runs) {
  if (!stopped && (await exitCodeOf(run)) !== 0) process.exitCode = 1;
}

function exitCodeOf(nodeArguments) {
  child = spawn(process.execPath, nodeArguments, { cwd: root, stdio: 'inherit' });
  return new Promise((resolve) => {
    child.once('exit', (code) => resolve(code ?? 1));
  });
}
