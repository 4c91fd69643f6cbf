/** `npm run rehearse`: builds the image's tree as the Dockerfile says, without Docker, and lets it work. For machines that have no Docker, CI's among them. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startEmbeddedPostgres } from '../../src/system/embedded-postgres.js';
import { createDatabaseOn } from '../support/database.js';
import { findFreePort } from '../support/ports.js';
import { startRedis } from '../support/redis-server.js';
import { buildImage } from './build-image.js';
import { measureImage } from './measure-image.js';
import { tryImage } from './try-image.js';

const started = Date.now();
const note = (line: string) => {
  process.stdout.write(`${((Date.now() - started) / 1000).toFixed(1)} s  ${line}\n`);
};
const output = mkdtempSync(path.join(tmpdir(), 'clerk-sync-image-'));
chmodSync(output, 0o755); // the image's user, and Postgres', must get in
const closers: (() => Promise<void> | void)[] = [
  () => rmSync(output, { recursive: true, force: true }),
];

try {
  const image = buildImage({ context: path.resolve(import.meta.dirname, '../..'), output, note });
  for (const { part, megabytes } of measureImage(image)) {
    if (megabytes >= 0.1) note(`${megabytes.toFixed(1)} MB  ${part}`);
  }
  const postgres = await startEmbeddedPostgres({
    directory: path.join(output, 'data'),
    port: await findFreePort(),
    settings: { fsync: 'off' },
  });
  closers.push(postgres.stop);
  const redis = await startRedis();
  if (!redis) throw new Error('No redis-server or valkey-server was found. Install one.');
  closers.push(redis.stop);
  const database = await createDatabaseOn(postgres.url, { name: 'rehearsal', migrated: false });
  await tryImage({ image, database, redisUrl: redis.url, note });
  await database.drop();
  note('the image is complete');
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  for (const close of closers.reverse()) await close();
}
