/** Which traces are kept: by OTEL_TRACES_SAMPLER, and of those only what belongs to an event or to the batch that applied it. */
import { diag, SpanKind, trace } from '@opentelemetry/api';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  SamplingDecision,
  TraceIdRatioBasedSampler,
  type Sampler,
} from '@opentelemetry/sdk-trace-node';
import { type TracingConfig } from './settings.js';

/** @param config a sampler or a ratio that nobody knows is a warning, and everything is kept, as the specification asks. */
export function createSampler(config: TracingConfig): Sampler {
  const { OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: argument } = config;
  const create = Object.hasOwn(SAMPLERS, name) ? SAMPLERS[name] : undefined;
  if (!create) diag.warn(`OTEL_TRACES_SAMPLER is none of ${Object.keys(SAMPLERS).join(', ')}.`);
  return keepOwnTraces((create ?? DEFAULT)(readRatio(argument)));
}

/**
 * A trace enters a process by a request or by a job; inside, a span goes the way of its parent. What BullMQ and Prisma do on their own
 * account (polling, renewing locks, health checks) is no trace. A batch is kept when an event in it is: it names them as its links.
 */
export function keepOwnTraces(sampler: Sampler): Sampler {
  return {
    shouldSample(context, ...rest) {
      const [, , kind, , links] = rest;
      const parent = trace.getSpanContext(context);
      if (parent && !parent.isRemote) return decide(isSampled(parent));
      if (links.length > 0) return decide(links.some((link) => isSampled(link.context)));
      if (kind !== SpanKind.SERVER && kind !== SpanKind.CONSUMER) return decide(false);
      return sampler.shouldSample(context, ...rest);
    },
    toString: () => `KeepOwnTraces{${sampler.toString()}}`,
  };
}

export function isSampled({ traceFlags }: { traceFlags: number }): boolean {
  return (traceFlags & 1) === 1;
}

const DEFAULT = () => new ParentBasedSampler({ root: new AlwaysOnSampler() });

/** Source: OpenTelemetry's specification, OTEL_TRACES_SAMPLER. */
const SAMPLERS: Readonly<Record<string, (ratio: number) => Sampler>> = {
  always_on: () => new AlwaysOnSampler(),
  always_off: () => new AlwaysOffSampler(),
  traceidratio: (ratio) => new TraceIdRatioBasedSampler(ratio),
  parentbased_always_on: DEFAULT,
  parentbased_always_off: () => new ParentBasedSampler({ root: new AlwaysOffSampler() }),
  parentbased_traceidratio: (ratio) =>
    new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
};

function readRatio(argument: string | undefined): number {
  const ratio = Number(argument ?? 1);
  if (ratio >= 0 && ratio <= 1) return ratio;
  diag.warn('OTEL_TRACES_SAMPLER_ARG is not a number from 0 to 1; everything is kept.');
  return 1;
}

function decide(isKept: boolean) {
  return {
    decision: isKept ? SamplingDecision.RECORD_AND_SAMPLED : SamplingDecision.NOT_RECORD,
  };
}
