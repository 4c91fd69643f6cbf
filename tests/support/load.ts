/** A steady stream of deliveries that behaves as Svix does: what is not answered 200 comes again under its own id. */
import { setTimeout as sleep } from 'node:timers/promises';
import { deliver, newMessageId } from './clerk.js';
import { type ModelEvent } from './model.js';
import { type SureClient } from './sure-client.js';

export interface Refusal {
  /** 0: there was no answer, or half of one. */
  status: number;
  retryAfter: number;
  /** Why there was none: ECONNREFUSED when there was no connection. */
  code?: string;
}

export interface Load {
  /** Events that were answered 200, each once. */
  accepted: readonly ModelEvent[];
  refusals: readonly Refusal[];
  slowestMs: () => number;
  /** Sends nothing new; resolves once all that was refused has been taken. */
  finish: () => Promise<void>;
}

export interface LoadOptions {
  /** A function, because an ingest may be replaced. */
  url: () => string;
  /** What to send, in this order; the stream dries up with them. */
  events: readonly ModelEvent[];
  perSecond: number;
  client?: Pick<SureClient, 'deliver'>;
}

const RETRY_MS = 250;

const running = new Set<AbortController>();

/** For afterEach: what still tries to send when a test has failed. */
export function abandonLoads(): void {
  for (const abandoning of running) abandoning.abort();
  running.clear();
}

export function startLoad({ url, events, perSecond, client = { deliver } }: LoadOptions): Load {
  const accepted: ModelEvent[] = [];
  const refusals: Refusal[] = [];
  const underWay: Promise<void>[] = [];
  let slowestMs = 0;
  let isStopped = false;
  const abandoning = new AbortController();
  const { signal } = abandoning;
  running.add(abandoning);
  const send = async (event: ModelEvent) => {
    const id = newMessageId();
    for (;;) {
      if (signal.aborted) return;
      const asked = Date.now();
      // An ingest that was killed has no answer.
      const answer = await client.deliver(url(), event, id).catch(readCode);
      slowestMs = Math.max(slowestMs, Date.now() - asked);
      if (typeof answer === 'string') {
        refusals.push({ status: 0, retryAfter: NaN, code: answer });
      } else {
        if (answer.status === 200) break;
        refusals.push({
          status: answer.status,
          retryAfter: Number(answer.headers.get('retry-after')),
        });
      }
      await sleep(RETRY_MS);
    }
    accepted.push(event);
  };
  const run = async () => {
    for (const event of events) {
      if (isStopped || signal.aborted) return;
      underWay.push(send(event));
      await sleep(1000 / perSecond);
    }
  };
  const sending = run();
  return {
    accepted,
    refusals,
    slowestMs: () => slowestMs,
    finish: async () => {
      isStopped = true;
      await sending;
      await Promise.all(underWay);
    },
  };
}

/** fetch wraps what the system said. */
function readCode(error: unknown): string {
  const cause = error instanceof TypeError ? error.cause : error;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : String(error);
}
