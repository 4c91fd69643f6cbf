/** The one place that writes answers other than 200: error -> status and body. The Dashboard shows the body to people. */
import { type ErrorRequestHandler, type RequestHandler } from 'express';
import { isSyncError } from '../errors.js';
import { type Logger } from '../logger.js';
import { isRecord } from '../record.js';

const RETRY_AFTER_SECONDS = 5;

/** body-parser's errors, by their `type`. Source: body-parser's README. */
const BODY_ERRORS: Readonly<Record<string, { status: number; message: string }>> = {
  'entity.too.large': { status: 413, message: 'The body is larger than BODY_LIMIT allows.' },
  'encoding.unsupported': {
    status: 400,
    message: 'The body is compressed; send it as it was signed.',
  },
  'request.size.invalid': {
    status: 400,
    message: 'The body is not as long as its Content-Length says.',
  },
  'request.aborted': { status: 400, message: 'The request ended before its body did.' },
};

export const answerNotFound: RequestHandler = (_request, response) => {
  response
    .status(404)
    .json({ error: 'Nothing is here. Webhooks go to the paths that WEBHOOK_PATHS names.' });
};

export const answerMethodNotAllowed: RequestHandler = (_request, response) => {
  response.status(405).set('Allow', 'POST').json({ error: 'Only POST is allowed here.' });
};

/** Express knows an error handler by its four parameters. */
export function answerError(logger: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    const { status, message } = toAnswer(error);
    const { 'svix-id': svixId, 'webhook-id': webhookId } = request.headersDistinct;
    const id = (svixId ?? webhookId)?.[0]?.slice(0, 256);
    logger[status >= 500 ? 'error' : 'warn'](
      { status, id, ...(status >= 500 ? { err: error } : { reason: message }) },
      'refused',
    );
    if (status === 503) response.set('Retry-After', String(RETRY_AFTER_SECONDS));
    // What is left of a refused body is not read: the connection cannot be used again.
    if (!request.complete) response.set('Connection', 'close');
    response.status(status).json({ error: message });
  };
}

function toAnswer(error: unknown): { status: number; message: string } {
  if (isSyncError(error)) {
    const message =
      error.status === 503
        ? 'The queue is not available. The event was not taken; send it again.'
        : error.message;
    return { status: error.status, message };
  }
  const type = isRecord(error) && typeof error['type'] === 'string' ? error['type'] : '';
  const status = isRecord(error) && typeof error['status'] === 'number' ? error['status'] : 500;
  if (BODY_ERRORS[type]) return BODY_ERRORS[type];
  if (status >= 400 && status < 500) return { status: 400, message: 'The request is malformed.' };
  return { status: 503, message: 'Something failed here. The event was not taken; send it again.' };
}
