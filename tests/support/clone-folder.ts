/** A clone as it looks from the shell, without a developer's own .env: `npm run …` there runs the sources that the tests run. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { argumentsFor } from './build.js';
import { createShell, type Shell } from './shell.js';

const ROOT = path.resolve(import.meta.dirname, '../..');

export interface CloneFolder extends Shell {
  directory: string;
  remove: () => void;
}

export function createCloneFolder(): CloneFolder {
  const directory = mkdtempSync(path.join(tmpdir(), 'clerk-sync-clone-'));
  writeFileSync(path.join(directory, 'package.json'), writeManifest());
  return {
    ...createShell(directory),
    directory,
    remove: () => rmSync(directory, { recursive: true }),
  };
}

/** The same names, started as `argumentsFor` says: half the time of reading TypeScript. */
function writeManifest(): string {
  const text = readFileSync(path.join(ROOT, 'package.json'), 'utf8');
  const { scripts } = JSON.parse(text) as { scripts: Record<string, string> }; // npm's own format
  const cli = [process.execPath, ...argumentsFor('cli.ts')].join(' ');
  const built = Object.entries(scripts).map(([name, script]) => [
    name,
    script.replace(/^node .*src\/cli\.ts/, cli),
  ]);
  return JSON.stringify({ private: true, scripts: Object.fromEntries(built) as object });
}
