/** The part of a worker that runs handlers: relay, queue, lanes, and the connections that are theirs. */
import { isDoneWithin } from '../deadline.js';
import { type Database, type PrismaClient } from '../db/database.js';
import { type Environment } from '../environment.js';
import { type Logger } from '../logger.js';
import { type Backend, type OpenQueue } from '../queue/contract.js';
import { openHandlerConsumer } from '../queue/handler-consumer.js';
import { toHandlerRetention, type HANDLER_QUEUE_NAME } from '../queue/handler-job.js';
import { createAddRuns } from '../queue/handler-producer.js';
import { type Config } from '../config.js';
import { createBrake } from './brake.js';
import { createLanes } from './lanes.js';
import { createPerform, recordDeadRun } from './perform-run.js';
import { type Handlers } from './read-handlers.js';
import { startRelay } from './relay.js';
import { type RunReport } from './report-runs.js';

export interface OutboxOptions {
  config: Config;
  handlers: Handlers;
  backend: Backend;
  /** Where runs are put. Stays open. */
  queue: OpenQueue<typeof HANDLER_QUEUE_NAME>;
  /** Opens a pool of so many connections, lazily. */
  openDatabase: (size: number) => Database;
  env: Environment;
  /** How many events the mirror of this process has taken: what runs take of its time is braked while it is at work. */
  countEvents: () => number;
  report: RunReport;
  logger: Logger;
  onError: (error: Error) => void;
}

export interface OpenOutbox {
  /** A commit of this process wrote runs. */
  notify: () => void;
  close: () => Promise<void>;
}

/** The relay, and rows of runs that begin and end. */
const OWN_CONNECTIONS = 4;
/** Each handler has its own: one that holds on to them starves itself alone. */
const HANDLER_CONNECTIONS = 3;
/** Of the grace, for handlers that are under way; then they are interrupted. */
const FINISHING_SHARE = 1 / 2;
const FAREWELL_MS = 3_000;
/** Running and waiting (src/outbox/lanes.ts). */
const PLACES_PER_RUN = 2;
/** Jobs at once of handlers that are in the table no more. */
const PLACES_BESIDE = 5;

export function openOutbox(options: OutboxOptions): OpenOutbox {
  const { config, handlers, backend, queue, report, logger } = options;
  const db = options.openDatabase(OWN_CONNECTIONS);
  const clients = createClients(() => options.openDatabase(HANDLER_CONNECTIONS));
  const add = createAddRuns(queue, toHandlerRetention(config));
  const relay = startRelay({ db, add, onRelayed: report.relayed, onError: options.onError });
  const interrupting = new AbortController();
  const size = config.HANDLER_CONCURRENCY;
  const lanes = createLanes({ size });
  const brake = createBrake(options);
  const performing = { ...options, db, lanes, clientOf: clients.of, stopping: interrupting.signal };
  const perform = createPerform({ ...performing, timeoutSeconds: config.HANDLER_TIMEOUT });
  const underWay = new Set<Promise<unknown>>();
  const consumer = openHandlerConsumer({
    backend,
    concurrency: handlers.names.length * size * PLACES_PER_RUN + PLACES_BESIDE,
    stalledLimit: config.STALLED_LIMIT,
    perform: (turn) => {
      const result = brake.pass().then(() => perform(turn));
      underWay.add(result);
      return result.finally(() => underWay.delete(result));
    },
    onDeadLetter: (run, reason) => recordDeadRun(performing, run, reason),
    onStall: report.stalled,
    finish: async () => {
      lanes.close();
      brake.close();
      const patienceMs = config.SHUTDOWN_GRACE * 1000 * FINISHING_SHARE;
      await isDoneWithin(Promise.allSettled(underWay), patienceMs);
      interrupting.abort();
      // What is interrupted is over at once, unless the database keeps it.
      await isDoneWithin(Promise.allSettled(underWay), FAREWELL_MS);
    },
    logger,
  });
  return {
    notify: relay.notify,
    async close() {
      await Promise.all([consumer.close(), relay.close()]);
      await clients.close();
      await db.close();
    },
  };
}

function createClients(open: () => Database): {
  of: (handler: string) => PrismaClient;
  close: () => Promise<void>;
} {
  const databases = new Map<string, Database>();
  return {
    of(handler) {
      const database = databases.get(handler) ?? open();
      databases.set(handler, database);
      return database.prisma;
    },
    close: async () => {
      await Promise.all([...databases.values()].map((database) => database.close()));
    },
  };
}
