import { type Metrics } from '../metrics.js';
import { type RequestObserver } from './webhook-route.js';

/** Counts every request, and remembers when Clerk was last heard of. */
export function observeRequests(metrics: Metrics): RequestObserver {
  return {
    verified: () => metrics.record('last_verified_event_timestamp_seconds', Date.now() / 1000, {}),
    answered: (outcome, seconds) => {
      metrics.record('webhook_requests_total', 1, { outcome });
      metrics.record('webhook_duration_seconds', seconds, {});
    },
  };
}
