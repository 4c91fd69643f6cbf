/** The queue in Postgres, through BullMQ's own backend: for development and low volume, where there is no Redis. */
import {
  createPostgresBackend as postgresFactory,
  Queue,
  Worker,
  type BackendFactory,
  type RedisQueueBackend,
  type ConnectionOptions,
} from 'bullmq';
import { Pool, type PoolConfig } from 'pg';
import { nameTransactionPooler } from '../pooler.js';
import { SCHEDULE_WORKER, startSchedule, type Schedule, type ScheduleOptions } from './schedule.js';
import {
  type Backend,
  type OpenQueue,
  type Presence,
  type QueueJobs,
  type QueueName,
  type QueueTrouble,
} from './contract.js';
import { inspectPostgres } from './inspect-postgres.js';
import { QUEUE_NAME } from './job.js';
import { measureQueue } from './measure.js';
import { retryReadiness, translateOutages } from './recovery.js';
import { scanPostgres } from './scan-jobs.js';

export const QUEUE_SCHEMA = 'bullmq';

/** Fails fast, so that ingest can answer within its bound. */
const PRODUCER_LIMITS: PoolConfig = {
  max: 8,
  connectionTimeoutMillis: 2_000,
  query_timeout: 3_000,
};
const WORKER_LIMITS: PoolConfig = { max: 8, connectionTimeoutMillis: 5_000 };

export interface PostgresBackendOptions {
  /** A direct connection: BullMQ listens on it, which a transaction pooler does not allow. */
  url: string;
  onError: (error: Error) => void;
}

export function createPostgresBackend({ url, onError }: PostgresBackendOptions): Backend {
  // One type of queue and worker for both backends: BullMQ's own types tell them apart by options that we never hand on.
  const factory: BackendFactory<RedisQueueBackend> = (...args) => {
    const backend = (postgresFactory as unknown as BackendFactory<RedisQueueBackend>)(...args);
    retryReadiness(backend);
    translateOutages(backend, onError);
    return backend;
  };
  const connect = (limits: PoolConfig) => {
    const pool = openQueuePool(url, limits);
    pool.on('error', onError);
    // A client that is checked out and between two statements has nobody who listens: its loss would end the process.
    pool.on('connect', (client) => client.on('error', onError));
    return { pool, connection: pool as unknown as ConnectionOptions }; // as above
  };
  return {
    kind: 'postgres',
    openQueue<N extends QueueName>(name: QueueName = QUEUE_NAME) {
      const { pool, connection } = connect(PRODUCER_LIMITS);
      const queue = new Queue<QueueJobs[QueueName]>(name, { connection }, factory);
      queue.on('error', onError);
      const open: OpenQueue<QueueName> = {
        queue,
        async addKnowing(jobs) {
          const states = await Promise.all(jobs.map(({ opts }) => queue.getJobState(opts.jobId)));
          await queue.addBulk([...jobs]);
          return states.map((state) => PRESENCES[state] ?? 'present');
        },
        async forgetStalls(id) {
          await pool.query('UPDATE job SET stalled_count = 0 WHERE queue = $1 AND id = $2', [
            name,
            id,
          ]);
        },
        findTrouble: () =>
          findTrouble(pool).catch((error: unknown) => {
            throw nameTransactionPooler(error);
          }),
        measure: async () => ({ ...(await measureQueue(queue)), isPersistent: null }),
        describe: () => inspectPostgres(pool),
        scanJobs: () => scanPostgres(pool, name),
        async close() {
          await queue.close();
          await pool.end();
        },
      };
      return open as unknown as OpenQueue<N>; // the name tells what its jobs hold
    },
    openSchedule: (schedule) =>
      openSchedule(connect(WORKER_LIMITS), factory, { ...schedule, onError }),
    openWorker(processor, { queueName = QUEUE_NAME, ...options }) {
      const { pool, connection } = connect(WORKER_LIMITS);
      const worker = new Worker(queueName, processor, { ...options, connection }, factory);
      worker.on('error', onError);
      return { worker, close: () => pool.end() };
    },
  };
}

function openSchedule(
  { pool, connection }: { pool: Pool; connection: ConnectionOptions },
  factory: BackendFactory<RedisQueueBackend>,
  { name, everyMs, work, onError }: ScheduleOptions & Pick<PostgresBackendOptions, 'onError'>,
): Schedule {
  return startSchedule({
    queue: new Queue(name, { connection }, factory),
    worker: new Worker(name, work, { ...SCHEDULE_WORKER, connection }, factory),
    everyMs,
    onError,
    disconnect: () => pool.end(),
  });
}

/** By the state before; whatever else it was, the job is there and may yet succeed, or has. */
const PRESENCES: Readonly<Record<string, Presence>> = { failed: 'failed', unknown: 'absent' };

/** BullMQ's SQL names its tables unqualified. */
export function openQueuePool(url: string, limits: PoolConfig): Pool {
  return new Pool({
    ...limits,
    connectionString: url,
    keepAlive: true,
    options: `-c search_path=${QUEUE_SCHEMA}`,
    application_name: 'clerk-sync queue',
  });
}

/** Rejects when the server is away, or BullMQ's tables are. */
async function findTrouble(pool: Pool): Promise<QueueTrouble> {
  const found = await pool.query<{ job: string | null }>(`SELECT to_regclass('job')::text AS job`);
  if (!found.rows[0]?.job) throw new Error('its tables are missing. Run `npm run migrate`.');
  return { blocking: null, warning: null };
}
