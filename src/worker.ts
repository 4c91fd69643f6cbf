/** The worker process: takes events off the queue and applies them to the mirror, in batches; and runs the handlers that they start. */
import { createScheduledReconcile, type ScheduledOptions } from './backfill/scheduled-reconcile.js';
import { reportDrift } from './backfill/report-drift.js';
import { TYPE_LABELS } from './clerk/event-types.js';
import { type WorkerTask } from './config-parsers.js';
import { readConfig, type Config } from './config.js';
import { openDatabase, type Database, type DatabaseOptions } from './db/database.js';
import { createDatabaseCheck } from './db/probe.js';
import { reportDatabase } from './db/report-database.js';
import { loadEnvironment } from './environment.js';
import { HANDLERS } from './handlers/index.js';
import { closeOnSignal, runMain, type Closable } from './lifecycle.js';
import { createErrorDamper, type Logger } from './logger.js';
import { createMetrics, type Metrics } from './metrics.js';
import { createOpsApp } from './ops/ops-app.js';
import { combineChecks, createQueueCheck, failWhenStopping } from './ops/readiness.js';
import { reportHandlerQueue } from './ops/report-handler-queue.js';
import { reportQueue } from './ops/report-queue.js';
import { openOutbox, type OpenOutbox, type OutboxOptions } from './outbox/open-outbox.js';
import { listLabels, readHandlers, type Handlers } from './outbox/read-handlers.js';
import { reportBacklog } from './outbox/report-backlog.js';
import { createRunReport } from './outbox/report-runs.js';
import { createApply, recordFailure, type ApplyOptions } from './projections/apply.js';
import { toBounds, toPolicy } from './projections/policy.js';
import { createReport } from './projections/report.js';
import { chooseBackend } from './queue/backend.js';
import { type Backend, type OpenQueue } from './queue/contract.js';
import { openConsumer } from './queue/consumer.js';
import { HANDLER_QUEUE_NAME } from './queue/handler-job.js';
import { observeJobs } from './queue/observe-jobs.js';
import { listen } from './server.js';
import { openTracing } from './tracing/open-tracing.js';
import { type WorkerTracing } from './tracing/tracing.js';

/** Two batches in flight, the probe, and the ledger rows of failures. */
const DATABASE_CONNECTIONS = 5;

await runMain(async () => {
  const env = loadEnvironment(process.env, process.cwd());
  const config = readConfig(env, ['database']);
  const handlers = readHandlers(HANDLERS);
  const sources = { config, environment: env, processEnv: process.env };
  const { tracing, logger } = await openTracing({ name: 'worker', ...sources });
  const stopping = new AbortController();
  const connection = describeConnection(config, logger);
  const db = openDatabase({ ...connection, size: DATABASE_CONNECTIONS });
  const backend = chooseBackend({
    redisUrl: config.REDIS_URL,
    isCluster: config.REDIS_CLUSTER,
    databaseUrl: config.DIRECT_DATABASE_URL ?? config.DATABASE_URL,
    prefix: config.QUEUE_PREFIX,
    onError: createErrorDamper(logger, 'trouble with the queue'),
  });
  const queue = backend.openQueue();
  const handlerQueue = backend.openQueue(HANDLER_QUEUE_NAME);
  const metrics = openMetrics({ db, queue, handlerQueue, handlers });
  const isReady = combineChecks([createQueueCheck(queue, logger), createDatabaseCheck(db)]);
  const ops = await listen(createOpsApp(failWhenStopping(isReady, stopping.signal), metrics), {
    host: config.OPS_HOST,
    port: config.WORKER_OPS_PORT,
    portVariable: 'WORKER_OPS_PORT',
  });
  const opened: Closable[] = [
    { name: 'tracing', ...tracing },
    { name: 'database', ...db },
    { name: 'queue', ...queue },
    { name: 'queue of handlers', ...handlerQueue },
    { name: 'ops', ...ops },
  ];
  const shared = { config, handlers, backend, metrics, logger };
  const does = (task: WorkerTask) => config.WORKER_TASKS.includes(task);
  let mirror: Mirror | undefined;
  const countEvents = () => mirror?.countTaken() ?? 0;
  const outbox = does('handlers')
    ? openHandlers({ ...shared, queue: handlerQueue, connection, env, countEvents })
    : undefined;
  if (outbox) opened.push({ name: 'handlers', ...outbox });
  if (does('mirror')) {
    const applying = {
      db: tracing.traceDatabase(db),
      policy: toPolicy(config),
      bounds: toBounds(config),
      logger,
      report: tracing.traceReport(createReport(logger, metrics)),
      signal: stopping.signal,
      outbox: { handlersFor: handlers.namesFor, notify: () => outbox?.notify() },
    };
    mirror = openMirror({ config, backend, applying, metrics, tracing });
    opened.push(...mirror.opened);
  }
  closeOnSignal(opened, { stopping, graceSeconds: config.SHUTDOWN_GRACE, logger });
  const { DATABASE_SCHEMA: schema, WORKER_TASKS: tasks } = config;
  logger.info(
    { queue: backend.kind, schema, opsPort: ops.port, tasks, handlers: handlers.names },
    'worker runs',
  );
});

interface Measured {
  db: Database;
  queue: OpenQueue;
  handlerQueue: OpenQueue<typeof HANDLER_QUEUE_NAME>;
  handlers: Handlers;
}

/** A worker that runs no handlers tells of them as well: it may be the only one there is. */
function openMetrics({ db, queue, handlerQueue, handlers }: Measured): Metrics {
  const metrics = createMetrics('worker', { type: TYPE_LABELS, handler: listLabels(handlers) });
  reportQueue(queue, metrics);
  reportHandlerQueue(handlerQueue, metrics);
  reportBacklog(db, handlers, metrics);
  reportDatabase(db, metrics);
  reportDrift(db, metrics);
  return metrics;
}

function describeConnection(config: Config, logger: Logger): Omit<DatabaseOptions, 'size'> {
  return {
    url: config.DATABASE_URL ?? '',
    schema: config.DATABASE_SCHEMA,
    ...toBounds(config),
    onError: createErrorDamper(logger, 'trouble with the database'),
  };
}

type HandlersOptions = Omit<OutboxOptions, 'openDatabase' | 'report' | 'onError'> & {
  connection: Omit<DatabaseOptions, 'size'>;
  metrics: Metrics;
};

function openHandlers({ connection, metrics, ...options }: HandlersOptions): OpenOutbox {
  return openOutbox({
    ...options,
    openDatabase: (size) => openDatabase({ ...connection, size }),
    report: createRunReport({ ...options, metrics }),
    onError: createErrorDamper(options.logger, 'trouble with the relay'),
  });
}

interface MirrorOptions {
  config: Config;
  backend: Backend;
  applying: ApplyOptions;
  metrics: Metrics;
  tracing: WorkerTracing;
}

interface Mirror {
  opened: Closable[];
  countTaken: () => number;
}

/** The consumer of events, and the reconcile that a worker may do by itself. */
function openMirror(options: MirrorOptions): Mirror {
  const { config, backend, applying, metrics, tracing } = options;
  const { db, logger, signal } = applying;
  const apply = createApply(applying);
  const consumer = openConsumer({
    backend,
    concurrency: config.WORKER_CONCURRENCY,
    batchSize: config.WORKER_BATCH_SIZE,
    stalledLimit: config.STALLED_LIMIT,
    apply: tracing.traceApply(apply),
    onDeadLetter: (delivery, reason) => recordFailure(applying, delivery, reason),
    observe: observeJobs(metrics),
    tracing: tracing.jobs,
    logger,
  });
  const reconcile = openReconcile({ config, backend, db, apply, logger, signal });
  return {
    opened: [{ name: 'consumer', ...consumer }, ...reconcile],
    countTaken: consumer.countTaken,
  };
}

/** None unless RECONCILE_EVERY is set. */
function openReconcile({
  backend,
  ...options
}: ScheduledOptions & { backend: Backend }): Closable[] {
  const { RECONCILE_EVERY: everySeconds } = options.config;
  if (everySeconds === undefined) return [];
  const work = createScheduledReconcile(options);
  const schedule = backend.openSchedule({
    name: 'clerk-reconcile',
    everyMs: everySeconds * 1000,
    work,
  });
  return [{ name: 'reconcile', ...schedule }];
}
