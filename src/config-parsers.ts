/** One parser per kind of setting: text in, value or a problem that carries its cure out. Pure. */
import { splitRedisUrls } from './redis-urls.js';

export type Parsed<T> = { value: T } | { problem: string };
export type Parser<T> = (raw: string) => Parsed<T>;

/** The tables that SYNC_ENTITIES may name. */
export const ENTITY_TABLES = [
  'users',
  'organizations',
  'organization_memberships',
  'organization_invitations',
  'organization_domains',
  'sessions',
  'roles',
  'permissions',
  'waitlist_entries',
  'subscriptions',
  'subscription_items',
  'payment_attempts',
  'email_messages',
  'sms_messages',
] as const;
export type EntityTable = (typeof ENTITY_TABLES)[number];

/** What WORKER_TASKS may name. */
const WORKER_TASKS = ['mirror', 'handlers'] as const;
export type WorkerTask = (typeof WORKER_TASKS)[number];

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
const BYTE_UNITS: Record<string, number> = { '': 1, b: 1, kb: 1024, mb: 1024 ** 2 };
const SECOND_UNITS: Record<string, number> = { '': 1, s: 1, m: 60, h: 3600, d: 86_400 };
/** The least that Standard Webhooks allows a secret; svix itself would take even an empty key. */
const MIN_SECRET_BYTES = 24;

export const parsers = {
  text: (raw: string) => ({ value: raw }),
  list,
  flag: oneOf({ true: true, '1': true, false: false, '0': false }),
  logLevel: oneOf(Object.fromEntries(LOG_LEVELS.map((level) => [level, level]))),
  logFormat: oneOf({ auto: 'auto', json: 'json', pretty: 'pretty' } as const),
  port: whole(0, 65_535),
  positive: whole(1, 1_000_000_000),
  days: whole(1, 3650),
  bytes: sized(BYTE_UNITS, 'a size such as 512kb or 1mb', { max: 100 * 1024 ** 2 }),
  seconds: sized(SECOND_UNITS, 'a time such as 30s, 15m, 28h or 90d', { max: 3650 * 86_400 }),
  // Node's timers and Postgres's timeouts both overflow a little below 25 days.
  timeout: sized(SECOND_UNITS, 'a time such as 10s, 5m or 1h', { max: 86_400 }),
  pause: sized(SECOND_UNITS, 'a time such as 0s or 5s', { min: 0, max: 3600 }),
  // A reconcile asks Clerk for everything: more often is a burden, and says nothing new.
  interval: sized(SECOND_UNITS, 'a time such as 1h or 24h', { min: 300, max: 30 * 86_400 }),
  postgresUrl: url(['postgres:', 'postgresql:'], 'postgres://user:password@host:5432/database'),
  redisUrl,
  httpUrl: url(['https:', 'http:'], 'https://api.clerk.com'),
  clerkSecretKey,
  schemaName: matching(
    /^[a-z_][a-z0-9_]{0,62}$/,
    'use lower-case letters, digits and underscores, at most 63, not starting with a digit',
  ),
  queuePrefix: matching(/^[^\s:]{1,100}$/, 'use up to 100 characters without spaces and colons'),
  paths,
  entities: choices(ENTITY_TABLES, 'entity'),
  tasks: choices(WORKER_TASKS, 'task'),
  signingSecret,
} satisfies Record<string, Parser<unknown>>;

function paths(raw: string): Parsed<string[]> {
  const list = split(raw).map((item) => item.replace(/(?<=.)\/+$/, ''));
  const wrong = list.find((item) => !/^\/[\w\-./]*$/.test(item));
  if (list.length === 0 || wrong !== undefined) {
    return {
      problem: `"${wrong ?? raw}" is not a path. Give one or more, each starting with "/".`,
    };
  }
  if (list.includes('/healthz')) {
    return { problem: '"/healthz" is taken by the health check. Choose another path.' };
  }
  return { value: list };
}

function list(raw: string): Parsed<string[]> {
  const value = split(raw);
  return value.length > 0 ? { value } : { problem: `"${raw}" names nothing. Name one or more.` };
}

function choices<const T extends string>(known: readonly T[], what: string): Parser<T[]> {
  return (raw) => {
    const list = split(raw);
    const value = known.filter((item) => list.includes(item));
    if (value.length > 0 && list.every((item) => known.some((name) => name === item))) {
      return { value };
    }
    return { problem: `"${raw}" names an unknown ${what}. Choose among ${known.join(', ')}.` };
  };
}

function signingSecret(raw: string): Parsed<string> {
  const cure = 'Copy the whole Signing Secret from the Clerk Dashboard; it starts with whsec_.';
  if (!raw.startsWith('whsec_')) return { problem: `does not start with whsec_. ${cure}` };
  const encoded = raw.slice('whsec_'.length);
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(encoded) || encoded.length % 4 !== 0) {
    return { problem: `is not valid base64 after whsec_. ${cure}` };
  }
  const bytes = Buffer.from(encoded, 'base64').length;
  if (bytes < MIN_SECRET_BYTES) {
    return { problem: `holds ${bytes} bytes, fewer than ${MIN_SECRET_BYTES}: it was cut. ${cure}` };
  }
  return { value: raw };
}

const singleRedisUrl = url(['redis:', 'rediss:'], 'redis://host:6379, or rediss:// for TLS');

function redisUrl(raw: string): Parsed<string> {
  const urls = splitRedisUrls(raw);
  const wrong = urls.map(singleRedisUrl).find((parsed) => 'problem' in parsed);
  if (wrong) return wrong;
  const hasOneProtocol = new Set(urls.map((each) => new URL(each).protocol)).size === 1;
  return hasOneProtocol
    ? { value: raw }
    : {
        problem:
          'names redis:// and rediss:// nodes. Let all nodes of the cluster use one of them.',
      };
}

function clerkSecretKey(raw: string): Parsed<string> {
  // The value is a secret, so the problem never repeats it.
  if (/^sk_(?:test|live)_\w+$/.test(raw)) return { value: raw };
  return {
    problem:
      'is not a secret key of the form sk_test_… or sk_live_…. Copy it from the Clerk Dashboard (Configure > API keys > Secret keys).',
  };
}

function split(raw: string): string[] {
  return raw.split(/[\s,]+/).filter(Boolean);
}

function whole(min: number, max: number): Parser<number> {
  return (raw) => {
    const value = /^\d+$/.test(raw) ? Number(raw) : NaN;
    if (value >= min && value <= max) return { value };
    return { problem: `"${raw}" is not a whole number from ${min} to ${max}.` };
  };
}

function sized(
  units: Record<string, number>,
  expected: string,
  { min = 1, max }: { min?: number; max: number },
): Parser<number> {
  return (raw) => {
    const match = /^(\d+)\s*([a-z]*)$/i.exec(raw);
    const unit = units[(match?.[2] ?? '').toLowerCase()];
    const value = match && unit ? Number(match[1]) * unit : NaN;
    if (value >= min && value <= max) return { value };
    return { problem: `"${raw}" is not ${expected}, at least ${min} and at most ${max}.` };
  };
}

function oneOf<const T>(choices: Record<string, T>): Parser<T> {
  return (raw) => {
    const choice = Object.entries(choices).find(([name]) => name === raw.toLowerCase());
    if (choice) return { value: choice[1] };
    return { problem: `"${raw}" is none of ${Object.keys(choices).join(', ')}.` };
  };
}

function matching(pattern: RegExp, cure: string): Parser<string> {
  return (raw) =>
    pattern.test(raw) ? { value: raw } : { problem: `"${raw}" cannot be used: ${cure}.` };
}

function url(protocols: string[], example: string): Parser<string> {
  return (raw) => {
    // The value may hold a password, so the problem never repeats it.
    const isUrl = protocols.some((protocol) => raw.startsWith(`${protocol}//`));
    if (isUrl && URL.canParse(raw)) return { value: raw };
    return {
      problem: `is not a URL of the form ${example}. Percent-encode special characters in a password.`,
    };
  };
}
