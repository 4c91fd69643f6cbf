/** Whom the doctor sees: what is configured, and which of its parts answer. Opens what is closed by `dismiss`. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { openDatabase, type Database } from '../../db/database.js';
import { inspectServer, type DatabaseServer } from '../../db/inspect.js';
import { isDoneWithin } from '../../deadline.js';
import { readSystemFile, type Environment, type SystemFile } from '../../environment.js';
import { chooseBackend } from '../../queue/backend.js';
import { type OpenQueue, type QueueStore } from '../../queue/contract.js';
import { HANDLER_QUEUE_NAME } from '../../queue/handler-job.js';
import { explain } from './explain.js';
import { readWhatCanBeRead, type Reading } from './reading.js';

export interface Patient extends Reading {
  environment: Environment;
  /** What a running `npm start` wrote. */
  system: SystemFile | undefined;
  /** The files that settings were read from. */
  sources: readonly string[];
  database: Reached<{ db: Database; server: DatabaseServer }>;
  queue: Reached<{
    open: OpenQueue;
    handlers: OpenQueue<typeof HANDLER_QUEUE_NAME>;
    store: QueueStore;
  }>;
  /** For migrations and LISTEN; undefined when there is none. */
  directUrl: string | undefined;
  dismiss: () => Promise<void>;
}

/** `away`: asked for, and no answer. `unset`: the configuration does not say where it is, which is said there. */
export type Reached<T> =
  | ({ state: 'reached' } & T)
  | { state: 'away'; trouble: string }
  | { state: 'unset'; reason: string };

/** Whether its store has what a queue needs. */
export function isUsable(
  queue: Patient['queue'],
): queue is Extract<Patient['queue'], { state: 'reached' }> {
  if (queue.state !== 'reached') return false;
  return queue.store.kind === 'redis' || queue.store.schema !== 'missing';
}

const PATIENCE_MS = 4_500;
const FAREWELL_MS = 500;

export async function admit(environment: Environment): Promise<Patient> {
  const reading = readWhatCanBeRead(environment);
  const { config } = reading;
  const closers: (() => Promise<void>)[] = [];
  const [database, queue] = await Promise.all([
    reachDatabase(reading, closers),
    reachQueue(reading, closers),
  ]);
  const system = readSystemFile(path.resolve(config.DATA_DIR));
  return {
    ...reading,
    environment,
    system,
    sources: [
      ...['.env.local', '.env'].filter((file) => existsSync(file)),
      ...(system ? ['the running `npm start`'] : []),
    ],
    database,
    queue,
    directUrl: readDirectUrl(reading),
    dismiss: async () => {
      const closing = Promise.allSettled(closers.map((close) => close()));
      await isDoneWithin(closing, FAREWELL_MS); // what is away does not say goodbye
    },
  };
}

type Closers = (() => Promise<void>)[];

async function reachDatabase(reading: Reading, closers: Closers): Promise<Patient['database']> {
  const url = reading.config.DATABASE_URL;
  if (!url) return { state: 'unset', reason: whyUnset(reading, 'DATABASE_URL') };
  return reach(async () => {
    const db = openDatabase({
      url,
      schema: reading.config.DATABASE_SCHEMA,
      size: 2,
      lockTimeoutSeconds: reading.config.DATABASE_LOCK_TIMEOUT,
      idleTimeoutSeconds: reading.config.DATABASE_IDLE_TIMEOUT,
      onError: () => undefined, // the statement that is under way reports the lost connection itself
    });
    closers.push(db.close);
    return { db, server: await inspectServer(db) };
  });
}

async function reachQueue(reading: Reading, closers: Closers): Promise<Patient['queue']> {
  const { config, wrong } = reading;
  const databaseUrl = readDirectUrl(reading);
  // A Redis that is named wrongly does not make the queue live in Postgres.
  if (wrong.includes('REDIS_URL') || !(config.REDIS_URL ?? databaseUrl)) {
    const name = ['REDIS_URL', 'DIRECT_DATABASE_URL'].find((one) => wrong.includes(one));
    return { state: 'unset', reason: whyUnset(reading, name ?? 'DATABASE_URL') };
  }
  return reach(async () => {
    const backend = chooseBackend({
      redisUrl: config.REDIS_URL,
      isCluster: config.REDIS_CLUSTER,
      databaseUrl,
      prefix: config.QUEUE_PREFIX,
      onError: () => undefined, // whatever is asked rejects with the cause
    });
    const open = backend.openQueue();
    const handlers = backend.openQueue(HANDLER_QUEUE_NAME);
    closers.push(open.close, handlers.close);
    return { open, handlers, store: await open.describe() };
  });
}

async function reach<T extends object>(open: () => Promise<T>): Promise<Reached<T>> {
  try {
    const opening = open();
    if (await isDoneWithin(opening, PATIENCE_MS)) return { state: 'reached', ...(await opening) };
    return { state: 'away', trouble: `no answer within ${PATIENCE_MS / 1000} s` };
  } catch (error) {
    return { state: 'away', trouble: explain(error) };
  }
}

function whyUnset({ wrong }: Reading, name: string): string {
  return `${name} ${wrong.includes(name) ? 'cannot be used' : 'is not set'}`;
}

function readDirectUrl({ config, wrong }: Reading): string | undefined {
  if (wrong.includes('DIRECT_DATABASE_URL')) return undefined;
  return config.DIRECT_DATABASE_URL ?? config.DATABASE_URL;
}
