/** What became of each request, and the figures that follow: exact ones, for a run has some ten thousand requests. */
import { type LoadResult, type Percentiles } from './contract.js';

/** Times in ms, by monotonicMs(). */
export interface AnswerRecord {
  sent: (index: number, dueAt: number, sentAt: number) => void;
  answered: (index: number, status: number, answeredAt: number) => void;
  summarise: () => Summary;
}

export type Summary = Omit<LoadResult, 'connections' | 'senderMicros'>;

interface Fate {
  dueAt: number;
  sentAt: number;
  answeredAt: number;
  status: number;
}

const ACCEPTED = 200;
const TIMELINE_STEP_SECONDS = 0.5;

export function createRecord(): AnswerRecord {
  const fates: Fate[] = [];
  return {
    sent(index, dueAt, sentAt) {
      fates[index] = { dueAt, sentAt, answeredAt: NaN, status: 0 };
    },
    answered(index, status, answeredAt) {
      Object.assign(fates[index] ?? {}, { status, answeredAt });
    },
    summarise: () => summarise(fates),
  };
}

function summarise(fates: readonly Fate[]): Summary {
  const [first] = fates;
  const startedAt = first?.dueAt ?? 0;
  const endedAt = fates.reduce((last, { answeredAt }) => Math.max(last, answeredAt), startedAt);
  const seconds = (endedAt - startedAt) / 1000;
  const accepted = fates.filter(isAccepted).length;
  return {
    sent: fates.length,
    accepted,
    refusals: countRefusals(fates),
    seconds,
    acceptedPerSecond: accepted / seconds,
    latencyMs: toPercentiles(fates.map(({ dueAt, answeredAt }) => answeredAt - dueAt)),
    lateMs: toPercentiles(fates.map(({ dueAt, sentAt }) => sentAt - dueAt)),
    timeline: toTimeline(fates, startedAt),
  };
}

function isAccepted({ status }: Fate): boolean {
  return status === ACCEPTED;
}

function countRefusals(fates: readonly Fate[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const fate of fates) {
    if (!isAccepted(fate)) counts[fate.status] = (counts[fate.status] ?? 0) + 1;
  }
  return counts;
}

function toTimeline(fates: readonly Fate[], startedAt: number): [number, number][] {
  const steps = new Map<number, number[]>();
  for (const { dueAt, answeredAt } of fates) {
    const step = Math.floor((dueAt - startedAt) / 1000 / TIMELINE_STEP_SECONDS);
    const latencies = steps.get(step) ?? [];
    latencies.push(answeredAt - dueAt);
    steps.set(step, latencies);
  }
  return [...steps].map(([step, latencies]) => [
    step * TIMELINE_STEP_SECONDS,
    toPercentiles(latencies).p99,
  ]);
}

function toPercentiles(values: number[]): Percentiles {
  const ascending = values.sort((a, b) => a - b);
  const at = (share: number) => ascending[Math.ceil(ascending.length * share) - 1] ?? NaN;
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: at(1) };
}
