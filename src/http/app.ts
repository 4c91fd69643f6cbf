/** The public endpoint: webhook paths and /healthz, nothing else. */
import express, { type Express } from 'express';
import { answerError, answerNotFound } from './answers.js';
import { addWebhookRoute, type WebhookRouteOptions } from './webhook-route.js';

export interface AppOptions extends WebhookRouteOptions {
  /** Each path and all below it. */
  paths: readonly string[];
}

export function createApp({ paths, ...options }: AppOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.get('/healthz', (_request, response) => {
    response.json({ status: 'alive' });
  });
  addWebhookRoute(app, paths, options);
  app.use(answerNotFound);
  app.use(answerError(options.logger));
  return app;
}
