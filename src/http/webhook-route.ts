/** Verify bytes, then read, then queue. Everything slower than that is the worker's. */
import express, { type Express, type Request, type RequestHandler, type Response } from 'express';
import { readEnvelope, type Delivery } from '../clerk/event.js';
import { type Verify } from '../clerk/signature.js';
import { type Logger } from '../logger.js';
import { answerMethodNotAllowed } from './answers.js';
import { toQueueBody, type QueueBodyOptions } from './queue-body.js';

export interface WebhookRouteOptions {
  verify: Verify;
  /**
   * Resolves once the queue holds the delivery, with what it made of it. Throws `queue.unavailable`. `response` is for whoever
   * follows the request to its end.
   */
  enqueue: (delivery: Delivery, type: string, response: Response) => Promise<string>;
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

/** One flat route: with an answer in one write it is a twentieth cheaper than a router below each path. */
export function addWebhookRoute(
  app: Express,
  paths: readonly string[],
  options: WebhookRouteOptions,
): void {
  const below = paths.map((path) => `${path === '/' ? '' : path}{/*rest}`);
  app
    .route(below)
    .all(observeAnswers(options.observe))
    .post(readBody(options.bodyLimitBytes), receiveWebhook(options))
    .all(answerMethodNotAllowed);
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
    const { id, text, value } = verify(request.headersDistinct, body);
    observe.verified();
    const { envelope, type } = readEnvelope(value);
    const delivery = {
      id,
      body: toQueueBody(text, envelope, { type, ...redaction }),
      receivedAt: Date.now(),
    };
    const status = await enqueue(delivery, type, response);
    logger.info({ id, type, status }, 'received');
    response.locals['outcome'] = status;
    answer(response, JSON.stringify({ status, id }));
  };
}

/** In one write, and without what Express does for answers of any kind. */
function answer(response: Response, text: string): void {
  const length = Buffer.byteLength(text);
  const headers = { 'Content-Type': 'application/json; charset=utf-8', 'Content-Length': length };
  response.writeHead(200, headers).end(text);
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
