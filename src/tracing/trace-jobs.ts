/** A job's part of its trace: BullMQ's own spans, continued from what the job carries, with what this program knows of it. */
import { context, ROOT_CONTEXT, trace, type Context } from '@opentelemetry/api';
import { BullMQOtel } from 'bullmq-otel';
import { type SpanFacts } from './attributes.js';
import { type JobTracing } from '../queue/consumer.js';

/** Which span each delivery belongs to that is in a worker's hands. */
export type Carried = WeakMap<object, Context>;

export function createJobTracing(carried: Carried): JobTracing {
  return {
    telemetry: createTelemetry(),
    carry(delivery, { type, attempt }) {
      const active = context.active();
      carried.set(delivery, active);
      const facts: SpanFacts = {
        'clerk_sync.event.id': delivery.id,
        'clerk_sync.event.type': type,
        'clerk_sync.attempt': attempt,
        'clerk_sync.queued_ms': Math.max(0, Date.now() - delivery.receivedAt),
      };
      trace.getSpan(active)?.setAttributes(facts);
    },
  };
}

function createTelemetry(): BullMQOtel {
  const telemetry = new BullMQOtel();
  const { contextManager } = telemetry;
  const fromMetadata = contextManager.fromMetadata.bind(contextManager);
  // BullMQ does not expect it to throw: a job with something else in this field would never be done.
  contextManager.fromMetadata = (active, metadata) => {
    try {
      return fromMetadata(active, metadata);
    } catch {
      return active;
    }
  };
  // Missing in bullmq-otel 2.0.1: without it BullMQ's endless loops go on in the span that they were started in.
  Object.assign(contextManager, { root: () => ROOT_CONTEXT });
  return telemetry;
}
