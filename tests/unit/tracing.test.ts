/** The parts of tracing that decide: whether it is on, what is kept, what leaves the process. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, TraceFlags } from '@opentelemetry/api';
import {
  AlwaysOnSampler,
  BasicTracerProvider,
  InMemorySpanExporter,
  SamplingDecision,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node';
import { readConfig } from '../../src/config.js';
import { exportAllowed } from '../../src/tracing/allowed-spans.js';
import { ATTRIBUTES } from '../../src/tracing/attributes.js';
import { createSampler, keepOwnTraces } from '../../src/tracing/samplers.js';
import { readSwitch } from '../../src/tracing/settings.js';
import { summarizeSql } from '../../src/tracing/trace-database.js';

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };

test.each([
  [{}],
  [{ ...ENDPOINT, OTEL_SDK_DISABLED: 'TRUE' }],
  [{ ...ENDPOINT, OTEL_TRACES_EXPORTER: 'none' }],
  [{ OTEL_TRACES_SAMPLER: 'always_on' }],
])('%j leaves tracing off, without a word', (environment) => {
  expect(readSwitch(readConfig(environment))).toEqual({ isOn: false, problem: null });
});

test.each([
  [ENDPOINT],
  [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://collector/v1/traces' }],
  [{ OTEL_TRACES_EXPORTER: 'otlp' }],
])('%j turns it on', (environment) => {
  expect(readSwitch(readConfig(environment))).toEqual({ isOn: true });
});

test.each([
  ['OTEL_EXPORTER_OTLP_PROTOCOL is grpc', { ...ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }],
  ['OTEL_TRACES_EXPORTER is zipkin', { ...ENDPOINT, OTEL_TRACES_EXPORTER: 'zipkin' }],
  ['is not a URL', { OTEL_EXPORTER_OTLP_ENDPOINT: 'user:hunter2@collector:4317' }],
])('a setting that cannot be used is no reason to stop: %s', (problem, environment) => {
  const found = readSwitch(readConfig(environment));
  expect(found).toEqual({ isOn: false, problem: expect.stringContaining(problem) });
  expect(JSON.stringify(found)).not.toContain('hunter2');
});

describe('of traces', () => {
  const parent = (isRemote: boolean, traceFlags: TraceFlags) =>
    trace.setSpanContext(ROOT_CONTEXT, {
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: 'b7ad6b7169203331',
      traceFlags,
      isRemote,
    });
  const link = (traceFlags: TraceFlags) => ({
    context: trace.getSpanContext(parent(true, traceFlags)) ?? raise(),
  });
  const { SAMPLED, NONE } = TraceFlags;
  const { INTERNAL } = SpanKind;

  test.each([
    ['a request', ROOT_CONTEXT, SpanKind.SERVER, [], true],
    ['a job that carries no trace', ROOT_CONTEXT, SpanKind.CONSUMER, [], true],
    ['a job that carries one', parent(true, SAMPLED), SpanKind.CONSUMER, [], true],
    ['what is done within a span', parent(false, SAMPLED), SpanKind.INTERNAL, [], true],
    [
      'a batch with an event that is kept',
      ROOT_CONTEXT,
      INTERNAL,
      [link(NONE), link(SAMPLED)],
      true,
    ],
    ['a batch without', ROOT_CONTEXT, SpanKind.INTERNAL, [link(NONE)], false],
    ['what is done within a span that is not', parent(false, NONE), SpanKind.SERVER, [], false],
    ['a library at its own business', ROOT_CONTEXT, SpanKind.CLIENT, [], false],
    ['polling that ended in a job', parent(true, SAMPLED), SpanKind.INTERNAL, [], false],
  ])('%s is kept, or is not', (_what, context, kind, links, isKept) => {
    const sampler = keepOwnTraces(new AlwaysOnSampler());
    const { decision } = sampler.shouldSample(context, 'a'.repeat(32), 'name', kind, {}, links);
    expect(decision === SamplingDecision.RECORD_AND_SAMPLED).toBe(isKept);
  });

  test('the configured share is kept, and of a trace all or nothing', () => {
    const environment = {
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0.1',
    };
    const sampler = createSampler(readConfig(environment));
    const decide = (traceId: string, context = ROOT_CONTEXT) =>
      sampler.shouldSample(context, traceId, 'x', SpanKind.SERVER, {}, []).decision;
    const kept = Array.from({ length: 1000 }, (_, index) =>
      Math.floor((index / 1000) * 2 ** 32)
        .toString(16)
        .padStart(8, '0')
        .padEnd(32, '0'),
    ).filter((traceId) => decide(traceId) === SamplingDecision.RECORD_AND_SAMPLED);
    expect(kept.length).toBeGreaterThan(50);
    expect(kept.length).toBeLessThan(200);
    expect(decide('f'.repeat(32), parent(true, SAMPLED))).toBe(SamplingDecision.RECORD_AND_SAMPLED);
  });
});

test('what no table allows does not leave the process', () => {
  const exporter = new InMemorySpanExporter();
  const processor = new SimpleSpanProcessor(exportAllowed(exporter));
  const tracer = new BasicTracerProvider({ spanProcessors: [processor] }).getTracer('t');
  const span = tracer.startSpan('name', {
    attributes: { 'clerk_sync.event.id': 'msg_1', email: 'ada@example.com' },
    links: [{ context: tracer.startSpan('other').spanContext(), attributes: { who: 'Ada' } }],
  });
  span.recordException(new Error('no Ada'));
  span.setStatus({ code: SpanStatusCode.ERROR, message: 'no Ada' });
  span.end();
  const [exported] = exporter.getFinishedSpans();
  expect(exported).toMatchObject({
    name: 'name',
    attributes: { 'clerk_sync.event.id': 'msg_1' },
    status: { code: SpanStatusCode.ERROR },
  });
  expect(exported?.ended).toBe(true);
  const { attributes, events, links, status } = exported ?? raise();
  expect(JSON.stringify({ attributes, events, links, status })).not.toMatch(/ada/i);
});

test('a statement is summed up by its tables', () => {
  expect(
    summarizeSql(`WITH r AS (SELECT * FROM unnest($1)), w AS (INSERT INTO "clerk"."users" (id)
      SELECT id FROM "clerk"."sessions" s JOIN "clerk"."users" u USING (id)) SELECT 1`),
  ).toBe('INSERT users, SELECT sessions, SELECT users');
  expect(summarizeSql(`SELECT set_config('lock_timeout', $1, true)`)).toBe('SELECT');
});

test('docs/tracing.md says of each attribute what it is', () => {
  const text = readFileSync(path.resolve(import.meta.dirname, '../../docs/tracing.md'), 'utf8');
  const rows = [...text.matchAll(/^\| `([a-z_.]+)` \| (.+) \|$/gm)];
  expect(Object.fromEntries(rows.map(([, name, meaning]) => [name, meaning]))).toEqual(ATTRIBUTES);
});

function raise(): never {
  throw new Error('nothing there');
}
