/** The sources as plain JavaScript: a process starts in half the time that it needs to read TypeScript, and the tests start hundreds. */
import { transform } from '@swc/core';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '../..');

export interface Build {
  directory: string;
  remove: () => void;
}

/** A tree like the project's own, within it: some of it looks for `prisma`, `package.json` or its packages from where it stands. */
export async function buildSources(folders: readonly string[] = ['src']): Promise<Build> {
  const directory = mkdtempSync(path.join(ROOT, '.test-build-'));
  const files = folders.flatMap(listFiles);
  await Promise.all(
    files.map(async (file) => {
      write(path.join(directory, toJavaScript(file)), await translate(file));
    }),
  );
  copyFileSync(path.join(ROOT, 'package.json'), path.join(directory, 'package.json'));
  symlinkSync(path.join(ROOT, 'prisma'), path.join(directory, 'prisma'), 'junction');
  return { directory, remove: () => rmSync(directory, { recursive: true, force: true }) };
}

/** The sources with another owner's `src/handlers`: the file `table`, which imports ours from where it stands. */
export async function buildWithHandlers(table: string): Promise<Build> {
  const code = readSource(table).replaceAll(/'(?:\.\.\/)+src\//g, "'../");
  return buildWithFiles(new Map([['src/handlers/index.ts', code]]));
}

/** The sources with these in their place or beside them: TypeScript, by path. */
export async function buildWithFiles(files: ReadonlyMap<string, string>): Promise<Build> {
  const build = await buildSources();
  try {
    for (const [file, code] of files) {
      write(path.join(build.directory, toJavaScript(file)), await translate(file, code));
    }
  } catch (error) {
    build.remove();
    throw error;
  }
  return build;
}

/** A whole clone of the project, to be run as its own scripts run it: `node start.mjs`. */
export async function buildClone(): Promise<Build> {
  const build = await buildSources();
  const inside = (file: string) => path.join(build.directory, file);
  mkdirSync(inside('scripts'));
  for (const file of ['start.mjs', 'scripts/install.mjs', 'package-lock.json'])
    copyFileSync(path.join(ROOT, file), inside(file));
  symlinkSync(path.join(ROOT, 'node_modules'), inside('node_modules'), 'junction');
  // There is nothing left to translate, and Node runs what a link leads to.
  writeFileSync(inside('scripts/typescript.mjs'), '');
  for (const name of ['system', 'ingest', 'worker', 'board'])
    symlinkSync(`${name}.js`, inside(`src/${name}.ts`));
  return build;
}

async function translate(file: string, source = readSource(file)): Promise<string> {
  const { code } = await transform(source, {
    filename: path.join(ROOT, file),
    jsc: { parser: { syntax: 'typescript' }, target: 'es2023' },
    module: { type: 'es6' },
    sourceMaps: 'inline',
  });
  return code;
}

function readSource(file: string): string {
  return readFileSync(path.join(ROOT, file), 'utf8');
}

function write(output: string, code: string): void {
  mkdirSync(path.dirname(output), { recursive: true });
  writeFileSync(output, code);
}

/** Where a file of the project is in a build of it. */
export function toJavaScript(file: string): string {
  return file.replace(/\.ts$/, '.js');
}

function listFiles(folder: string): string[] {
  return readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
    .map((file) => path.join(folder, file));
}

/** How a process of ours is started from `src`, as `ingest.ts`: from the build where there is one, as `npm test` makes it. */
export function argumentsFor(file: string, build = process.env['TEST_BUILD']): string[] {
  if (!build) {
    const typescript = path.join(ROOT, 'scripts/typescript.mjs');
    return ['--import', typescript, path.join(ROOT, 'src', file)];
  }
  return ['--enable-source-maps', path.join(build, 'src', toJavaScript(file))];
}
