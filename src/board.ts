/** The board process: shows the queues to people, whether or not a worker runs. */
import { readBoardAccess } from './board-access.js';
import { readConfig } from './config.js';
import { loadEnvironment } from './environment.js';
import { closeOnSignal, runMain } from './lifecycle.js';
import { createErrorDamper, createLogger } from './logger.js';
import { createMetrics } from './metrics.js';
import { createBoard } from './ops/board.js';
import { showQueue } from './ops/board-queue.js';
import { createOpsApp } from './ops/ops-app.js';
import { createQueueCheck, failWhenStopping } from './ops/readiness.js';
import { reportHandlerQueue } from './ops/report-handler-queue.js';
import { reportQueue } from './ops/report-queue.js';
import { chooseBackend } from './queue/backend.js';
import { HANDLER_QUEUE_NAME } from './queue/handler-job.js';
import { listen } from './server.js';

await runMain(async () => {
  const config = readConfig(loadEnvironment(process.env, process.cwd()), ['queue']);
  const credentials = readBoardAccess(config);
  const logger = createLogger('board', { level: config.LOG_LEVEL, format: config.LOG_FORMAT });
  const stopping = new AbortController();
  const backend = chooseBackend({
    redisUrl: config.REDIS_URL,
    isCluster: config.REDIS_CLUSTER,
    databaseUrl: config.DIRECT_DATABASE_URL ?? config.DATABASE_URL,
    prefix: config.QUEUE_PREFIX,
    onError: createErrorDamper(logger, 'trouble with the queue'),
  });
  const queue = backend.openQueue();
  const handlerQueue = backend.openQueue(HANDLER_QUEUE_NAME);
  const metrics = createMetrics('board');
  reportQueue(queue, metrics);
  reportHandlerQueue(handlerQueue, metrics);
  const isReady = failWhenStopping(createQueueCheck(queue, logger), stopping.signal);
  const app = createOpsApp(isReady, metrics);
  app.use(
    createBoard({ queues: [showQueue(queue), showQueue(handlerQueue)], credentials, logger }),
  );
  const server = await listen(app, {
    host: config.BOARD_HOST,
    port: config.BOARD_PORT,
    portVariable: 'BOARD_PORT',
  });
  closeOnSignal(
    [
      { name: 'queue', ...queue },
      { name: 'queue of handlers', ...handlerQueue },
      { name: 'server', ...server },
    ],
    {
      stopping,
      delaySeconds: config.SHUTDOWN_DELAY,
      graceSeconds: config.SHUTDOWN_GRACE,
      logger,
    },
  );
  logger.info({ host: config.BOARD_HOST, port: server.port }, 'board listens');
});
