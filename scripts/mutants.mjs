// `npm run mutants [PATTERN]`: plants each fault of tests/mutants in a copy of the tree and runs the tests that must see it. Exits 1 when one survives.
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { MUTANTS } from '../tests/mutants/mutants.mjs';

const root = path.resolve(import.meta.dirname, '..');
const LEFT_OUT = ['node_modules', '.git', '.data', 'dist', 'coverage'];

const mutants = MUTANTS.filter(({ name }) => new RegExp(process.argv[2] ?? '').test(name));
const copy = mkdtempSync(path.join(realpathSync(tmpdir()), 'clerk-sync-mutants-'));
try {
  cpSync(root, copy, {
    recursive: true,
    filter: (source) => !LEFT_OUT.includes(path.relative(root, source).split(path.sep)[0]),
  });
  symlinkSync(realpathSync(path.join(root, 'node_modules')), path.join(copy, 'node_modules'));
  for (const mutant of mutants) mutate(mutant); // a text that no longer fits is found before the long work begins
  for (const suite of new Set(mutants.flatMap(({ tests }) => tests))) {
    const failure = runSuite(suite);
    if (failure) throw new Error(`${suite} is red without any mutant: ${failure}`);
  }
  const survivors = mutants.filter((mutant) => !report(mutant, findKiller(mutant)));
  console.log(`${mutants.length - survivors.length} of ${mutants.length} mutants killed.`);
  process.exitCode = survivors.length > 0 ? 1 : 0;
} finally {
  rmSync(copy, { recursive: true, force: true });
}

function findKiller(mutant) {
  const file = path.join(copy, mutant.file);
  const original = readFileSync(file, 'utf8');
  writeFileSync(file, mutate(mutant));
  try {
    for (const suite of mutant.tests) {
      const failure = runSuite(suite);
      if (failure) return `${suite}: ${failure}`;
    }
    return undefined;
  } finally {
    writeFileSync(file, original);
  }
}

function mutate({ name, file, find, replace, also }) {
  let text = readFileSync(path.join(copy, file), 'utf8');
  for (const step of [{ find, replace }, ...(also ? [also] : [])]) {
    const parts = text.split(step.find);
    if (parts.length !== 2) {
      throw new Error(
        `Mutant "${name}": its text occurs ${parts.length - 1} times in ${file}, not once.`,
      );
    }
    text = parts.join(step.replace);
  }
  return text;
}

/** @returns the name of the first test that failed; undefined when all passed. */
function runSuite(suite) {
  const output = path.join(copy, 'result.json');
  rmSync(output, { force: true });
  const jest = ['--runInBand', '--forceExit', '--json', `--outputFile=${output}`, suite];
  const run = suite.startsWith('tests/unit/')
    ? ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js']
    : ['--import', './scripts/typescript.mjs', 'tests/support/run-tests.ts'];
  const { stderr } = spawnSync(process.execPath, [...run, ...jest], {
    cwd: copy,
    encoding: 'utf8',
  });
  const [result] = readResults(output, stderr);
  const failed = result.assertionResults.find(({ status }) => status === 'failed');
  if (!failed && result.status !== 'passed')
    throw new Error(`${suite} did not run:\n${result.message}`);
  return failed?.title;
}

function readResults(output, stderr) {
  try {
    return JSON.parse(readFileSync(output, 'utf8')).testResults;
  } catch {
    throw new Error(`The tests did not run:\n${stderr}`);
  }
}

function report({ name }, killer) {
  console.log(`${name.padEnd(42)} ${killer ? `killed by ${killer}` : 'SURVIVED'}`);
  return killer !== undefined;
}
