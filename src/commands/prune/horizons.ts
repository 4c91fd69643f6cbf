/** Until when things are kept. Pure. */
import { type Config } from '../../config.js';

/** ISO 8601: what is older goes. */
export interface Horizons {
  payloads: string;
  sessions: string;
  tombstones: string;
}

/** For as long Clerk's Dashboard resends an event. */
const RESEND_DAYS = 90;
const DAY_MS = 86_400_000;

/** @param now the database's time, in milliseconds since 1970. */
export function readHorizons(config: Config, now: number): Horizons {
  const ago = (days: number) => new Date(now - days * DAY_MS).toISOString();
  const { EVENT_RETENTION_DAYS: events, SESSION_RETENTION_DAYS: sessions } = config;
  return {
    payloads: ago(events),
    sessions: ago(sessions),
    tombstones: ago(Math.max(events, RESEND_DAYS)),
  };
}
