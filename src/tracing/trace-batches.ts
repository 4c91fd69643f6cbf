/** A batch is nobody's alone: a trace of its own, linked with those of its events; each event's own trace shows when it was applied. */
import {
  context,
  createContextKey,
  ROOT_CONTEXT,
  trace,
  type Context,
  type Link,
  type Span,
  type Tracer,
} from '@opentelemetry/api';
import { type SpanFacts } from './attributes.js';
import { codeOf, failSpan } from './fail-span.js';
import { isSampled } from './samplers.js';
import { type Carried } from './trace-jobs.js';
import { type Applied, type WorkerTracing } from './tracing.js';

export function createBatchTracing(
  tracer: Tracer,
  carried: Carried,
): Pick<WorkerTracing, 'traceApply' | 'traceReport'> {
  return {
    traceApply: (apply) => async (deliveries) => {
      const parents = deliveries.map((delivery) => carried.get(delivery) ?? ROOT_CONTEXT);
      const batch = startBatch(tracer, parents);
      const spans = parents.map((parent) =>
        tracer.startSpan('apply', { links: [{ context: batch.spanContext() }] }, parent),
      );
      const events = new Map(
        deliveries.map(({ id }, index) => [id, toContext(parents[index], spans[index])]),
      );
      try {
        const within = trace.setSpan(ROOT_CONTEXT, batch).setValue(EVENTS, events);
        const results = await context.with(within, () => apply(deliveries));
        for (const [index, result] of results.entries()) {
          describe(spans[index], result);
          // Whoever looks for failures looks for spans that came by a queue.
          describeError(trace.getSpan(parents[index] ?? ROOT_CONTEXT), result);
        }
        return results;
      } finally {
        for (const span of spans) span.end();
        batch.end();
      }
    },
    traceReport: (report) => ({
      ...report,
      settled(settled) {
        const { id, entityType, entityId } = settled.entry;
        const events = context.active().getValue(EVENTS) as Map<string, Context> | undefined; // set above, and nowhere else
        const event = events?.get(id) ?? context.active();
        const facts: SpanFacts = {
          'clerk_sync.event.id': id,
          ...(entityType === null ? {} : { 'clerk_sync.entity.type': entityType }),
          ...(entityId === null ? {} : { 'clerk_sync.entity.id': entityId }),
        };
        if (events?.has(id)) trace.getSpan(event)?.setAttributes(facts);
        context.with(event, () => report.settled(settled)); // so that its line in the log names the event's trace
      },
    }),
  };
}

/** By svix-id: the spans of the events that the batch under way applies. */
const EVENTS = createContextKey('clerk-sync events');

function startBatch(tracer: Tracer, parents: readonly Context[]): Span {
  const links = parents.flatMap((parent): Link[] => {
    const event = trace.getSpanContext(parent);
    return event && isSampled(event) ? [{ context: event }] : [];
  });
  const attributes: SpanFacts = { 'clerk_sync.batch.events': parents.length };
  return tracer.startSpan('apply batch', { links, attributes }, ROOT_CONTEXT);
}

function toContext(parent = ROOT_CONTEXT, span: Span | undefined): Context {
  return span ? trace.setSpan(parent, span) : parent;
}

function describe(span: Span | undefined, result: Applied): void {
  const { outcome, repeated } = result;
  const facts: SpanFacts = { 'clerk_sync.outcome': outcome, 'clerk_sync.repeated': repeated };
  span?.setAttributes(facts);
  describeError(span, result);
}

function describeError(span: Span | undefined, { outcome, error }: Applied): void {
  if (outcome === 'failed') failSpan(span, 'event.failed');
  if (outcome === 'retry') failSpan(span, codeOf(error));
}
