/** Versions of the packages that take part, as installed: figures of other versions are other figures. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const PACKAGES = ['bullmq', 'ioredis', '@prisma/client', 'pg', 'express', 'svix'] as const;
const require = createRequire(import.meta.url);

export function readVersions(): Record<string, string> {
  const versions: Record<string, string> = { Node: process.versions.node };
  for (const name of PACKAGES) versions[name] = readVersion(name);
  return versions;
}

/** By its folder: a package need not export its package.json. */
function readVersion(name: string): string {
  for (const folder of require.resolve.paths(name) ?? []) {
    try {
      const manifest = readFileSync(path.join(folder, name, 'package.json'), 'utf8');
      return (JSON.parse(manifest) as { version: string }).version; // every installed package has one
    } catch {
      continue; // it is in a folder further up
    }
  }
  return 'unknown';
}
