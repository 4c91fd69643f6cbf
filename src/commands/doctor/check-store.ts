/** Where the queue lives, and whether what is acknowledged is safe there. */
import { type PostgresStore, type RedisStore } from '../../queue/contract.js';
import { compareVersions } from './check-node.js';
import { bad, ok, skipped, warn, type Finding } from './finding.js';
import { type Patient } from './patient.js';
import { formatPlace, isNearby } from './place.js';
import { splitRedisUrls } from '../../redis-urls.js';

const FILLING_SHARE = 0.8;
const FULL_SHARE = 0.95;
const MEGABYTE = 1024 ** 2;

export async function checkStore({ config, queue, directUrl = '' }: Patient): Promise<Finding[]> {
  if (queue.state === 'unset') return [skipped(queue.reason)];
  const url = config.REDIS_URL ?? directUrl;
  if (queue.state === 'away') {
    const name = config.REDIS_URL ? 'REDIS_URL' : 'DATABASE_URL';
    const product = config.REDIS_URL ? 'Redis' : 'Postgres';
    const found = `The ${product} at ${formatPlaces(url)} cannot be used: ${queue.trouble}`;
    return [bad(found, `Start it, or correct ${name}.`)];
  }
  return queue.store.kind === 'redis' ? judgeRedis(queue.store, url) : [judgePostgres(queue.store)];
}

export function judgePostgres({ schema }: Pick<PostgresStore, 'schema'>): Finding {
  if (schema === 'current') return ok('in Postgres, which suits development and low volume');
  return bad(
    schema === 'missing'
      ? 'The queue is in Postgres (REDIS_URL is not set), and its tables are missing'
      : 'The queue is in Postgres (REDIS_URL is not set), and its tables are of an older version',
    'Run `npm run migrate`.',
  );
}

/** @param url REDIS_URL. */
export function judgeRedis(store: RedisStore, url: string): Finding[] {
  const { product, version, clock } = store;
  const findings = [
    ok(
      `${product} ${version} at ${formatPlaces(url)}, answers within ${clock.latencyMs.toFixed(1)} ms; ${formatUse(store)}`,
    ),
    ...judgeVersion(store),
    ...judgeDurability(store),
    ...judgeMemory(store),
    ...judgeTopology(store, url),
  ];
  return findings;
}

function judgeVersion(store: RedisStore): Finding[] {
  const { version, minimumVersion, recommendedVersion } = store;
  const isOlderThan = (other: string | null) =>
    other !== null && /^\d/.test(version) && compareVersions(version, other) < 0;
  const cure = `Upgrade to ${recommendedVersion ?? 'a newer one'} or newer.`;
  if (isOlderThan(minimumVersion)) {
    return [bad(`Redis ${version} is older than ${minimumVersion}, which BullMQ needs`, cure)];
  }
  if (!isOlderThan(recommendedVersion)) return [];
  return [warn(`Redis ${version} is older than BullMQ recommends`, cure)];
}

function judgeDurability({ evictionPolicy, isPersistent, hasWriteFailed }: RedisStore): Finding[] {
  const findings: Finding[] = [];
  if (evictionPolicy !== 'noeviction') {
    const found = `maxmemory-policy is ${evictionPolicy}: short of memory, it throws away events that were acknowledged`;
    findings.push(bad(found, 'Set maxmemory-policy noeviction.'));
  }
  if (!isPersistent) {
    const found = 'No append-only file is kept: a crash loses events that were acknowledged';
    findings.push(warn(found, 'Set appendonly yes.'));
  }
  if (hasWriteFailed) {
    const found = 'Its last write to disk failed, and it may refuse new events';
    findings.push(bad(found, "See Redis's own log; the disk may be full."));
  }
  return findings;
}

function judgeMemory({ usedBytes, maxBytes }: RedisStore): Finding[] {
  if (maxBytes === null || usedBytes < maxBytes * FILLING_SHARE) return [];
  const judge = usedBytes < maxBytes * FULL_SHARE ? warn : bad;
  const found = `${formatUse({ usedBytes, maxBytes })}: when it is full, it refuses new events`;
  return [judge(found, 'Raise maxmemory, or lower COMPLETED_JOB_COUNT and COMPLETED_JOB_AGE.')];
}

function judgeTopology({ isReplica }: RedisStore, url: string): Finding[] {
  const findings: Finding[] = [];
  if (isReplica) {
    const found = 'It is a replica, which takes no events';
    findings.push(bad(found, 'Let REDIS_URL name the primary.'));
  }
  if (!url.startsWith('rediss:') && !splitRedisUrls(url).every(isNearby)) {
    const found = 'The connection is not encrypted, and the server is on another network';
    findings.push(warn(found, 'Use rediss:// in REDIS_URL.'));
  }
  return findings;
}

function formatPlaces(url: string): string {
  return splitRedisUrls(url).map(formatPlace).join(', ');
}

function formatUse({ usedBytes, maxBytes }: Pick<RedisStore, 'usedBytes' | 'maxBytes'>): string {
  const toMegabytes = (bytes: number) => (bytes / MEGABYTE).toFixed(1);
  const limit = maxBytes === null ? '' : ` of ${toMegabytes(maxBytes)}`;
  return `${toMegabytes(usedBytes)}${limit} MB are used`;
}
