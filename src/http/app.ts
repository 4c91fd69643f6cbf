/** The public endpoint: webhook paths and /healthz, nothing else. */
import express, { type Express, type RequestHandler } from 'express';
import { answerError, answerNotFound } from './answers.js';
import { addWebhookRoute, type WebhookRouteOptions } from './webhook-route.js';

export interface AppOptions extends WebhookRouteOptions {
  /** Each path and all below it. */
  paths: readonly string[];
  /** Asked before all else. */
  middleware?: RequestHandler | undefined;
}

export function createApp({ paths, middleware, ...options }: AppOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  if (middleware) app.use(middleware);
  app.get('/healthz', (_request, response) => {
    response.json({ status: 'alive' });
  });
  addWebhookRoute(app, paths, options);
  app.use(answerNotFound);
  app.use(answerError(options.logger));
  return app;
}
