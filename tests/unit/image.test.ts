/** The Dockerfile by rules that can be checked without Docker; `npm run rehearse` carries it out. */
import ignore from '@balena/dockerignore';
import { validate } from 'dockerfile-utils';
import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import path from 'node:path';
import { VARIABLES } from '../../src/config.js';
import { NODE_FLAGS } from '../../src/node-flags.js';
import { CHILDREN } from '../../src/system/children.js';
import { readDockerfile, type Stage } from '../rehearsal/read-dockerfile.js';
import { readImageCommand } from '../support/image-command.js';
import { findFreePort } from '../support/ports.js';

const ROOT = path.resolve(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');
const stages = readDockerfile(read('Dockerfile'));
const [build, final] = stages as [Stage, Stage]; // the first test says that there are two
const fromContext = stages.flatMap(({ steps }) =>
  steps.flatMap((step) => (step.kind === 'copy' && step.from === undefined ? step.sources : [])),
);
const portNames = ['PORT', 'INGEST_OPS_PORT', 'WORKER_OPS_PORT', 'BOARD_PORT'] as const;

describe('the Dockerfile', () => {
  test('has no fault that the parser knows', () => {
    expect(validate(read('Dockerfile'))).toEqual([]);
    expect(stages.map(({ name }) => name)).toEqual(['build', undefined]);
  });

  test('stands on one image of Node, Debian and all, pinned to its minor version', () => {
    for (const { base } of stages) expect(base).toMatch(/^node:\d+\.\d+(\.\d+)?-\w+-slim$/);
    expect(new Set(stages.map(({ base }) => base)).size).toBe(1);
  });

  test('installs from the lockfile, without scripts, before the sources are there', () => {
    const kinds = build.steps.map((step) => (step.kind === 'copy' ? step.sources : step.kind));
    const install = build.steps.findIndex(
      (step) => step.kind === 'run' && /^npm ci /.test(step.command),
    );
    expect(kinds.slice(0, install)).toContainEqual(['package.json', 'package-lock.json', '.npmrc']);
    expect(kinds.slice(0, install)).not.toContainEqual(['src']);
  });

  test('runs nothing that fetches from elsewhere, and nothing in the image that is shipped', () => {
    for (const step of build.steps) {
      if (step.kind === 'run') expect(step.command).not.toMatch(/\b(curl|wget|apt|apk|sudo|cd)\b/);
    }
    expect(final.steps.filter(({ kind }) => kind === 'run')).toEqual([]);
  });

  test('is not root when it runs, and says so by number', () => {
    const users = final.steps.flatMap((step) => (step.kind === 'user' ? [step.user] : []));
    expect(users).toEqual(['1000:1000']);
    const copiesAfterwards = final.steps
      .slice(final.steps.findIndex(({ kind }) => kind === 'user'))
      .filter(({ kind }) => kind === 'copy');
    expect(copiesAfterwards).toEqual([]);
  });

  test('starts ingest unless it is told otherwise, without a shell in between', () => {
    const commands = final.steps.flatMap((step) => (step.kind === 'command' ? [step.words] : []));
    expect(commands.map(readImageCommand)).toEqual(['ingest']);
    accessSync(path.join(ROOT, 'run.mjs'), constants.X_OK);
  });

  test('holds no secret and no setting of ours', () => {
    const variables = stages.flatMap(({ steps }) =>
      steps.flatMap((step) => (step.kind === 'environment' ? Object.keys(step.variables) : [])),
    );
    expect(variables).toEqual(['NODE_ENV']);
  });

  test('names the ports that are listened on', () => {
    const exposed = final.steps.flatMap((step) =>
      step.kind === 'note' && step.keyword === 'EXPOSE' ? step.words : [],
    );
    expect(exposed).toEqual(portNames.map((name) => VARIABLES[name].fallback));
  });
});

describe('.dockerignore', () => {
  const rules = ignore.default().add(read('.dockerignore'));
  const allowed = [...read('.dockerignore').matchAll(/^!(.+)$/gm)].map(([, file = '']) => file);

  test('lets through what is copied', () => {
    for (const file of fromContext) {
      expect([file, existsSync(path.join(ROOT, file))]).toEqual([file, true]);
      expect([file, rules.ignores(file)]).toEqual([file, false]);
    }
  });

  test('lets nothing else through, secrets least of all', () => {
    const unused = allowed.filter(
      (file) => !fromContext.some((copied) => copied === file || copied.startsWith(`${file}/`)),
    );
    expect(unused).toEqual([]);
    for (const file of ['.env', '.env.local', '.git/config', 'node_modules/pg', '.data/x', 'tests'])
      expect([file, rules.ignores(file)]).toEqual([file, true]);
  });
});

describe('run.mjs', () => {
  test('gives Node the flags that the processes want', () => {
    const [shebang = ''] = read('run.mjs').split('\n');
    const flags = new Set(Object.values(NODE_FLAGS).flat());
    expect(shebang).toBe(`#!/usr/bin/env -S node ${[...flags].join(' ')}`);
  });

  test('knows the processes that there are', () => {
    const names = /PROCESSES = \[(.*)\]/.exec(read('run.mjs'))?.[1]?.replaceAll("'", '');
    expect(names?.split(', ')).toEqual(CHILDREN.map(({ name }) => name));
  });
});

describe('the HEALTHCHECK', () => {
  const step = final.steps.find(({ kind }) => kind === 'health');
  if (step?.kind !== 'health') throw new Error('There is none.');
  const { words, options } = step;

  test('runs a file that the image has, and gives up before it is asked again', () => {
    expect(words).toEqual(['node', 'scripts/healthcheck.mjs']);
    expect(fromContext).toContain('scripts/healthcheck.mjs');
    expect(parseFloat(options['timeout'] ?? '')).toBeLessThan(
      parseFloat(options['interval'] ?? ''),
    );
  });

  test('asks where the processes answer by default', () => {
    for (const { opsHost, opsPort } of CHILDREN)
      expect(read('scripts/healthcheck.mjs')).toContain(
        `[${opsHost}, ${opsPort} || ${VARIABLES[opsPort].fallback}]`,
      );
  });

  test.each(CHILDREN)('is well while $name answers, and unwell afterwards', async ({ opsPort }) => {
    const server = createServer((request, answer) => {
      answer.writeHead(request.url === '/healthz' ? 200 : 404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo; // a TCP server's address is an object
    const closed = `${await findFreePort()}`;
    const ports = Object.fromEntries(CHILDREN.map((child) => [child.opsPort, closed]));
    const settings = { ...ports, OPS_HOST: '0.0.0.0', [opsPort]: `${port}` };
    expect(await checkHealth(settings)).toBe(0);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    expect(await checkHealth(settings)).toBe(1);
  });
});

function checkHealth(settings: Record<string, string>): Promise<number | null> {
  const child = spawn(process.execPath, [path.join(ROOT, 'scripts/healthcheck.mjs')], {
    env: settings,
    stdio: 'ignore',
  });
  return new Promise((resolve) => child.once('exit', resolve));
}
