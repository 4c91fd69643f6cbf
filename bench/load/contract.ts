/** What the process that sends is told, and what it tells. Types only. */
import { type EventOptions } from '../events.js';

export interface LoadOptions {
  url: string;
  /** `whsec_…`, to sign with. */
  secret: string;
  /** Made and signed before the first is sent. */
  events: EventOptions;
  /** So many of them are sent first, at the same pace, and not measured; the others follow once these are answered. */
  warmUp: number;
  pace: Pace;
  /** Instead of each event's own: a body of this many bytes, under a signature that looks valid and is not. */
  forgedBytes?: number;
}

export type Pace =
  /** Each connection sends its next request as soon as it has its answer. */
  | { kind: 'saturation'; connections: number }
  /** Each request has its time, by chance as independent senders have it (Poisson), and goes out then, whatever became of those before. */
  | { kind: 'paced'; perSecond: number };

/** Of the measured requests, unless it says otherwise. */
export interface LoadResult {
  sent: number;
  /** Answered 200. */
  accepted: number;
  /** By status, those of the warm-up included; 0: the connection broke without an answer. */
  refusals: Record<string, number>;
  /** From when the first was due to the last answer. */
  seconds: number;
  acceptedPerSecond: number;
  /** Paced: from when the request should have gone out. Saturation: from when it did. Until the whole answer is there. */
  latencyMs: Percentiles;
  /** Part of the above: how much later than it should the sender was with each. */
  lateMs: Percentiles;
  /** For each half second: [seconds since the first was due, p99 in ms of those due within]. */
  timeline: [number, number][];
  /** Open at one time, at most. */
  connections: number;
  /** CPU time of the process that sends, per event in µs, warm-up included. */
  senderMicros: number;
}

export interface Percentiles {
  p50: number;
  p90: number;
  p99: number;
  p999: number;
  max: number;
}

export type ToLoad =
  { kind: 'prepare'; options: LoadOptions } | { kind: 'start' } | { kind: 'stop' };

export type FromLoad =
  { kind: 'ready' } | { kind: 'finished'; result: LoadResult } | { kind: 'failed'; reason: string };
