/** The beginning of a trace: a verified request, and the job that it leaves on the queue. */
import {
  context,
  createContextKey,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  trace,
  type Context,
  type Span,
  type Tracer,
} from '@opentelemetry/api';
import { type ServerResponse } from 'node:http';
import { QUEUE_NAME } from '../queue/job.js';
import { type AttributeName, type SpanFacts } from './attributes.js';
import { codeOf, failSpan } from './fail-span.js';
import { type IngestTracing, type Middleware } from './tracing.js';

/** @param paths WEBHOOK_PATHS: a span says which of them was asked, not what a stranger wrote behind it. */
export function createIngestTracing(tracer: Tracer, paths: readonly string[]): IngestTracing {
  return {
    middleware: rememberRequest,
    traceEnqueue: (enqueue) => async (delivery, type) => {
      const event: SpanFacts = {
        'clerk_sync.event.id': delivery.id,
        'clerk_sync.event.type': type,
      };
      const request = findRequest();
      const parent = request
        ? trace.setSpan(context.active(), startRequest(tracer, paths, { request, event }))
        : context.active();
      const sending = startSending(tracer, parent, event);
      try {
        const within = trace.setSpan(parent, sending);
        const status = await context.with(within, () => enqueue(delivery, type));
        for (const span of [sending, request?.span]) span?.setAttribute(STATUS, status);
        return status;
      } catch (error) {
        failSpan(sending, codeOf(error));
        throw error;
      } finally {
        sending.end();
      }
    },
    describeContext: () => {
      const carrier: Record<string, string> = {};
      propagation.inject(context.active(), carrier);
      return JSON.stringify(carrier); // as bullmq-otel reads it
    },
  };
}

const STATUS = 'clerk_sync.status' satisfies AttributeName;

/** The span of the request that is being answered, also outside of what `traceEnqueue` calls: its refusal is logged there. */
export function findRequestSpan(): Span | undefined {
  return findRequest()?.span;
}

interface RequestUnderWay {
  url: string;
  startedAt: number;
  response: ServerResponse;
  span?: Span;
}

const REQUEST = createContextKey('clerk-sync request');

/**
 * No span yet: what is not verified leaves none, or strangers could fill the store of traces. For the same reason a `traceparent` of
 * the request is passed over: it is not signed.
 */
const rememberRequest: Middleware = ({ url = '' }, response, next) => {
  const request: RequestUnderWay = { url, startedAt: Date.now(), response };
  context.with(ROOT_CONTEXT.setValue(REQUEST, request), next);
};

function findRequest(): RequestUnderWay | undefined {
  return context.active().getValue(REQUEST) as RequestUnderWay | undefined; // set above, and nowhere else
}

function startRequest(
  tracer: Tracer,
  paths: readonly string[],
  { request, event }: { request: RequestUnderWay; event: SpanFacts },
): Span {
  const { startedAt, response, url } = request;
  const path = url.split('?')[0] ?? '';
  const route = paths.find((base) => path === base || path.startsWith(`${base}/`)) ?? '/';
  const asked: SpanFacts = { ...event, 'http.request.method': 'POST', 'http.route': route };
  const span = tracer.startSpan(
    `POST ${route}`,
    { kind: SpanKind.SERVER, startTime: startedAt, attributes: asked },
    ROOT_CONTEXT,
  );
  request.span = span;
  response.once('close', () => {
    const { statusCode } = response;
    const answered: SpanFacts = { 'http.response.status_code': statusCode };
    span.setAttributes(answered);
    if (!response.writableFinished) failSpan(span, 'aborted');
    else if (statusCode >= 500) failSpan(span, String(statusCode));
    span.end();
  });
  return span;
}

function startSending(tracer: Tracer, parent: Context, event: SpanFacts): Span {
  const attributes: SpanFacts = {
    ...event,
    'messaging.system': 'bullmq',
    'messaging.destination.name': QUEUE_NAME,
    'messaging.operation.type': 'send',
  };
  const options = { kind: SpanKind.PRODUCER, attributes };
  return tracer.startSpan(`send ${QUEUE_NAME}`, options, parent);
}
