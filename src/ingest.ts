/** The ingest process: verifies what Clerk sends and puts it on the queue. Never touches the mirror. */
import { createVerifier } from './clerk/signature.js';
import { readConfig } from './config.js';
import { loadEnvironment } from './environment.js';
import { createApp } from './http/app.js';
import { observeRequests } from './http/observe-requests.js';
import { closeOnSignal, runMain } from './lifecycle.js';
import { createErrorDamper } from './logger.js';
import { createMetrics } from './metrics.js';
import { createOpsApp } from './ops/ops-app.js';
import { createQueueCheck, failWhenStopping, waitUntilReady } from './ops/readiness.js';
import { reportQueue } from './ops/report-queue.js';
import { chooseBackend } from './queue/backend.js';
import { toRetention } from './queue/job.js';
import { createEnqueue } from './queue/producer.js';
import { listen } from './server.js';
import { openTracing } from './tracing/open-tracing.js';

const STARTUP_PATIENCE_MS = 2_000;

await runMain(async () => {
  const environment = loadEnvironment(process.env, process.cwd());
  const config = readConfig(environment, ['signing-secret', 'queue']);
  const sources = { config, environment, processEnv: process.env };
  const { tracing, logger } = await openTracing({ name: 'ingest', ...sources });
  const stopping = new AbortController();
  const queue = chooseBackend({
    redisUrl: config.REDIS_URL,
    isCluster: config.REDIS_CLUSTER,
    databaseUrl: config.DIRECT_DATABASE_URL ?? config.DATABASE_URL,
    prefix: config.QUEUE_PREFIX,
    onError: createErrorDamper(logger, 'trouble with the queue'),
  }).openQueue();
  const metrics = createMetrics('ingest');
  reportQueue(queue, metrics);
  const checkQueue = createQueueCheck(queue, logger);
  const app = createApp({
    paths: config.WEBHOOK_PATHS,
    verify: createVerifier(config.signingSecrets),
    middleware: tracing.middleware,
    enqueue: tracing.traceEnqueue(createEnqueue(queue, toRetention(config), tracing.describeTrace)),
    bodyLimitBytes: config.BODY_LIMIT,
    redaction: { storePrivateMetadata: config.STORE_PRIVATE_METADATA },
    logger,
    observe: observeRequests(metrics),
  });
  const isReady = failWhenStopping(checkQueue, stopping.signal);
  const ops = await listen(createOpsApp(isReady, metrics), {
    host: config.OPS_HOST,
    port: config.INGEST_OPS_PORT,
    portVariable: 'INGEST_OPS_PORT',
  });
  // A producer refuses until it is connected: do not begin by refusing. With the queue away, refusing is right.
  const trouble = await waitUntilReady(checkQueue, STARTUP_PATIENCE_MS);
  if (trouble !== null) logger.error({ trouble }, 'not ready yet; answering 503 until it is');
  const server = await listen(app, {
    host: config.HOST,
    port: config.PORT,
    portVariable: 'PORT',
    stopping: stopping.signal,
  });
  closeOnSignal(
    [
      { name: 'tracing', ...tracing },
      { name: 'queue', ...queue },
      { name: 'ops', ...ops },
      { name: 'server', ...server },
    ],
    {
      stopping,
      delaySeconds: config.SHUTDOWN_DELAY,
      graceSeconds: config.SHUTDOWN_GRACE,
      logger,
    },
  );
  logger.info(
    { port: server.port, paths: config.WEBHOOK_PATHS, opsPort: ops.port },
    'ingest listens',
  );
});
