/** Traces as a collector gets them: from the real processes, by real OTLP over HTTP, read from the bytes. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sampleEvent } from '../../src/clerk/samples/index.js';
import { createSigner } from '../../src/clerk/signature.js';
import { toJob } from '../../src/queue/job.js';
import { ATTRIBUTES } from '../../src/tracing/attributes.js';
import {
  BACKENDS,
  openBackend,
  queueSettings,
  waitForQueue,
  type QueueSettings,
} from '../support/backends.js';
import { deliver, newMessageId, post, SECRET } from '../support/clerk.js';
import { startCollector, type Answer, type Collector } from '../support/collector.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { type CollectedSpan } from '../support/otlp.js';
import { killAll, startIngest, startWorker, type RunningProcess } from '../support/processes.js';
import { findFreePort } from '../support/ports.js';
import { waitFor } from '../support/wait.js';

const ERROR = 2;
const BURST = 50;
const REQUEST = 'POST /api/webhooks';
const FORGED = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;

describe.each(BACKENDS)('with the queue in %s', (kind) => {
  let database: TestDatabase;
  let queue: QueueSettings;
  let settings: Record<string, string>;
  let collector: Collector;
  let directory: string;

  beforeEach(async () => {
    directory = mkdtempSync(path.join(tmpdir(), 'clerk-sync-tracing-'));
    database = await createDatabase();
    collector = await startCollector();
    queue = queueSettings(kind);
    settings = { DATABASE_URL: database.url, ...queue, ...exportTo(collector.endpoint) };
  });
  afterEach(async () => {
    await killAll();
    await collector.close();
    await database.drop();
    rmSync(directory, { recursive: true });
  });

  const writeSecret = (text: string) => {
    const file = path.join(directory, 'secret');
    writeFileSync(file, text);
    return file;
  };
  const waitForEvents = (count: number) =>
    waitFor(`${count} events in the ledger`, async () => (await readLedger(database)) >= count);

  test('one delivery is one trace, from the request to the commit', async () => {
    const secret = { OTEL_EXPORTER_OTLP_HEADERS_FILE: writeSecret('api-key=sesame') };
    const [ingest, worker] = await Promise.all([
      startIngest({ ...settings, ...secret }),
      startWorker(settings),
    ]);
    const [id, event] = [newMessageId(), sampleEvent('user.created')];
    const body = JSON.stringify(event);
    const foreign = 'deadbeefdeadbeefdeadbeefdeadbeef';
    const traceparent = { traceparent: `00-${foreign}-00f067aa0ba902b7-01` };
    const forged = { ...createSigner(FORGED)(newMessageId(), body), ...traceparent };
    expect((await post(ingest.url, forged, body)).status).toBe(400);
    const headers = { ...createSigner(SECRET)(id, body), ...traceparent };
    expect((await post(ingest.url, headers, body)).status).toBe(200);

    const [commit] = await collector.waitForSpans('COMMIT', 1);
    const [complete] = await collector.waitForSpans('complete clerk-webhooks', 1);
    const [request] = await collector.waitForSpans(REQUEST, 1);
    const find = (name: string) => collector.spans().find((span) => span.name === name);
    const process = (await collector.waitForSpans('process clerk-webhooks', 1))[0];
    const [send, apply] = [find('send clerk-webhooks'), find('apply')];
    const [batch, transaction] = [find('apply batch'), find('transaction')];

    // In the event's own trace each span is the child of the one before it.
    const chain = [request, send, process, apply];
    expect(chain.map((span) => span?.parentSpanId)).toEqual([
      '',
      request?.spanId,
      send?.spanId,
      process?.spanId,
    ]);
    expect(complete?.parentSpanId).toBe(process?.spanId);
    expect(new Set([...chain, complete].map((span) => span?.traceId)).size).toBe(1);
    expect(chain.map((span) => span?.service)).toEqual([
      'clerk-sync-ingest',
      'clerk-sync-ingest',
      'clerk-sync-worker',
      'clerk-sync-worker',
    ]);
    for (const span of chain) expect(span?.attributes['clerk_sync.event.id']).toBe(id);
    expect(request?.attributes).toMatchObject({
      'http.response.status_code': 200,
      'clerk_sync.status': 'queued',
      'clerk_sync.event.type': 'user.created',
    });
    expect(apply?.attributes).toMatchObject({
      'clerk_sync.outcome': 'applied',
      'clerk_sync.entity.type': 'user',
      'clerk_sync.entity.id': event.data['id'],
    });
    // The batch is a trace of its own, linked both ways.
    expect(apply?.links).toEqual([{ traceId: batch?.traceId, spanId: batch?.spanId }]);
    expect(batch?.links).toEqual([{ traceId: process?.traceId, spanId: process?.spanId }]);
    expect([batch?.parentSpanId, transaction?.parentSpanId]).toEqual(['', batch?.spanId]);
    expect(commit?.parentSpanId).toBe(transaction?.spanId);
    // What is not signed has no trace, and chooses none.
    expect(collector.spans().map(({ traceId }) => traceId)).not.toContain(foreign);
    expect(collector.spans().filter(({ name }) => name === REQUEST)).toHaveLength(1);
    // What we have read from a file of secrets reaches OpenTelemetry's own packages.
    expect(collector.requests.map(({ headers }) => headers['api-key'])).toContain('sesame');
    // The log names the trace.
    for (const line of [findLine(ingest, id, 'received'), findLine(worker, id, 'applied')]) {
      expect(line['trace_id']).toBe(request?.traceId);
    }
  }, 60_000);

  test('events that come and are applied together keep their traces apart', async () => {
    const ingest = await startIngest(settings);
    const ids = Array.from({ length: BURST }, newMessageId);
    await Promise.all(ids.map((id) => deliver(ingest.url, sampleEvent('user.created'), id)));
    const open = openBackend(queue, database).openQueue();
    await waitForQueue(open);
    // Somebody else's program may write something else where the trace stands.
    const strange = toJob(toDelivery('msg_strange'), 'user.created', RETENTION);
    strange.opts.telemetry = { metadata: 'no trace' };
    await open.queue.addBulk([strange]);
    await open.close();
    await startWorker(settings);
    await waitForEvents(BURST + 1);

    await collector.waitForSpans('process clerk-webhooks', BURST + 1); // the last of each to end
    const applied = await collector.waitForSpans('apply', BURST + 1);
    const named = (id: string) =>
      collector.spans().filter((span) => span.attributes['clerk_sync.event.id'] === id);
    const traces = ids.map((id) => new Set(named(id).map(({ traceId }) => traceId)));
    expect(traces.map(({ size }) => size)).toEqual(ids.map(() => 1));
    expect(new Set(traces.flatMap((trace) => [...trace])).size).toBe(BURST);
    for (const id of ids) {
      expect(named(id).map(({ name }) => name)).toEqual(
        expect.arrayContaining([REQUEST, 'send clerk-webhooks', 'process clerk-webhooks', 'apply']),
      );
    }
    const batches = collector.spans().filter(({ name }) => name === 'apply batch');
    expect(batches.length).toBeLessThan(BURST);
    const linked = batches.flatMap(({ links }) => links.map(({ traceId }) => traceId));
    expect(linked.sort()).toEqual(applied.map(({ traceId }) => traceId).sort());
    expect(findRoots(collector)).toEqual([REQUEST, 'apply batch', 'process clerk-webhooks']);
  }, 60_000);

  test('a failure is an error with a code, and no span says more than it may', async () => {
    await database.query("ALTER TABLE clerk.users ADD CHECK (first_name <> 'Refused')");
    const [ingest] = await Promise.all([startIngest(settings), startWorker(settings)]);
    const event = sampleEvent('user.created');
    const refused = { ...event, data: { ...event.data, first_name: 'Refused' } };
    await deliver(ingest.url, refused);

    await collector.waitForSpans('fail clerk-webhooks', 1);
    const [process] = await collector.waitForSpans('process clerk-webhooks', 1);
    const [apply] = await collector.waitForSpans('apply', 1);
    for (const span of [process, apply]) {
      expect(span?.status).toEqual({ code: ERROR, message: '' });
      expect(span?.attributes['error.type']).toBe('event.failed');
    }
    const [batch] = await collector.waitForSpans('apply batch', 1);
    const [first, second] = await collector.waitForSpans('transaction', 2);
    expect(first?.attributes['error.type']).toBe('23514');
    expect(second?.status.code).not.toBe(ERROR); // the ledger's row
    // What goes through Prisma is told by Prisma.
    const [query] = await collector.waitForSpans('prisma:client:db_query', 1);
    expect(query?.traceId).toBe(batch?.traceId);
    const spans = collector.spans();
    const names = spans.flatMap(({ attributes }) => Object.keys(attributes));
    expect(names.filter((name) => !Object.hasOwn(ATTRIBUTES, name))).toEqual([]);
    expect(spans.flatMap(({ events }) => events.map((event) => event.attributes))).toEqual(
      spans.flatMap(({ events }) => events.map(() => ({}))),
    );
  }, 60_000);
});

describe('a collector', () => {
  const [kind = 'postgres'] = BACKENDS;
  const answers: Record<string, Answer> = {
    'refuses everything': (response) => response.writeHead(400).end('no'),
    'never answers': () => undefined,
  };

  test.each(['is away', ...Object.keys(answers)])(
    'that %s keeps nobody waiting, neither at work nor at the stop',
    async (how) => {
      const database = await createDatabase();
      const collector = answers[how] && (await startCollector(answers[how]));
      const endpoint = collector?.endpoint ?? `http://127.0.0.1:${await findFreePort()}`;
      const settings = {
        DATABASE_URL: database.url,
        ...queueSettings(kind),
        ...exportTo(endpoint),
        // The stop's code is 1 when something is not closed in time.
        SHUTDOWN_GRACE: '6s',
      };
      try {
        const running = await Promise.all([startIngest(settings), startWorker(settings)]);
        const [ingest] = running;
        const sending = Array.from({ length: BURST }, () =>
          deliver(ingest.url, sampleEvent('user.created')),
        );
        for (const { body } of await Promise.all(sending)) expect(body['status']).toBe('queued');
        await waitFor('the events', async () => (await readLedger(database)) === BURST);
        if (collector) await waitFor('an export', () => collector.requests.length > 0);
        for (const { signal } of running) signal('SIGTERM');
        expect(await Promise.all(running.map(({ exited }) => exited))).toEqual([0, 0]);
        for (const { output } of running) expect(output()).toContain('trouble with tracing');
      } finally {
        await killAll();
        await collector?.close();
        await database.drop();
      }
    },
    60_000,
  );
});

describe('tracing that is off', () => {
  const [kind = 'postgres'] = BACKENDS;
  // prom-client loads the api by itself, which does nothing alone.
  const TRACING = /@opentelemetry\/(?!api\/)|bullmq-otel|prisma\/instrumentation/;

  test('loads nothing of OpenTelemetry, sends nothing and leaves jobs as they are', async () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'clerk-sync-modules-'));
    const database = await createDatabase();
    const collector = await startCollector();
    const queue = queueSettings(kind);
    const listing = (name: string) => ({
      NODE_OPTIONS: `--import=${path.join(import.meta.dirname, '../support/loaded-modules.mjs')}`,
      LOADED_MODULES_FILE: path.join(directory, name),
    });
    const settings = { DATABASE_URL: database.url, ...queue };
    const stop = async (name: string, { signal, exited }: RunningProcess) => {
      signal('SIGTERM');
      await exited;
      return readFileSync(path.join(directory, name), 'utf8').split('\n');
    };
    try {
      const untraced = await startIngest({ ...settings, ...listing('untraced') });
      const disabled = { ...exportTo(collector.endpoint), OTEL_SDK_DISABLED: 'true' };
      const id = newMessageId();
      await deliver(untraced.url, sampleEvent('user.created'), id);
      const worker = await startWorker({ ...settings, ...disabled, ...listing('worker') });
      await waitFor('the event', async () => (await readLedger(database)) === 1);
      const open = openBackend(queue, database).openQueue();
      await waitForQueue(open);
      expect((await open.queue.getJob(id))?.opts.telemetry).toBeUndefined();
      await open.close();
      for (const loaded of [await stop('untraced', untraced), await stop('worker', worker)]) {
        expect(loaded.length).toBeGreaterThan(100);
        expect(loaded.filter((url) => TRACING.test(url))).toEqual([]);
      }
      expect(collector.requests).toEqual([]);
      // The same look at a process that is traced finds them.
      const endpoint = exportTo(collector.endpoint);
      const traced = await startIngest({ ...settings, ...endpoint, ...listing('traced') });
      expect((await stop('traced', traced)).filter((url) => TRACING.test(url))).not.toEqual([]);
    } finally {
      await killAll();
      await collector.close();
      await database.drop();
      rmSync(directory, { recursive: true });
    }
  }, 60_000);
});

const RETENTION = {
  attempts: 1,
  completedAgeSeconds: 3600,
  completedCount: 1000,
  failedAgeSeconds: 3600,
};

function toDelivery(id: string) {
  return { id, body: JSON.stringify(sampleEvent('user.created')), receivedAt: Date.now() };
}

/** The one variable that turns it on; the other lets a test see spans soon. */
function exportTo(endpoint: string): Record<string, string> {
  return { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_BSP_SCHEDULE_DELAY: '50' };
}

async function readLedger({ query }: TestDatabase): Promise<number> {
  const rows = await query<{ n: number }>('SELECT count(*)::int AS n FROM clerk.webhook_events');
  return rows[0]?.n ?? 0;
}

function findRoots(collector: Collector): string[] {
  const roots = collector.spans().filter((span: CollectedSpan) => span.parentSpanId === '');
  return [...new Set(roots.map(({ name }) => name))].sort();
}

/** The line of the log about an event, as JSON. */
function findLine(
  { output }: RunningProcess,
  id: string,
  message: string,
): Record<string, unknown> {
  const lines = output()
    .split('\n')
    .filter((line) => line.includes(id) && line.includes(`"${message}"`));
  return JSON.parse(lines[0] ?? '{}') as Record<string, unknown>; // pino writes one object a line
}
