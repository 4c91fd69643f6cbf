/** Configuration: a pure function of an environment. Reports every problem at once, each with its cure. */
import { SIGNING_SECRET_NAMES, type Environment } from './environment.js';
import { SyncError } from './errors.js';
import { parsers as p, type Parser } from './config-parsers.js';
import { splitRedisUrls } from './redis-urls.js';

/** Every variable, its default as it would stand in the environment, and how it is read. `.env.example` is kept equal to it by a test. */
export const VARIABLES = {
  CLERK_INSTANCE_ID: variable(undefined, p.text),
  DATABASE_URL: variable(undefined, p.postgresUrl),
  DIRECT_DATABASE_URL: variable(undefined, p.postgresUrl),
  DATABASE_SCHEMA: variable('clerk', p.schemaName),
  DATA_DIR: variable('.data', p.text),
  REDIS_URL: variable(undefined, p.redisUrl),
  REDIS_CLUSTER: variable('false', p.flag),
  QUEUE_PREFIX: variable('bull', p.queuePrefix),
  PORT: variable('4000', p.port),
  HOST: variable('0.0.0.0', p.text),
  WEBHOOK_PATHS: variable('/api/webhooks,/api/clerk-webhook', p.paths),
  BODY_LIMIT: variable('1mb', p.bytes),
  OPS_HOST: variable('127.0.0.1', p.text),
  INGEST_OPS_PORT: variable('4001', p.port),
  WORKER_OPS_PORT: variable('4002', p.port),
  BOARD_HOST: variable('127.0.0.1', p.text),
  BOARD_PORT: variable('4003', p.port),
  BOARD_USERNAME: variable(undefined, p.text),
  BOARD_PASSWORD: variable(undefined, p.text),
  CLERK_SECRET_KEY: variable(undefined, p.clerkSecretKey),
  CLERK_API_URL: variable('https://api.clerk.com', p.httpUrl),
  DEFAULT_USER_ROLE: variable('client', p.text),
  USER_ROLES: variable(undefined, p.list),
  SYNC_ENTITIES: variable(undefined, p.entities),
  STORE_PRIVATE_METADATA: variable('true', p.flag),
  LOG_LEVEL: variable('info', p.logLevel),
  LOG_FORMAT: variable('auto', p.logFormat),
  OTEL_EXPORTER_OTLP_ENDPOINT: variable(undefined, p.text),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: variable(undefined, p.text),
  OTEL_EXPORTER_OTLP_HEADERS: variable(undefined, p.text),
  OTEL_EXPORTER_OTLP_PROTOCOL: variable('http/protobuf', p.text),
  OTEL_TRACES_EXPORTER: variable(undefined, p.text),
  OTEL_TRACES_SAMPLER: variable('parentbased_always_on', p.text),
  OTEL_TRACES_SAMPLER_ARG: variable(undefined, p.text),
  OTEL_SERVICE_NAME: variable(undefined, p.text),
  OTEL_RESOURCE_ATTRIBUTES: variable(undefined, p.text),
  OTEL_SDK_DISABLED: variable('false', p.text),
  WORKER_TASKS: variable('mirror,handlers', p.tasks),
  WORKER_CONCURRENCY: variable('600', p.positive),
  WORKER_BATCH_SIZE: variable('200', p.positive),
  JOB_ATTEMPTS: variable('8', p.positive),
  HANDLER_CONCURRENCY: variable('10', p.positive),
  HANDLER_TIMEOUT: variable('60s', p.timeout),
  HANDLER_ATTEMPTS: variable('10', p.positive),
  STALLED_LIMIT: variable('50', p.positive),
  COMPLETED_JOB_AGE: variable('28h', p.seconds),
  COMPLETED_JOB_COUNT: variable('100000', p.positive),
  FAILED_JOB_AGE: variable('90d', p.seconds),
  RECONCILE_EVERY: variable(undefined, p.interval),
  EVENT_RETENTION_DAYS: variable('90', p.days),
  SESSION_RETENTION_DAYS: variable('90', p.days),
  DATABASE_LOCK_TIMEOUT: variable('10s', p.timeout),
  DATABASE_IDLE_TIMEOUT: variable('10s', p.timeout),
  SHUTDOWN_GRACE: variable('20s', p.timeout),
  SHUTDOWN_DELAY: variable('0s', p.pause),
} as const;

type Variables = typeof VARIABLES;
type Value<N extends keyof Variables> =
  Variables[N] extends Variable<infer T, infer D>
    ? D extends undefined
      ? T | undefined
      : T
    : never;

export type Config = { readonly [N in keyof Variables]: Value<N> } & {
  readonly signingSecrets: readonly string[];
};

/** What a process cannot do without. */
export type Need = 'signing-secret' | 'database' | 'queue' | 'clerk';

/**
 * Reads the whole configuration.
 * @throws SyncError `config.invalid` whose message lists every problem, one a line, each with its cure.
 */
export function readConfig(environment: Environment, needs: readonly Need[] = []): Config {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, { fallback, parse }] of Object.entries<Variable<unknown, string | undefined>>(
    VARIABLES,
  )) {
    const raw = environment[name] || fallback; // empty counts as unset
    if (raw === undefined) continue;
    const result = parse(raw);
    if ('problem' in result) problems.push(`${name}: ${result.problem}`);
    else values[name] = result.value;
  }
  const signingSecrets = readSigningSecrets(environment, problems);
  values['signingSecrets'] = signingSecrets;
  // Several nodes are a cluster without saying so.
  values['REDIS_CLUSTER'] ||= splitRedisUrls(environment['REDIS_URL'] ?? '').length > 1;
  // The loop above fills exactly the names of VARIABLES, each through its own parser.
  const config = values as Config;
  const met: Record<Need, boolean> = {
    'signing-secret': signingSecrets.length > 0,
    database: Boolean(environment['DATABASE_URL']),
    queue: Boolean(environment['REDIS_URL'] || environment['DATABASE_URL']),
    clerk: Boolean(environment['CLERK_SECRET_KEY']),
  };
  problems.push(...needs.filter((need) => !met[need]).map((need) => CURES[need]));
  if (config.SHUTDOWN_DELAY >= config.SHUTDOWN_GRACE)
    problems.push('SHUTDOWN_DELAY: must be shorter than SHUTDOWN_GRACE, of which it is a part.');
  if (config.RECONCILE_EVERY !== undefined && !met.clerk) {
    problems.push('RECONCILE_EVERY is set, and CLERK_SECRET_KEY is not: set both, or neither.');
  }
  if (config.REDIS_CLUSTER && !environment['REDIS_URL']) {
    problems.push('REDIS_CLUSTER is set, and REDIS_URL is not: set both, or neither.');
  }
  const clusterProblem = findClusterProblem(config);
  if (clusterProblem !== null) problems.push(clusterProblem);
  if (problems.length > 0) throw new SyncError('config.invalid', problems.join('\n'));
  return config;
}

function readSigningSecrets(environment: Environment, problems: string[]): string[] {
  const name = SIGNING_SECRET_NAMES.find((candidate) => environment[candidate]);
  if (!name) return [];
  const secrets = (environment[name] ?? '').split(/[\s,]+/).filter(Boolean);
  for (const [index, secret] of secrets.entries()) {
    const problem = p.signingSecret(secret);
    if ('problem' in problem) problems.push(`${name}, secret ${index + 1}: ${problem.problem}`);
  }
  return secrets;
}

/** One node of a cluster keeps all keys with the same hash tag, and BullMQ's scripts need all keys of a queue. */
function findClusterProblem(config: Partial<Config>): string | null {
  const { REDIS_URL, REDIS_CLUSTER, QUEUE_PREFIX } = config;
  if (!REDIS_CLUSTER || REDIS_URL === undefined || QUEUE_PREFIX === undefined) return null;
  if (!/\{[^}]+\}/.test(QUEUE_PREFIX)) {
    const cure = `Set QUEUE_PREFIX={${QUEUE_PREFIX.replace(/[{}]/g, '')}}.`;
    return `REDIS_URL names a cluster, and QUEUE_PREFIX (${QUEUE_PREFIX}) would spread the queue over its nodes. ${cure}`;
  }
  const isOther = splitRedisUrls(REDIS_URL).some((url) => !/^\/?0?$/.test(new URL(url).pathname));
  return isOther
    ? 'REDIS_URL names a database: a cluster has none but 0. Leave the number out.'
    : null;
}

const CURES: Record<Need, string> = {
  'signing-secret':
    'CLERK_WEBHOOK_SIGNING_SECRET is not set. Copy it from the Clerk Dashboard (Configure > Webhooks > your endpoint > Signing Secret), or run `npm start`, which makes one for local use.',
  database:
    'DATABASE_URL is not set. Set it to your Postgres (postgres://user:password@host:5432/name), or run `npm start` first: it brings a Postgres of its own.',
  queue:
    'Neither REDIS_URL nor DATABASE_URL is set, so there is no place for the queue. Set one of them, or run `npm start` first.',
  clerk:
    'CLERK_SECRET_KEY is not set. Copy it from the Clerk Dashboard (Configure > API keys > Secret keys); it starts with sk_.',
};

interface Variable<T, D extends string | undefined> {
  fallback: D;
  parse: Parser<T>;
}

function variable<T, D extends string | undefined>(fallback: D, parse: Parser<T>): Variable<T, D> {
  return { fallback, parse };
}
