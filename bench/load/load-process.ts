/** The process that sends: makes everything ready, waits for the word, sends, tells, and ends. */
import { type Target } from './connection.js';
import { createPool } from './connection-pool.js';
import { type FromLoad, type LoadOptions, type ToLoad } from './contract.js';
import { createRecord, type Summary } from './record-answers.js';
import { buildRequests, type Request } from './requests.js';
import { sendPaced } from './send-paced.js';
import { sendSaturating } from './send-saturating.js';

/** Svix has many senders. Beyond these a request waits in here, and its latency counts all the same. */
const MOST_CONNECTIONS = 512;

process.on('disconnect', () => process.exit());
process.on('message', (message: ToLoad) => {
  if (message.kind === 'prepare') load(message.options).catch(fail);
});

async function load(options: LoadOptions): Promise<void> {
  const { pace, warmUp } = options;
  const requests = buildRequests(options);
  const pool = createPool(
    readTarget(options.url),
    pace.kind === 'paced' ? MOST_CONNECTIONS : pace.connections,
  );
  const stopping = new AbortController();
  const started = new Promise<void>((resolve) => {
    process.on('message', ({ kind }: ToLoad) => {
      if (kind === 'start') resolve();
      if (kind === 'stop') stopping.abort();
    });
  });
  const send = async (some: readonly Request[]): Promise<Summary> => {
    const record = createRecord();
    const sending = { requests: some, pool, record, signal: stopping.signal };
    await (pace.kind === 'paced'
      ? sendPaced(pace.perSecond, sending)
      : sendSaturating(pace.connections, sending));
    return record.summarise();
  };
  tell({ kind: 'ready' });
  await started;
  const cpuBefore = process.cpuUsage();
  const before = await send(requests.slice(0, warmUp));
  const result = await send(requests.slice(warmUp));
  const { user, system } = process.cpuUsage(cpuBefore);
  pool.close();
  tell({
    kind: 'finished',
    result: {
      ...result,
      refusals: addUp(before.refusals, result.refusals),
      connections: pool.mostOpen(),
      senderMicros: (user + system) / (before.sent + result.sent),
    },
  });
}

function readTarget(url: string): Target {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port) };
}

function addUp(some: Record<string, number>, others: Record<string, number>) {
  const sum = { ...some };
  for (const [status, count] of Object.entries(others)) sum[status] = (sum[status] ?? 0) + count;
  return sum;
}

function tell(message: FromLoad): void {
  process.send?.(message);
}

function fail(error: unknown): void {
  tell({
    kind: 'failed',
    reason: error instanceof Error ? (error.stack ?? error.message) : String(error),
  });
}
