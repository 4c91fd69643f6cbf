/** REDIS_URL: one server, or several nodes of one cluster, separated by commas. Pure. */

/** A comma within a password does not separate. */
const BETWEEN_URLS = /[\s,]+(?=rediss?:\/\/)/;

/** At least one; of a single server it is the whole text. */
export function splitRedisUrls(redisUrl: string): string[] {
  return redisUrl.split(BETWEEN_URLS);
}
