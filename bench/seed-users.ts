/** Fills the mirror with users whose events came long ago: rows, versions, and ledger rows as `npm run prune` leaves them. */
import { createEvents, userIdAt } from './events.js';
import { type BenchDatabase } from './servers.js';

export interface SeedOptions {
  /** Of the stream whose events are going to be about them. */
  seed: string;
  users: number;
}

const TEMPLATES = 64;
const BATCH_SIZE = 5_000;
/** As many as there are cores to do it. */
const BATCHES_IN_FLIGHT = 2;
/** Before the time of every event. */
const SEEDED_AT = '2025-06-01T00:00:00.000Z';

export async function seedUsers(
  database: BenchDatabase,
  { seed, users }: SeedOptions,
): Promise<void> {
  await createTemplates(database);
  let next = 0;
  const work = async () => {
    while (next < users) {
      const from = next;
      next = Math.min(users, from + BATCH_SIZE);
      const ids = Array.from({ length: next - from }, (_, index) => userIdAt(seed, from + index));
      await insertUsers(database, ids);
    }
  };
  await Promise.all(Array.from({ length: BATCHES_IN_FLIGHT }, work));
  for (const table of ['users', 'entity_versions', 'webhook_events'])
    await database.query(`VACUUM (ANALYZE) clerk.${table}`);
}

/** Users as events bring them, of mixed sizes, each with a mark in place of its id. */
async function createTemplates(database: BenchDatabase): Promise<void> {
  const events = [...createEvents({ seed: 'stored', count: TEMPLATES })];
  const texts = events.map(({ body, entityId }) => {
    const { data } = JSON.parse(body) as { data: unknown };
    return JSON.stringify(data).replaceAll(entityId, '@id');
  });
  await database.query('CREATE SCHEMA IF NOT EXISTS bench');
  await database.query(
    `CREATE TABLE bench.templates AS SELECT n - 1 AS n, text FROM unnest($1::text[]) WITH ORDINALITY AS t(text, n)`,
    [texts],
  );
}

async function insertUsers(database: BenchDatabase, ids: readonly string[]): Promise<void> {
  await database.query(
    `WITH made AS (
       SELECT r.id, 'msg_' || substr(r.id, 6) AS event_id, $2::timestamptz AS at, replace(t.text, '@id', r.id)::jsonb AS data
       FROM unnest($1::text[]) WITH ORDINALITY AS r(id, n) JOIN bench.templates t ON t.n = r.n % ${TEMPLATES}
     ), rows AS (
       INSERT INTO clerk.users (id, email, first_name, last_name, username, image_url, role, status, public_metadata, private_metadata,
         unsafe_metadata, created_at, updated_at, data)
       SELECT id, lower(id) || '@example.com', data->>'first_name', data->>'last_name', data->>'username', data->>'image_url', 'client',
         'active', data->'public_metadata', data->'private_metadata', data->'unsafe_metadata', at, at, data FROM made
     ), versions AS (
       INSERT INTO clerk.entity_versions (entity_type, entity_id, version_updated_at, version_occurred_at, version_event_id)
       SELECT 'user', id, at, at, event_id FROM made
     )
     INSERT INTO clerk.webhook_events (id, type, entity_type, entity_id, occurred_at, received_at, processed_at, outcome)
     SELECT event_id, 'user.created', 'user', id, at, at, at, 'applied' FROM made`,
    [ids, SEEDED_AT],
  );
}
