/** Sends load to an endpoint, and tells what it cost. */
import { SECRET } from '../tests/support/clerk.js';
import { VoidFigure, type Sample } from './contract.js';
import { type Endpoint } from './ingest-kinds.js';
import { type LoadOptions, type LoadResult } from './load/contract.js';
import { prepareLoad } from './load/run-load.js';

export interface MeasuredLoad extends LoadResult {
  /** What it cost the endpoint. `CPU %`: of one core. */
  details: Record<string, number>;
}

const MEGABYTE = 1e6;

/** @throws VoidFigure unless every request was accepted, those of the warm-up included. */
export async function measureEndpoint(
  endpoint: Endpoint,
  options: Omit<LoadOptions, 'url' | 'secret'>,
): Promise<MeasuredLoad> {
  const load = await prepareLoad({ ...options, url: endpoint.url, secret: SECRET });
  const cpuBefore = endpoint.cpuSeconds();
  const startedAt = performance.now();
  const result = await load.start();
  const cpuSeconds = endpoint.cpuSeconds() - cpuBefore;
  const seconds = (performance.now() - startedAt) / 1000;
  requireAllAccepted(result);
  return {
    ...result,
    details: {
      'CPU µs an event': (cpuSeconds * 1e6) / options.events.count,
      'CPU %': (cpuSeconds * 100) / seconds,
      'sender CPU µs an event': result.senderMicros,
      'RSS MB': endpoint.residentBytes() / MEGABYTE,
    },
  };
}

/** Of a paced run, whose figure is the p99. */
export function toLatencySample({ latencyMs, lateMs, timeline, details }: MeasuredLoad): Sample {
  return {
    value: latencyMs.p99,
    details: {
      'p50 ms': latencyMs.p50,
      'p90 ms': latencyMs.p90,
      'p99.9 ms': latencyMs.p999,
      'max ms': latencyMs.max,
      'sender late p99 ms': lateMs.p99,
      ...details,
    },
    series: timeline,
  };
}

function requireAllAccepted({ refusals }: LoadResult): void {
  const found = Object.entries(refusals);
  if (found.length === 0) return;
  throw new VoidFigure(
    `Not everything was accepted: ${found.map(([status, count]) => `${count} times ${status}`).join(', ')}.`,
  );
}
