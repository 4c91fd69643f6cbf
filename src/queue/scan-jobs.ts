/** Every job that the queue holds, in whatever state, page by page. A job that changes its state meanwhile is not missed. */
import { type Queue } from 'bullmq';
import { type Pool } from 'pg';
import { scanJson } from '../clerk/json.js';
import { isRecord } from '../record.js';
import { findServer, type RedisClient } from './connect-redis.js';

export interface StoredJob {
  id: string;
  /** As somebody put it there: ingest, or a stranger. */
  data: unknown;
}

const PAGE_SIZE = 500;

/**
 * By the jobs' own keys, which they keep from state to state; whatever is there from the first page to the last is found, and some
 * of it twice. Other applications' keys in the same Redis are passed over, which takes time, too.
 */
export async function* scanRedis(
  client: RedisClient,
  queue: Pick<Queue, 'toKey'>,
): AsyncGenerator<StoredJob[]> {
  const prefix = queue.toKey('');
  const pattern = `${prefix.replace(/[\\*?[\]]/g, '\\$&')}*`;
  const server = await findServer(client, prefix);
  let cursor = '0';
  do {
    const [next, keys] = await server.scan(
      cursor,
      'MATCH',
      pattern,
      'COUNT',
      PAGE_SIZE,
      'TYPE',
      'hash',
    );
    cursor = next;
    const bodies = await Promise.all(keys.map((key) => client.hget(key, 'data')));
    yield keys.flatMap((key, index) => {
      const text = bodies[index];
      return text ? [{ id: key.slice(prefix.length), data: parse(text) }] : []; // the queue's own hashes have none
    });
  } while (cursor !== '0');
}

export async function* scanPostgres(pool: Pool, queueName: string): AsyncGenerator<StoredJob[]> {
  let last: string | undefined = '';
  do {
    const page: { rows: StoredJob[] } = await pool.query<StoredJob>(
      `SELECT id, data FROM job WHERE queue = $1 AND id > $2 ORDER BY id LIMIT ${PAGE_SIZE}`,
      [queueName, last],
    );
    if (page.rows.length > 0) yield page.rows;
    last = page.rows.at(-1)?.id;
  } while (last !== undefined);
}

/** The envelope that a job carries; as text when it cannot be read. What is no job of ours is its data as it is. */
export function readStoredBody({ data }: StoredJob): unknown {
  const body = isRecord(data) ? data['body'] : undefined;
  if (typeof body !== 'string') return data;
  return scanJson(body).isTooDeep ? body : parse(body);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
