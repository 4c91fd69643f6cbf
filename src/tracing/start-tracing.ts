/** OpenTelemetry's parts put together: what is kept, how it is sent, and that neither can hurt. */
import { context, diag, DiagLogLevel, propagation, trace, type Tracer } from '@opentelemetry/api';
import { setGlobalErrorHandler, W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
  type Resource,
} from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { PrismaInstrumentation } from '@prisma/instrumentation';
import { randomUUID } from 'node:crypto';
import { isDoneWithin } from '../deadline.js';
import { createErrorDamper, type Logger } from '../logger.js';
import { exportAllowed } from './allowed-spans.js';
import { describeSpan } from './describe-span.js';
import { createSampler } from './samplers.js';
import { type TracingConfig } from './settings.js';
import { createBatchTracing } from './trace-batches.js';
import { traceDatabase } from './trace-database.js';
import { createJobTracing, type Carried } from './trace-jobs.js';
import { createIngestTracing } from './trace-requests.js';
import { type Tracing, type WorkerTracing } from './tracing.js';
import { createUntraced } from './untraced.js';

/** How long a stop waits for the collector. What it has not taken by then is lost; a trace is not worth more. */
const FAREWELL_MS = 2_000;

export function startTracing(name: 'ingest' | 'worker', config: TracingConfig): Tracing {
  const trouble = catchTrouble();
  const provider = new NodeTracerProvider({
    resource: describeProcess(`clerk-sync-${name}`),
    sampler: createSampler(config),
    // Bounded (OTEL_BSP_MAX_QUEUE_SIZE): with the collector away or slow, the newest spans are dropped.
    spanProcessors: [new BatchSpanProcessor(exportAllowed(new OTLPTraceExporter()))],
  });
  // No baggage: nothing of a request's but its trace goes on the queue.
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  const tracer = provider.getTracer('clerk-sync');
  return {
    ...createUntraced(null),
    ...(name === 'ingest'
      ? createIngestTracing(tracer, config.WEBHOOK_PATHS)
      : startWorkerTracing(provider, tracer)),
    reportTo: trouble.reportTo,
    async close() {
      const closed = provider.shutdown().catch(trouble.report);
      if (await isDoneWithin(closed, FAREWELL_MS)) return;
      trouble.report(
        new Error('The collector did not take the last spans in time; they are lost.'),
      );
    },
  };
}

/** BullMQ and Prisma ask OpenTelemetry which span is the active one, and make their own by the registered provider. */
function startWorkerTracing(
  provider: NodeTracerProvider,
  tracer: Tracer,
): WorkerTracing & Pick<Tracing, 'describeLine'> {
  provider.register({ propagator: null });
  const prisma = new PrismaInstrumentation();
  prisma.setTracerProvider(provider);
  prisma.enable();
  const carried: Carried = new WeakMap();
  return {
    jobs: createJobTracing(carried),
    ...createBatchTracing(tracer, carried),
    traceDatabase: (db) => traceDatabase(tracer, db),
    describeLine: () => describeSpan(trace.getSpan(context.active())),
  };
}

/** What the environment says (OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES) wins. Nothing is looked up about the machine. */
function describeProcess(service: string): Resource {
  const own = { 'service.name': service, 'service.instance.id': randomUUID() };
  return defaultResource()
    .merge(resourceFromAttributes(own))
    .merge(detectResources({ detectors: [envDetector] }));
}

/** What OpenTelemetry's packages complain of, the export's failures included, goes to the log, and nowhere else. */
function catchTrouble() {
  let early: string[] | undefined = [];
  let report = (error: Error) => {
    early?.push(error.message);
  };
  const complain = (message: string) => report(new Error(message));
  const ignore = () => undefined;
  diag.setLogger(
    { error: complain, warn: complain, info: ignore, debug: ignore, verbose: ignore },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  setGlobalErrorHandler((error) => report(error instanceof Error ? error : new Error('unknown')));
  return {
    report: (error: Error) => report(error),
    reportTo: (logger: Logger) => {
      for (const problem of early ?? []) logger.warn({ problem }, TROUBLE);
      early = undefined;
      report = createErrorDamper(logger, TROUBLE);
    },
  };
}

const TROUBLE = 'trouble with tracing';
