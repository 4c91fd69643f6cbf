/** Bull Board behind its guards: where a person looks at the queues, and retries what failed. */
import { createBullBoard } from '@bull-board/api';
import { type BaseAdapter } from '@bull-board/api/baseAdapter';
import { ExpressAdapter } from '@bull-board/express';
import { Router, type Express } from 'express';
import { type Credentials } from '../board-access.js';
import { messageOf } from '../errors.js';
import { type Logger } from '../logger.js';
import { maskText } from '../masking.js';
import {
  limitBody,
  requireCredentials,
  requireLoopbackHost,
  requireSameOrigin,
} from './board-guard.js';
import { cleanPage, setSecurityHeaders } from './board-page.js';
import { createRouteGuard } from './board-routes.js';

const BOARD_PATH = '/queues';

export interface BoardOptions {
  /** Masked already, as `showQueue` makes them. In the order in which they are shown. */
  queues: readonly BaseAdapter[];
  /** Null: for this machine alone. */
  credentials: Credentials | null;
  logger: Logger;
}

/** Serves `/queues` and all below it, and leads `/` there. */
export function createBoard({ queues, credentials, logger }: BoardOptions): Router {
  const router = Router();
  router.get('/', (_request, response) => {
    response.redirect(BOARD_PATH);
  });
  router.use(
    BOARD_PATH,
    setSecurityHeaders,
    credentials ? requireCredentials(credentials) : requireLoopbackHost,
    requireSameOrigin,
    limitBody,
    cleanPage,
    createBullBoardApp(queues, logger),
  );
  return router;
}

function createBullBoardApp(queues: readonly BaseAdapter[], logger: Logger): Express {
  const adapter = new ExpressAdapter().setBasePath(BOARD_PATH);
  createBullBoard({
    queues,
    serverAdapter: adapter,
    options: {
      handlerHooks: { before: createRouteGuard(logger) },
      // The logo over Redis's details is styled inline, which the page's policy forbids; metrics tell more.
      uiConfig: { boardTitle: 'clerk-sync', hideDocsLink: true, hideRedisDetails: true },
    },
  });
  adapter.setErrorHandler((error) => {
    const message = maskText(messageOf(error), new Set());
    logger.error({ reason: message }, 'the board could not answer');
    return { status: 500, body: { error: { key: 'ERRORS.INTERNAL_SERVER_ERROR' }, message } };
  });
  const app = adapter.getRouter() as Express; // declared as any
  return app.disable('x-powered-by');
}
