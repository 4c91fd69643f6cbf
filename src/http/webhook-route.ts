/** Verify bytes, then read, then queue. Everything slower than that is the worker's. */
import express, { Router, type Request, type RequestHandler, type Response } from 'express';
import { readEnvelope, type Delivery } from '../clerk/event.js';
import { type Verify } from '../clerk/signature.js';
import { type Logger } from '../logger.js';
import { answerMethodNotAllowed } from './answers.js';
import { toQueueBody, type QueueBodyOptions } from './queue-body.js';

export interface WebhookRouteOptions {
  verify: Verify;
  /** Resolves once the queue holds the delivery, with what it made of it. Throws `queue.unavailable`. */
  enqueue: (delivery: Delivery, type: string) => Promise<string>;
  bodyLimitBytes: number;
  redaction: QueueBodyOptions;
  logger: Logger;
  observe: RequestObserver;
}

export interface RequestObserver {
  /** A signature was found to be valid. */
  verified: () => void;
  /** `outcome`: what the queue made of the event, or why it was not taken. */
  answered: (outcome: string, seconds: number) => void;
}

export function createWebhookRoute(options: WebhookRouteOptions): Router {
  const router = Router();
  router.use(observeAnswers(options.observe));
  router.post('/{*rest}', readBody(options.bodyLimitBytes), receiveWebhook(options));
  router.all('/{*rest}', answerMethodNotAllowed);
  return router;
}

function receiveWebhook({
  verify,
  enqueue,
  redaction,
  logger,
  observe,
}: WebhookRouteOptions): RequestHandler {
  return async (request: Request, response: Response) => {
    const body = readBytes(request);
    const id = verify(request.headersDistinct, body);
    observe.verified();
    const text = body.toString('utf8');
    const { envelope, type } = readEnvelope(text);
    const delivery = {
      id,
      body: toQueueBody(text, envelope, { type, ...redaction }),
      receivedAt: Date.now(),
    };
    const status = await enqueue(delivery, type);
    logger.info({ id, type, status }, 'received');
    response.locals['outcome'] = status;
    response.json({ status, id });
  };
}

function observeAnswers({ answered }: RequestObserver): RequestHandler {
  return (request, response, next) => {
    const startedAt = performance.now();
    response.once('close', () => {
      const seconds = (performance.now() - startedAt) / 1000;
      // Node counts an answer to nobody as written, when it was the body that broke off.
      const isHeard = response.writableFinished && !request.errored;
      answered(isHeard ? outcomeOf(response) : 'aborted', seconds);
    });
    next();
  };
}

function outcomeOf({ locals, statusCode }: Response): string {
  const outcome: unknown = locals['outcome'];
  if (typeof outcome === 'string') return outcome;
  return REFUSALS[statusCode] ?? 'rejected';
}

const REFUSALS: Readonly<Record<number, string>> = { 413: 'too_large', 503: 'unavailable' };

/** Raw bytes of any content type: a parser that ran first is the classic cause of signatures that never match. */
function readBody(limit: number): RequestHandler {
  // Svix sends no compressed bodies, and inflating one for a stranger is work without proof of identity.
  return express.raw({ type: () => true, limit, inflate: false });
}

/** A request without a body leaves body-parser's result unset. */
function readBytes(request: Request): Buffer {
  const body: unknown = request.body;
  return Buffer.isBuffer(body) ? body : Buffer.alloc(0);
}
