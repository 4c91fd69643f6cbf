/** A realistic, made-up webhook event of any type: the envelope, unsigned. No clock or chance but what the options bring. */
import type { EventType } from '../event-types.js';
import { BUILDERS } from './builders.js';
import type { Builder } from './draw.js';
import { deriveId, drawIndex, drawOne, type Random } from './random.js';

export interface SampleEvent {
  type: EventType;
  object: 'event';
  /** In ms. */
  timestamp: number;
  instance_id: string;
  data: Record<string, unknown>;
  event_attributes: { http_request: { client_ip: string; user_agent: string } };
}

export interface SampleOptions {
  /** Numbers from 0 to 1; default `Math.random`. With a seeded one and `now`, the sample is reproducible. */
  random?: () => number;
  /** `data.id`. Address, username and `created_at` follow from it, so that events about one id are one history. */
  entityId?: string;
  /** The user to aim at: member, session's user, recipient, payer, creator of an organization. */
  userId?: string;
  /** The organization to aim at. As payer it wins over `userId`. */
  organizationId?: string;
  /** Event time of version 0, in ms; default `Date.now()`. */
  now?: number;
  /** 0, 1, 2…: a later state of the same entity, one second after the one before. */
  version?: number;
  instanceId?: string;
}

export function sampleEvent(type: EventType, options: SampleOptions = {}): SampleEvent {
  const { random = Math.random, now = Date.now(), version = 0 } = options;
  const { instanceId = SAMPLE_INSTANCE_ID, entityId, userId, organizationId } = options;
  const at = now + version * VERSION_STEP_MS;
  const build: Builder = BUILDERS[type];
  return {
    type,
    object: 'event',
    timestamp: at,
    instance_id: instanceId,
    data: build({ type, random, at, version, instanceId, entityId, userId, organizationId }),
    event_attributes: { http_request: drawRequest(random) },
  };
}

function drawRequest(random: Random) {
  return {
    client_ip: `203.0.113.${1 + drawIndex(random, 254)}`,
    user_agent: drawOne(random, USER_AGENTS),
  };
}

/** The Clerk instance that samples say they are of: nobody's. */
export const SAMPLE_INSTANCE_ID = deriveId('ins', 'samples');
const VERSION_STEP_MS = 1000;

// prettier-ignore
const USER_AGENTS = [
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36',
] as const;
