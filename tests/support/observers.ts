/** For tests that watch no metrics: the real ones, which nobody reads. */
import { type RequestObserver } from '../../src/http/webhook-route.js';
import { type Logger } from '../../src/logger.js';
import { createMetrics } from '../../src/metrics.js';
import { createReport, type Report } from '../../src/projections/report.js';
import { type QueueObserver } from '../../src/queue/consumer.js';

export const UNWATCHED_REQUESTS: RequestObserver = {
  verified: () => undefined,
  answered: () => undefined,
};

export const UNWATCHED_QUEUE: QueueObserver = {
  deadLetter: () => undefined,
  retry: () => undefined,
  stall: () => undefined,
};

export function createUnwatchedReport(logger: Logger): Report {
  return createReport(logger, createMetrics('worker'));
}
