/** The worker process: takes events off the queue and applies them to the mirror, in batches. */
import { createScheduledReconcile, type ScheduledOptions } from './backfill/scheduled-reconcile.js';
import { reportDrift } from './backfill/report-drift.js';
import { TYPE_LABELS } from './clerk/event-types.js';
import { readConfig, type Config } from './config.js';
import { openDatabase, type DatabaseOptions } from './db/database.js';
import { createDatabaseCheck } from './db/probe.js';
import { reportDatabase } from './db/report-database.js';
import { loadEnvironment } from './environment.js';
import { closeOnSignal, runMain, type Closable } from './lifecycle.js';
import { createErrorDamper, type Logger } from './logger.js';
import { createMetrics } from './metrics.js';
import { createOpsApp } from './ops/ops-app.js';
import { combineChecks, createQueueCheck, failWhenStopping } from './ops/readiness.js';
import { reportQueue } from './ops/report-queue.js';
import { createApply, recordFailure } from './projections/apply.js';
import { toBounds, toPolicy } from './projections/policy.js';
import { createReport } from './projections/report.js';
import { chooseBackend } from './queue/backend.js';
import { type Backend } from './queue/contract.js';
import { openConsumer } from './queue/consumer.js';
import { observeJobs } from './queue/observe-jobs.js';
import { listen } from './server.js';
import { openTracing } from './tracing/open-tracing.js';

/** Two batches in flight, the probe, and the ledger rows of failures. */
const DATABASE_CONNECTIONS = 5;

await runMain(async () => {
  const environment = loadEnvironment(process.env, process.cwd());
  const config = readConfig(environment, ['database']);
  const sources = { config, environment, processEnv: process.env };
  const { tracing, logger } = await openTracing({ name: 'worker', ...sources });
  const stopping = new AbortController();
  const db = openDatabase({ ...describeConnection(config, logger), size: DATABASE_CONNECTIONS });
  const backend = chooseBackend({
    redisUrl: config.REDIS_URL,
    databaseUrl: config.DIRECT_DATABASE_URL ?? config.DATABASE_URL,
    prefix: config.QUEUE_PREFIX,
    onError: createErrorDamper(logger, 'trouble with the queue'),
  });
  const queue = backend.openQueue();
  const metrics = createMetrics('worker', TYPE_LABELS);
  reportQueue(queue, metrics);
  reportDatabase(db, metrics);
  reportDrift(db, metrics);
  const applying = {
    db: tracing.traceDatabase(db),
    policy: toPolicy(config),
    bounds: toBounds(config),
    logger,
    report: tracing.traceReport(createReport(logger, metrics)),
    signal: stopping.signal,
  };
  const isReady = combineChecks([createQueueCheck(queue, logger), createDatabaseCheck(db)]);
  const ops = await listen(createOpsApp(failWhenStopping(isReady, stopping.signal), metrics), {
    host: config.OPS_HOST,
    port: config.WORKER_OPS_PORT,
    portVariable: 'WORKER_OPS_PORT',
  });
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
  closeOnSignal(
    [
      { name: 'tracing', ...tracing },
      { name: 'database', ...db },
      { name: 'queue', ...queue },
      { name: 'ops', ...ops },
      { name: 'consumer', ...consumer },
      ...openReconcile({ config, backend, db, apply, logger, signal: stopping.signal }),
    ],
    { stopping, graceSeconds: config.SHUTDOWN_GRACE, logger },
  );
  logger.info(
    { queue: backend.kind, schema: config.DATABASE_SCHEMA, opsPort: ops.port },
    'worker runs',
  );
});

function describeConnection(config: Config, logger: Logger): Omit<DatabaseOptions, 'size'> {
  return {
    url: config.DATABASE_URL ?? '',
    schema: config.DATABASE_SCHEMA,
    ...toBounds(config),
    onError: createErrorDamper(logger, 'trouble with the database'),
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
