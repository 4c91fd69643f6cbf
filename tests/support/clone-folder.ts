/** A clone as it looks from the shell, without a developer's own .env: `npm run …` there runs the sources that the tests run. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { argumentsFor } from './build.js';

const ROOT = path.resolve(import.meta.dirname, '../..');

export interface CloneFolder {
  directory: string;
  /** Added to the environment of all that runs; a test may change it. */
  settings: Record<string, string>;
  /** @returns what was printed on stdout. @throws with all that was printed, when the exit code is another than 0. */
  run: (file: string, args: readonly string[], input?: string) => Promise<string>;
  /** As a person types it. */
  shell: (text: string) => Promise<string>;
  remove: () => void;
}

export function createCloneFolder(): CloneFolder {
  const directory = mkdtempSync(path.join(tmpdir(), 'clerk-sync-clone-'));
  writeFileSync(path.join(directory, 'package.json'), writeManifest());
  const settings: Record<string, string> = {};
  const run: CloneFolder['run'] = async (file, args, input) => {
    const { PATH, HOME } = process.env;
    const child = spawn(file, args, {
      cwd: directory,
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      env: { PATH, HOME, ...settings },
    });
    let [stdout, stderr] = ['', ''];
    child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.stdin?.end(input);
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    if (code === 0) return stdout;
    throw new Error(`${file} ${args.join(' ')} ended with ${code}\n${stdout}${stderr}`);
  };
  return {
    directory,
    settings,
    run,
    shell: (text) => run('bash', ['-euo', 'pipefail', '-c', text]),
    remove: () => rmSync(directory, { recursive: true }),
  };
}

/** The same names, started as `argumentsFor` says. */
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
