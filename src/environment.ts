/** Where settings come from, before config.ts gives them a meaning: the environment, then .env.local, then .env, then a running `npm start`. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'dotenv';
import { messageOf, SyncError } from './errors.js';

export type Environment = Record<string, string | undefined>;

/** What `npm start` writes to DATA_DIR/system.json (mode 0600) for the commands of a second terminal. */
export interface SystemFile {
  endpoint: string;
  signingSecret: string;
  databaseUrl: string;
  redisUrl: string | null;
  boardUrl: string | null;
  opsUrls: Record<string, string>;
}

/** The first of these that is set is read: people come from tutorials that use any of them. */
export const SIGNING_SECRET_NAMES = [
  'CLERK_WEBHOOK_SIGNING_SECRET',
  'CLERK_WEBHOOK_SECRET',
  'WEBHOOK_SECRET',
  'SIGNING_SECRET',
] as const;

/** For these NAME_FILE may name a file that holds the value, as orchestrators mount secrets. */
const SECRETS = [
  ...SIGNING_SECRET_NAMES,
  'CLERK_SECRET_KEY',
  'DATABASE_URL',
  'DIRECT_DATABASE_URL',
  'REDIS_URL',
  'BOARD_PASSWORD',
  'OTEL_EXPORTER_OTLP_HEADERS',
];

/**
 * Merges the sources: the first that names a variable wins, an empty one counts as unset, NAME_FILE is read from a file.
 * @throws SyncError `config.invalid` that names every secret file that cannot be read.
 */
export function readEnvironment(processEnv: Environment, directory: string): Environment {
  const sources = [
    processEnv,
    parseFile(path.join(directory, '.env.local')),
    parseFile(path.join(directory, '.env')),
  ];
  const merged: Environment = {};
  const problems: string[] = [];
  for (const source of sources) {
    for (const [name, value] of Object.entries(source)) merged[name] ??= value?.trim() || undefined;
    for (const name of SECRETS) {
      const file = source[`${name}_FILE`]?.trim();
      if (!file || merged[name] !== undefined) continue;
      const secret = readSecret(path.resolve(directory, file));
      if (secret === undefined) problems.push(unreadable(name));
      else merged[name] = secret || undefined;
    }
  }
  if (problems.length > 0) throw new SyncError('config.invalid', problems.join('\n'));
  return merged;
}

/** What every process and command but `npm start` itself reads: the sources above, then a running `npm start`. */
export function loadEnvironment(processEnv: Environment, directory: string): Environment {
  const environment = readEnvironment(processEnv, directory);
  return withRunningSystem(
    environment,
    path.resolve(directory, environment['DATA_DIR'] ?? '.data'),
  );
}

/** Adds what a running `npm start` wrote for whatever `environment` leaves unset. */
export function withRunningSystem(environment: Environment, dataDir: string): Environment {
  const system = readSystemFile(dataDir);
  if (!system) return environment;
  const ownDatabase = environment['DATABASE_URL'] !== undefined;
  const ownSecret = SIGNING_SECRET_NAMES.some((name) => environment[name] !== undefined);
  const { port, protocol, pathname } = new URL(system.endpoint);
  return {
    ...environment,
    PORT: environment['PORT'] ?? (port || (protocol === 'https:' ? '443' : '80')),
    WEBHOOK_PATHS: environment['WEBHOOK_PATHS'] ?? pathname,
    DATABASE_URL: environment['DATABASE_URL'] ?? system.databaseUrl,
    // A queue belongs to its database: another DATABASE_URL does not borrow the running system's Redis.
    REDIS_URL:
      environment['REDIS_URL'] ?? (ownDatabase ? undefined : (system.redisUrl ?? undefined)),
    ...(ownSecret ? {} : { CLERK_WEBHOOK_SIGNING_SECRET: system.signingSecret }),
  };
}

/** The running system's file, or undefined when `npm start` never ran in `dataDir`. */
export function readSystemFile(dataDir: string): SystemFile | undefined {
  const file = path.join(dataDir, 'system.json');
  const text = readOptional(file);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as SystemFile; // written by ourselves, whole and renamed into place
  } catch {
    throw new SyncError(
      'config.invalid',
      `${file} is damaged. Stop \`npm start\`, delete the file, and start it again.`,
    );
  }
}

function readSecret(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return undefined; // missing, a folder, not ours to read: the cure is the same
  }
}

/** Without the file's name: who mistakes NAME_FILE for NAME has put the secret itself there. */
function unreadable(name: string): string {
  return `${name}_FILE names a file that cannot be read. Correct the path, or set ${name} itself.`;
}

function parseFile(file: string): Environment {
  const text = readOptional(file);
  return text === undefined ? {} : parse(text);
}

function readOptional(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw new SyncError(
      'config.invalid',
      `${file} cannot be read (${messageOf(error)}). Run as the user it belongs to, or move it.`,
    );
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
