import { spawnSync } from 'node:child_process';
import {
  accessSync,
  constants,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse as parseDotenv } from 'dotenv';
import { parse as parseYaml } from 'yaml';
import { readConfig, VARIABLES } from '../../src/config.js';
import { SIGNING_SECRET_NAMES } from '../../src/environment.js';
import { NODE_FLAGS } from '../../src/node-flags.js';

const ROOT = path.resolve(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');
const packageJson = JSON.parse(read('package.json')) as {
  scripts: Record<string, string>;
  dependencies: Record<string, string>;
  optionalDependencies: Record<string, string>;
  devDependencies: Record<string, string>;
};

describe('.env.example', () => {
  const example = read('.env.example');
  const given = parseDotenv(example);
  const commented = Object.fromEntries(
    [...example.matchAll(/^# ([A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [name, value]),
  );

  test('names every variable that the code reads, and no other', () => {
    expect([...Object.keys(given), ...Object.keys(commented)].sort()).toEqual(
      ['CLERK_WEBHOOK_SIGNING_SECRET', ...Object.keys(VARIABLES)].sort(),
    );
  });

  test('shows the default of everything that is commented out', () => {
    const defaults = Object.entries(VARIABLES)
      .filter(([name]) => !(name in given))
      .map(([name, { fallback }]) => [name, fallback ?? '']);
    expect(commented).toEqual(Object.fromEntries(defaults));
  });

  test('explains every variable in the lines above it', () => {
    const lines = example.split('\n');
    const unexplained = lines.filter((line, i) => {
      const isVariable = /^(# )?[A-Z_]+=/.test(line);
      return isVariable && !/^#? ?\w/.test(lines[i - 1] ?? '');
    });
    expect(unexplained).toEqual([]);
  });

  test('mentions every name under which the signing secret is read', () => {
    for (const name of SIGNING_SECRET_NAMES) expect(example).toContain(name);
  });

  test('becomes a valid configuration once the signing secret is set', () => {
    const secret = `whsec_${Buffer.alloc(24).toString('base64')}`;
    const environment = { ...given, CLERK_WEBHOOK_SIGNING_SECRET: secret };
    expect(readConfig(environment, ['signing-secret', 'database', 'queue'])).toBeDefined();
  });
});

describe('docker-compose.yml', () => {
  interface Service {
    image: string;
    command?: string[];
    environment?: Record<string, string>;
    ports: string[];
    volumes: string[];
    healthcheck: { test: string[] };
  }
  const compose = parseYaml(read('docker-compose.yml')) as {
    services: Record<'redis' | 'postgres', Service>;
    volumes: Record<string, unknown>;
  };
  const { redis, postgres } = compose.services;
  const example = parseDotenv(read('.env.example'));
  const redisUrl = new URL(example['REDIS_URL'] ?? '');
  const databaseUrl = new URL(example['DATABASE_URL'] ?? '');

  test('offers what the URLs of .env.example ask for, on this machine alone', () => {
    expect(redis.ports).toEqual([`127.0.0.1:${redisUrl.port}:6379`]);
    expect(postgres.ports).toEqual([`127.0.0.1:${databaseUrl.port}:5432`]);
    expect([redisUrl.hostname, databaseUrl.hostname]).toEqual(['127.0.0.1', '127.0.0.1']);
    expect(postgres.environment).toEqual({
      POSTGRES_USER: databaseUrl.username,
      POSTGRES_PASSWORD: databaseUrl.password,
      POSTGRES_DB: databaseUrl.pathname.slice(1),
    });
  });

  test('keeps what Redis holds: append-only file, no eviction', () => {
    const command = redis.command?.join(' ');
    expect(command).toContain('--appendonly yes');
    expect(command).toContain('--maxmemory-policy noeviction');
  });

  test('keeps the data in named volumes where the images put it', () => {
    expect(redis.volumes).toEqual(['redis-data:/data']);
    expect(postgres.volumes).toEqual(['postgres-data:/var/lib/postgresql']);
    expect(Object.keys(compose.volumes).sort()).toEqual(['postgres-data', 'redis-data']);
  });

  test('knows when each server is healthy, and pins its major version', () => {
    expect(redis.healthcheck.test.join(' ')).toMatch(/redis-cli.* ping$/);
    expect(postgres.healthcheck.test).toContain('pg_isready');
    expect(redis.image).toMatch(/^redis:\d/);
    expect(postgres.image).toMatch(/^postgres:18\b/);
  });
});

describe('the layer rule', () => {
  /** One file per violation; each imports something real, so that nothing but the rule can object. */
  const violations: [rule: string, file: string, imports: string][] = [
    ['http-imports-only-its-layers', 'src/http/a.ts', '../queue/ok.js'],
    ['http-imports-only-its-layers', 'src/http/b.ts', '../projections/ok.js'],
    ['ops-imports-only-its-layers', 'src/ops/a.ts', '../db/ok.js'],
    ['clerk-imports-only-its-layers', 'src/clerk/a.ts', '../db/ok.js'],
    ['queue-imports-only-its-layers', 'src/queue/a.ts', '../projections/ok.js'],
    ['projections-imports-only-its-layers', 'src/projections/a.ts', '../queue/ok.js'],
    ['db-imports-only-its-layers', 'src/db/a.ts', '../clerk/ok.js'],
    ['backfill-imports-only-its-layers', 'src/backfill/a.ts', '../queue/ok.js'],
    ['outbox-imports-only-its-layers', 'src/outbox/a.ts', '../projections/ok.js'],
    ['handlers-imports-only-its-layers', 'src/handlers/a.ts', '../queue/ok.js'],
    ['commands-imports-only-its-layers', 'src/commands/a.ts', '../http/ok.js'],
    ['system-imports-only-its-layers', 'src/system/a.ts', '../projections/ok.js'],
    ['leaves-import-only-leaves', 'src/leaf-a.ts', './clerk/ok.js'],
    ['nobody-imports-a-process', 'src/commands/b.ts', '../worker.js'],
    ['src-stands-alone', 'src/http/e.ts', '../../bench/ok.js'],
    ['src-stands-alone', 'src/leaf-b.ts', '../tests/ok.js'],
    ['every-folder-has-a-layer', 'src/helpers/a.ts', '../leaf.js'],
    ['express-enters-by-http-and-ops', 'src/commands/c.ts', 'express'],
    ['bullmq-enters-by-queue', 'src/ops/b.ts', 'bullmq'],
    ['ioredis-enters-by-queue', 'src/system/b.ts', 'ioredis'],
    ['@bull-board-enters-by-ops', 'src/http/d.ts', '@bull-board/api'],
    ['prom-client-enters-by-metrics', 'src/ops/c.ts', 'prom-client'],
    ['svix-enters-by-clerk', 'src/http/c.ts', 'svix'],
    ['csv-parse-enters-by-backfill', 'src/commands/e.ts', 'csv-parse'],
    ['@clerk-enters-by-clerk', 'src/commands/d.ts', '@clerk/backend'],
    ['@prisma-enters-by-db', 'src/projections/b.ts', '@prisma/adapter-pg'],
    ['generated-client-stays-in-db', 'src/projections/c.ts', '../db/generated/client.js'],
    ['pg-enters-by-db-and-queue', 'src/projections/d.ts', 'pg'],
    ['pg-enters-by-db-and-queue', 'src/worker.ts', 'pg'],
    ['no-cycle', 'src/clerk/c.ts', './d.js'],
    ['no-orphan', 'src/clerk/orphan.ts', ''],
    ['no-dev-dependency', 'src/db/b.ts', 'yaml'],
    ['no-undeclared-package', 'src/db/c.ts', 'estraverse'],
    ['no-unresolvable', 'src/db/d.ts', './nowhere.js'],
  ];
  const sound: [file: string, imports: string[]][] = [
    ...['http', 'ops', 'clerk', 'queue', 'projections', 'db', 'commands', 'system'].map(
      (name): [string, string[]] => [`src/${name}/ok.ts`, ['../leaf.js']],
    ),
    ['src/leaf.ts', ['./other-leaf.js', 'pino']],
    ['src/other-leaf.ts', []],
    ['src/ingest.ts', ['./http/ok.js', './queue/pool.js', './projections/ok.js', './system/ok.js']],
    ['src/http/route.ts', ['../clerk/ok.js', 'express']],
    ['src/ops/check.ts', ['../queue/ok.js', 'express']],
    ['src/queue/pool.ts', ['../clerk/ok.js', 'pg', 'bullmq', 'ioredis']],
    ['src/projections/apply.ts', ['../clerk/ok.js', '../db/ok.js']],
    ['src/db/client.ts', ['./generated/client.js', 'pg', '@prisma/adapter-pg']],
    ['src/db/generated/client.ts', []],
    ['src/clerk/d.ts', ['./c.js', 'svix']],
    ['bench/ok.ts', ['../src/leaf.js']],
    ['tests/ok.ts', ['../src/leaf.js']],
  ];
  let found: Map<string, string[]>;

  beforeAll(() => {
    const files: Record<string, string> = {};
    const write = (file: string, imports: string[], keyword = 'import type {} from') => {
      const text = imports.map((name) => `${keyword} '${name}';\n`).join('');
      files[file] = `${text}export {};\n`;
    };
    for (const [file, imports] of sound) write(file, imports);
    for (const [rule, file, imports] of violations) {
      // A type from a dev dependency is fine: nothing of it is left at run time.
      const keyword = rule === 'no-dev-dependency' ? 'import' : undefined;
      write(file, imports ? [imports] : [], keyword);
    }
    found = withProject(files, ['.dependency-cruiser.mjs'], cruise);
  });

  test.each(violations)('%s: red for %s importing "%s"', (rule, file) => {
    expect(found.get(file)).toContain(rule);
  });

  test('nothing else is red', () => {
    const wrong = new Set(violations.map(([, file]) => file)).add('src/clerk/d.ts');
    expect([...found.keys()].filter((file) => !wrong.has(file))).toEqual([]);
  });
});

describe('package.json', () => {
  test('pins every version, for an upgrade is a decision', () => {
    const { dependencies, optionalDependencies, devDependencies } = packageJson;
    for (const version of Object.values({
      ...dependencies,
      ...optionalDependencies,
      ...devDependencies,
    })) {
      expect(version).toMatch(/^\d+\.\d+\.\d+/);
    }
  });

  test('holds packages that only work together at one version', () => {
    const { dependencies, devDependencies } = packageJson;
    const prisma = devDependencies['prisma'] ?? 'missing';
    for (const name of ['@prisma/client', '@prisma/adapter-pg', '@prisma/driver-adapter-utils']) {
      expect([name, dependencies[name]]).toEqual([name, prisma]);
    }
    expect(dependencies['@prisma/schema-engine-wasm']?.startsWith(`${prisma}-`)).toBe(true);
  });

  test('starts every long-running process as one command, so that signals reach it', () => {
    for (const name of ['start', 'ingest', 'worker', 'board', 'migrate', 'send', 'test']) {
      expect(packageJson.scripts[name]).toMatch(/^node [^&|;]+$/);
    }
  });

  test('gives Node the flags that `npm start` gives it', () => {
    for (const [name, flags] of Object.entries(NODE_FLAGS)) {
      const words = (packageJson.scripts[name] ?? '').split(' ');
      expect(words.slice(1, 1 + flags.length)).toEqual(flags);
      expect(words[1 + flags.length]).toBe('--import');
    }
  });

  test('has no pre and post scripts: installs that ignore scripts would skip them', () => {
    const { scripts } = packageJson;
    const hooks = Object.keys(scripts).filter((name) => /^(pre|post)/.test(name));
    expect(hooks).toEqual([]);
  });

  test('checks exactly what CI runs', () => {
    const steps = ['lint', 'types', 'layers', 'build'];
    expect(packageJson.scripts['check']?.split(' && ')).toEqual([
      ...steps.map((step) => `npm run ${step}`),
      'npm test',
    ]);
    const ci = read('.ci/run');
    expect(ci).toMatch(
      /^npm ci.*\n[^]*^ {4}nice -n 5 npm run "\$script"$[^]*^ {2}npm run bench -- --short$[^]*^npm test\b/m,
    );
    const [, beside = ''] = /^ {2}for script in (.*); do$/m.exec(ci) ?? [];
    expect(beside.split(' ')).toEqual([...steps, 'rehearse', 'newcomer']);
    accessSync(path.join(ROOT, '.ci/run'), constants.X_OK);
  });
});

test('every seeded fault still fits the code that it is planted in', async () => {
  const list = path.join(ROOT, 'tests/mutants/mutants.mjs');
  const { MUTANTS } = (await import(list)) as { MUTANTS: Mutant[] }; // plain JavaScript, for a plain script
  expect(MUTANTS.length).toBeGreaterThan(15);
  for (const { name, file, find, also } of MUTANTS) {
    const text = readFileSync(path.join(ROOT, file), 'utf8');
    for (const part of [find, ...(also ? [also.find] : [])]) {
      expect([name, part, text.split(part).length - 1]).toEqual([name, part, 1]);
    }
  }
});

interface Mutant {
  name: string;
  file: string;
  find: string;
  also?: { find: string };
}

describe('package-lock.json', () => {
  test('holds the packages of every platform, or npm ci refuses it', () => {
    const { packages } = JSON.parse(read('package-lock.json')) as {
      packages: Record<string, { optionalDependencies?: Record<string, string> }>;
    };
    const names = new Set(Object.keys(packages).map((key) => key.replace(/^.*node_modules\//, '')));
    const wanted = Object.values(packages).flatMap(({ optionalDependencies }) =>
      Object.keys(optionalDependencies ?? {}),
    );
    expect(wanted.filter((name) => !names.has(name))).toEqual([]);
  });
});

describe('the code', () => {
  test('a promise that nobody waits for fails the lint', () => {
    const code = 'export function start(work: () => Promise<void>) {\n  work();\n}\n';
    // Alone in a project: beside all others the types of a thousand files are read first.
    const result = withProject({ 'src/errors.ts': code }, ['eslint.config.js'], (cwd) =>
      run('eslint/bin/eslint.js', ['src', '--format', 'json'], cwd),
    );
    expect(result.stdout).toContain('@typescript-eslint/no-floating-promises');
    expect(result.status).toBe(1);
  });

  test('says why wherever it silences the linter or the compiler', () => {
    const files = ['src', 'tests', 'bench', 'scripts'].flatMap((folder) =>
      readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
        .filter((name) => /\.m?[jt]s$/.test(name) && !/\bgenerated\b/.test(name))
        .map((name) => path.join(folder, name)),
    );
    const silent = files.filter((file) =>
      /(eslint-disable(-next)?(-line)?|@ts-(ignore|expect-error|nocheck))(?!.* -- \S)/.test(
        file.endsWith('repository.test.ts') ? '' : read(file),
      ),
    );
    expect(files.length).toBeGreaterThan(20);
    expect(silent).toEqual([]);
  });
});

/** File -> the names of the rules it breaks. */
function cruise(directory: string): Map<string, string[]> {
  const result = run(
    'dependency-cruiser/bin/dependency-cruise.mjs',
    ['--config', '.dependency-cruiser.mjs', '--output-type', 'json', 'src'],
    directory,
  );
  const { summary } = JSON.parse(result.stdout) as {
    summary: { violations: { from: string; rule: { name: string } }[] };
  };
  const rules = new Map<string, string[]>();
  for (const { from, rule } of summary.violations) {
    rules.set(from, [...(rules.get(from) ?? []), rule.name]);
  }
  return rules;
}

/** A project of nothing but these files, by path, with our packages and, of our configuration, what is named. */
function withProject<T>(
  files: Readonly<Record<string, string>>,
  configuration: readonly string[],
  work: (directory: string) => T,
): T {
  const directory = mkdtempSync(path.join(tmpdir(), 'clerk-sync-project-'));
  try {
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(directory, file)), { recursive: true });
      writeFileSync(path.join(directory, file), text);
    }
    for (const file of ['package.json', 'tsconfig.json', ...configuration]) {
      cpSync(path.join(ROOT, file), path.join(directory, file));
    }
    symlinkSync(path.join(ROOT, 'node_modules'), path.join(directory, 'node_modules'));
    return work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A tool of node_modules, as `npm run` would run it. */
function run(tool: string, args: string[], cwd: string) {
  return spawnSync(process.execPath, [path.join(ROOT, 'node_modules', tool), ...args], {
    cwd,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
}
