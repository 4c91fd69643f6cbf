/** Makes the tables of the queue that lives in Postgres. BullMQ keeps their history, under an advisory lock of its own. */
import { runMigrations } from 'bullmq';
import { nameTransactionPooler } from '../pooler.js';
import { openQueuePool, QUEUE_SCHEMA } from './postgres.js';

export async function migrateQueue({ databaseUrl }: { databaseUrl: string }): Promise<void> {
  const pool = openQueuePool(databaseUrl, { max: 1, connectionTimeoutMillis: 10_000 });
  pool.on('error', () => {
    // The statement that is under way reports the lost connection itself.
  });
  try {
    const client = await pool.connect();
    try {
      await runMigrations(client, QUEUE_SCHEMA);
    } finally {
      client.release();
    }
  } catch (error) {
    throw nameTransactionPooler(error);
  } finally {
    await pool.end();
  }
}
