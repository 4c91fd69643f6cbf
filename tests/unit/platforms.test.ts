/**
 * Render, Railway, Fly and Heroku. None of them has a package with its schema on npm: names are compared with a list taken from each
 * platform's reference, values with what the code says. Nobody has deployed these here.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse as parseToml } from 'smol-toml';
import { parse as parseYaml } from 'yaml';
import { readConfig, VARIABLES } from '../../src/config.js';
import { CHILDREN } from '../../src/system/children.js';
import { readImageCommand } from '../support/image-command.js';

const ROOT = path.resolve(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');
const GRACE = parseFloat(VARIABLES.SHUTDOWN_GRACE.fallback);
const PROCESSES = CHILDREN.map(({ name }) => name);
const SECRET = 'CLERK_WEBHOOK_SIGNING_SECRET';

describe('deploy/render.yaml', () => {
  interface Variable {
    key?: string;
    value?: string;
    sync?: boolean;
    generateValue?: boolean;
    fromGroup?: string;
    fromDatabase?: { name: string; property: string };
    fromService?: { name: string; type: string; property: string };
  }
  interface Service extends Record<string, unknown> {
    type: string;
    name: string;
    region: string;
    dockerCommand: string;
    maxShutdownDelaySeconds?: number;
    envVars: Variable[];
  }
  const blueprint = parseYaml(read('deploy/render.yaml')) as {
    services: Service[];
    databases: { name: string; region: string }[];
    envVarGroups: { name: string; envVars: { key: string; value: string }[] }[];
  };
  const containers = blueprint.services.filter(({ type }) => type !== 'keyvalue');
  const SERVICE_FIELDS = [
    ...['type', 'name', 'plan', 'region', 'envVars', 'runtime', 'dockerfilePath', 'dockerContext'],
    ...['dockerCommand', 'preDeployCommand', 'healthCheckPath', 'maxShutdownDelaySeconds'],
    ...['schedule', 'maxmemoryPolicy', 'ipAllowList'],
  ];

  test('has the fields of a Blueprint, and no other', () => {
    expect(Object.keys(blueprint)).toEqual(['services', 'envVarGroups', 'databases']);
    for (const service of blueprint.services)
      expect(SERVICE_FIELDS).toEqual(expect.arrayContaining(Object.keys(service)));
    expect(containers.map(({ type }) => type)).toEqual(['web', 'worker', 'web', 'cron']);
  });

  test('runs every process, and prune, after one migration', () => {
    const names = containers.map(({ dockerCommand }) => readImageCommand(dockerCommand));
    expect(names).toEqual([...PROCESSES, 'prune']);
    expect(containers.map(({ preDeployCommand }) => preDeployCommand).filter(Boolean)).toEqual([
      './run.mjs migrate',
    ]);
    for (const { dockerfilePath = '', type, maxShutdownDelaySeconds } of containers) {
      expect(existsSync(path.join(ROOT, String(dockerfilePath)))).toBe(true);
      if (type !== 'cron') expect(maxShutdownDelaySeconds).toBeGreaterThan(GRACE);
    }
  });

  test('leads every reference to something that it makes, all in one region', () => {
    const names = [...blueprint.services, ...blueprint.databases, ...blueprint.envVarGroups];
    const known = names.map(({ name }) => name);
    for (const { fromDatabase, fromService, fromGroup } of containers.flatMap((c) => c.envVars)) {
      const target = fromDatabase?.name ?? fromService?.name ?? fromGroup;
      if (target !== undefined) expect(known).toContain(target);
    }
    const regions = [...blueprint.services, ...blueprint.databases].map(({ region }) => region);
    expect(new Set(regions).size).toBe(1);
    expect(blueprint.services.find(({ type }) => type === 'keyvalue')).toMatchObject({
      maxmemoryPolicy: 'noeviction',
      ipAllowList: [],
    });
  });

  test.each(containers)('gives $name a configuration that holds', ({ envVars, dockerCommand }) => {
    const given = envVars.flatMap(
      ({ key, value, fromGroup, fromDatabase, generateValue, sync }) => {
        const group = blueprint.envVarGroups.find(({ name }) => name === fromGroup);
        if (group) return group.envVars.map((one) => [one.key, one.value]);
        const made = fromDatabase ? 'postgres://database/x' : 'redis://queue';
        const secret = generateValue ? 'x'.repeat(32) : aSecret();
        return [[key, value ?? (generateValue || sync === false ? secret : made)]];
      },
    );
    expectConfiguration(readImageCommand(dockerCommand), Object.fromEntries(given));
  });
});

describe.each(readdirSync(path.join(ROOT, 'deploy/railway')))('deploy/railway/%s', (file) => {
  const { $schema, build, deploy, ...others } = JSON.parse(read(`deploy/railway/${file}`)) as {
    $schema: string;
    build: Record<string, unknown>;
    deploy: Record<string, unknown> & { startCommand: string; preDeployCommand?: string[] };
  };

  test('has the fields of the reference, and no other', () => {
    expect(others).toEqual({});
    expect($schema).toBe('https://railway.com/railway.schema.json');
    expect(build).toEqual({ builder: 'DOCKERFILE', dockerfilePath: 'Dockerfile' });
    const fields = ['startCommand', 'preDeployCommand', 'healthcheckPath', 'healthcheckTimeout'];
    const stopping = ['overlapSeconds', 'drainingSeconds', 'restartPolicyType'];
    expect([...fields, ...stopping]).toEqual(expect.arrayContaining(Object.keys(deploy)));
  });

  test('runs the process of its name, and gives it longer to stop than it gives itself', () => {
    expect(`${readImageCommand(deploy.startCommand)}.json`).toBe(file);
    expect(deploy['restartPolicyType']).toBe('ALWAYS');
    // A number: Railway refuses a text, whatever its reference shows.
    expect(deploy['drainingSeconds']).toBeGreaterThan(GRACE);
    if (file === 'ingest.json') expect(deploy.preDeployCommand).toEqual(['./run.mjs migrate']);
  });
});

test('Railway has a file for every process', () => {
  const files = readdirSync(path.join(ROOT, 'deploy/railway'));
  expect(files.sort()).toEqual(PROCESSES.map((name) => `${name}.json`).sort());
});

describe('deploy/fly.toml', () => {
  interface Check extends Record<string, unknown> {
    type: string;
    port: number;
    path: string;
    processes: string[];
  }
  const fly = parseToml(read('deploy/fly.toml')) as unknown as {
    kill_signal: string;
    kill_timeout: string;
    deploy: { release_command: string };
    processes: Record<string, string>;
    env: Record<string, string>;
    http_service: { internal_port: number; processes: string[]; auto_stop_machines: string };
    checks: Record<string, Check>;
    metrics: { port: number; path: string; processes: string[] }[];
    vm: { processes: string[] }[];
  }; // what stands in the file, compared below

  test('has the sections of the reference, and no other', () => {
    const sections = [
      'app',
      'primary_region',
      'kill_signal',
      'kill_timeout',
      'deploy',
      'processes',
    ];
    expect(Object.keys(fly)).toEqual([
      ...[...sections, 'env', 'http_service', 'checks', 'metrics', 'vm'],
    ]);
  });

  test('runs every process after a migration, each on a machine, with time to stop', () => {
    for (const [name, command] of Object.entries(fly.processes))
      expect(readImageCommand(command)).toBe(name);
    expect(Object.keys(fly.processes)).toEqual(PROCESSES);
    expect(readImageCommand(fly.deploy.release_command)).toBe('migrate');
    expect(fly.vm.flatMap(({ processes }) => processes).sort()).toEqual([...PROCESSES].sort());
    expect(fly.kill_signal).toBe('SIGTERM');
    expect(parseFloat(fly.kill_timeout)).toBeGreaterThan(GRACE);
  });

  test('asks each process where it answers, and puts only ingest on the internet', () => {
    const places = [...Object.values(fly.checks), ...fly.metrics];
    for (const { port, processes } of places) {
      const child = CHILDREN.find(({ name }) => name === processes[0]);
      expect(`${port}`).toBe(child && VARIABLES[child.opsPort].fallback);
    }
    expect(fly.http_service).toMatchObject({ processes: ['ingest'], auto_stop_machines: 'off' });
    expect(`${fly.http_service.internal_port}`).toBe(fly.env['PORT']);
  });

  test('gives each a configuration that holds', () => {
    const secrets = { DATABASE_URL: 'postgres://database/x', REDIS_URL: 'redis://queue' };
    expectConfiguration('ingest', { ...fly.env, ...secrets, [SECRET]: aSecret() });
  });
});

test('the Procfile migrates at each release, and runs what Heroku calls web and worker', () => {
  const lines = [...read('Procfile').matchAll(/^(\w+): (.+)$/gm)];
  expect(lines.map(([line]) => line).join('\n')).toBe(read('Procfile').trim());
  const started = lines.map(([, type, command]) => [type, readImageCommand(command)]);
  expect(started).toEqual([
    ['release', 'migrate'],
    ['web', 'ingest'],
    ['worker', 'worker'],
  ]);
});

function aSecret(): string {
  return `whsec_${Buffer.alloc(24).toString('base64')}`;
}

function expectConfiguration(name: string, given: Record<string, string>): void {
  expect([...Object.keys(VARIABLES), SECRET]).toEqual(expect.arrayContaining(Object.keys(given)));
  if (name === 'ingest') expect(readConfig(given, ['signing-secret', 'queue'])).toBeDefined();
  else if (name === 'board') expect(readConfig(given, ['queue'])).toBeDefined();
  else expect(readConfig(given, ['database', 'queue'])).toBeDefined();
}
