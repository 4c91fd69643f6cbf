/** The beginning of a trace: a verified request, and the job that it leaves on the queue. */
import {
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
import { isRecord } from '../record.js';
import { type AttributeName, type SpanFacts } from './attributes.js';
import { codeOf, failSpan } from './fail-span.js';
import { describeSpan } from './describe-span.js';
import { type IngestTracing, type Tracing } from './tracing.js';

/**
 * Contexts are handed on by hand here: AsyncLocalStorage would cost each promise more than all the spans do.
 * @param paths WEBHOOK_PATHS: a span says which of them was asked, not what a stranger wrote behind it.
 */
export function createIngestTracing(
  tracer: Tracer,
  paths: readonly string[],
): IngestTracing & Pick<Tracing, 'describeLine'> {
  const arrivals = new WeakMap<ServerResponse, number>();
  const sent = new WeakMap<object, string>();
  /** By svix-id, until they are answered. */
  const underWay = new Map<string, Span>();
  return {
    // No span yet: what is not verified leaves none, or strangers could fill the store of traces. For the same reason a `traceparent`
    // of the request is passed over: it is not signed.
    middleware: (_request, response, next) => {
      arrivals.set(response, Date.now());
      next();
    },
    traceEnqueue: (enqueue) => async (delivery, type, response) => {
      const { id } = delivery;
      const event: SpanFacts = { 'clerk_sync.event.id': id, 'clerk_sync.event.type': type };
      const startTime = arrivals.get(response) ?? Date.now();
      const request = startRequest(tracer, { event, startTime, route: findRoute(paths, response) });
      underWay.set(id, request);
      response.once('close', () => {
        endRequest(request, response);
        if (underWay.get(id) === request) underWay.delete(id);
      });
      const sending = startSending(tracer, trace.setSpan(ROOT_CONTEXT, request), event);
      try {
        sent.set(delivery, describeContext(trace.setSpan(ROOT_CONTEXT, sending)));
        const status = await enqueue(delivery, type);
        for (const span of [sending, request]) span.setAttribute(STATUS, status);
        return status;
      } catch (error) {
        failSpan(sending, codeOf(error));
        throw error;
      } finally {
        sending.end();
      }
    },
    describeTrace: (delivery) => sent.get(delivery),
    describeLine: (line) => {
      const id = isRecord(line) ? line['id'] : undefined;
      return describeSpan(typeof id === 'string' ? underWay.get(id) : undefined);
    },
  };
}

const STATUS = 'clerk_sync.status' satisfies AttributeName;

/** As bullmq-otel reads it. */
function describeContext(context: Context): string {
  const carrier: Record<string, string> = {};
  propagation.inject(context, carrier);
  return JSON.stringify(carrier);
}

function findRoute(paths: readonly string[], { req }: ServerResponse): string {
  const path = (req.url ?? '').split('?')[0] ?? '';
  return paths.find((base) => path === base || path.startsWith(`${base}/`)) ?? '/';
}

function startRequest(
  tracer: Tracer,
  { event, startTime, route }: { event: SpanFacts; startTime: number; route: string },
): Span {
  const attributes: SpanFacts = { ...event, 'http.request.method': 'POST', 'http.route': route };
  const options = { kind: SpanKind.SERVER, startTime, attributes };
  return tracer.startSpan(`POST ${route}`, options, ROOT_CONTEXT);
}

function endRequest(span: Span, { statusCode, writableFinished }: ServerResponse): void {
  const answered: SpanFacts = { 'http.response.status_code': statusCode };
  span.setAttributes(answered);
  if (!writableFinished) failSpan(span, 'aborted');
  else if (statusCode >= 500) failSpan(span, String(statusCode));
  span.end();
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
