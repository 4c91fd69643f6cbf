/** The sources as plain JavaScript: a process starts in half the time that it needs to read TypeScript, and the tests start hundreds. */
import { transformFile } from '@swc/core';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '../..');

export interface Build {
  directory: string;
  remove: () => void;
}

/** Beside `src`, because some of it looks for `prisma` and `package.json` from there. */
export async function buildSources(): Promise<Build> {
  const directory = mkdtempSync(path.join(ROOT, '.test-build-'));
  const sources = path.join(ROOT, 'src');
  await Promise.all(
    listFiles(sources).map(async (file) => {
      const { code } = await transformFile(path.join(sources, file), {
        jsc: { parser: { syntax: 'typescript' }, target: 'es2023' },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      });
      const output = path.join(directory, file.replace(/\.ts$/, '.js'));
      mkdirSync(path.dirname(output), { recursive: true });
      writeFileSync(output, code);
    }),
  );
  return { directory, remove: () => rmSync(directory, { recursive: true, force: true }) };
}

function listFiles(directory: string): string[] {
  const entries = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  return entries.filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'));
}

/** How a process of ours is started from `src`, as `ingest.ts`: the build where `npm test` has made one. */
export function argumentsFor(file: string): string[] {
  const build = process.env['TEST_BUILD'];
  if (!build) {
    const typescript = path.join(ROOT, 'scripts/typescript.mjs');
    return ['--import', typescript, path.join(ROOT, 'src', file)];
  }
  return ['--enable-source-maps', path.join(build, file.replace(/\.ts$/, '.js'))];
}
