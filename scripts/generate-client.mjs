// Generates the Prisma client when the schema or Prisma changed since the last time. Needs no network. Plain JavaScript: it runs before anything is compiled.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
const generated = path.join(root, 'src/db/generated');
const stamp = path.join(generated, '.stamp');

/** Does nothing, in about a millisecond, when the client is up to date. Throws with Prisma's own output when it cannot be made. */
export function generateClient() {
  const schema = path.join(root, 'prisma/schema.prisma');
  if (!existsSync(schema)) return;
  const prisma = path.join(root, 'node_modules/prisma');
  const fingerprint = createHash('sha256')
    .update(readFileSync(schema))
    .update(JSON.parse(readFileSync(path.join(prisma, 'package.json'), 'utf8')).version)
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprint) return;
  const result = spawnSync(process.execPath, [path.join(prisma, 'build/index.js'), 'generate'], {
    cwd: root,
    encoding: 'utf8',
    // `generate` never runs the schema engine, yet the CLI downloads one unless a file is named: any existing file will do.
    env: {
      ...process.env,
      PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
      PRISMA_HIDE_UPDATE_MESSAGE: '1',
    },
  });
  if (result.status !== 0) {
    throw new Error(`The Prisma client could not be generated:\n${result.stdout}${result.stderr}`);
  }
  writeFileSync(stamp, fingerprint);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) generateClient();
