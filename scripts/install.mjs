// Installs the packages when node_modules is missing or not what the lockfile says. Built-ins only: it runs when there is nothing else.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');

/** Takes about ten milliseconds when everything is there. Throws when npm fails, after npm has said why. */
export function installPackages() {
  if (isInstalled()) return;
  console.log('Installing packages (npm ci) …');
  // Run by npm, we know which npm; otherwise the one on the PATH, which on Windows is a script.
  const npm = process.env.npm_execpath;
  const [command, first] = npm ? [process.execPath, [npm]] : ['npm', []];
  const result = spawnSync(command, [...first, 'ci', '--include=dev', '--no-audit', '--no-fund'], {
    cwd: root,
    stdio: 'inherit',
    shell: !npm && process.platform === 'win32',
  });
  if (result.status !== 0)
    throw new Error('npm ci failed: see above. Correct it and run this again.');
}

/** npm keeps in node_modules a lockfile of what it really installed there. Optional packages are there or not, as the platform has it. */
function isInstalled() {
  const wanted = readPackages(path.join(root, 'package-lock.json')) ?? {};
  const found = readPackages(path.join(root, 'node_modules/.package-lock.json'));
  return (
    found !== undefined &&
    Object.entries(wanted).every(
      ([name, { version, optional }]) =>
        name === '' || (found[name] ? found[name].version === version : optional === true),
    )
  );
}

function readPackages(lockfile) {
  try {
    return JSON.parse(readFileSync(lockfile, 'utf8')).packages;
  } catch {
    return undefined; // missing, or written only half: both mean that npm has to run
  }
}
