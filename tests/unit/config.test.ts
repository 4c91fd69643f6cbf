import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readConfig, VARIABLES } from '../../src/config.js';
import {
  loadEnvironment,
  readEnvironment,
  SIGNING_SECRET_NAMES,
  type Environment,
  type SystemFile,
} from '../../src/environment.js';
import { isSyncError } from '../../src/errors.js';

const secretOf = (bytes: number, fill = 7) =>
  `whsec_${Buffer.alloc(bytes, fill).toString('base64')}`;
const SECRET = secretOf(24);
const OTHER_SECRET = secretOf(32, 9);

describe('configuration', () => {
  test('an empty environment gives every default', () => {
    expect(readConfig({})).toEqual({
      DATABASE_SCHEMA: 'clerk',
      DATA_DIR: '.data',
      REDIS_CLUSTER: false,
      QUEUE_PREFIX: 'bull',
      PORT: 4000,
      HOST: '0.0.0.0',
      WEBHOOK_PATHS: ['/api/webhooks', '/api/clerk-webhook'],
      BODY_LIMIT: 1_048_576,
      OPS_HOST: '127.0.0.1',
      INGEST_OPS_PORT: 4001,
      WORKER_OPS_PORT: 4002,
      BOARD_HOST: '127.0.0.1',
      BOARD_PORT: 4003,
      CLERK_API_URL: 'https://api.clerk.com',
      EVENT_RETENTION_DAYS: 90,
      SESSION_RETENTION_DAYS: 90,
      DEFAULT_USER_ROLE: 'client',
      STORE_PRIVATE_METADATA: true,
      LOG_LEVEL: 'info',
      LOG_FORMAT: 'auto',
      WORKER_TASKS: ['mirror', 'handlers'],
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
      OTEL_SDK_DISABLED: 'false',
      OTEL_TRACES_SAMPLER: 'parentbased_always_on',
      WORKER_CONCURRENCY: 600,
      WORKER_BATCH_SIZE: 200,
      JOB_ATTEMPTS: 8,
      HANDLER_CONCURRENCY: 10,
      HANDLER_TIMEOUT: 60,
      HANDLER_ATTEMPTS: 10,
      STALLED_LIMIT: 50,
      COMPLETED_JOB_AGE: 28 * 3600,
      COMPLETED_JOB_COUNT: 100_000,
      FAILED_JOB_AGE: 90 * 86_400,
      DATABASE_LOCK_TIMEOUT: 10,
      DATABASE_IDLE_TIMEOUT: 10,
      SHUTDOWN_GRACE: 20,
      SHUTDOWN_DELAY: 0,
      signingSecrets: [],
    });
  });

  type Good = [name: keyof typeof VARIABLES, raw: string, value: unknown];
  test.each<Good>([
    [
      'DATABASE_URL',
      'postgres://u:p@db/app?sslmode=require',
      'postgres://u:p@db/app?sslmode=require',
    ],
    ['DATABASE_URL', 'postgresql://db:5433/app', 'postgresql://db:5433/app'],
    [
      'DATABASE_URL',
      'postgres:///app?host=/run/postgresql',
      'postgres:///app?host=/run/postgresql',
    ],
    ['REDIS_URL', 'redis://127.0.0.1:6379/2', 'redis://127.0.0.1:6379/2'],
    ['REDIS_URL', 'rediss://user:p%23w@cache:6380', 'rediss://user:p%23w@cache:6380'],
    ['REDIS_URL', 'redis://:a,b@cache', 'redis://:a,b@cache'],
    ['DATABASE_SCHEMA', '_mirror2', '_mirror2'],
    ['QUEUE_PREFIX', '{bull}', '{bull}'],
    ['PORT', '0', 0],
    ['PORT', '65535', 65_535],
    ['WEBHOOK_PATHS', '/hooks/, /a/b_c-d.e', ['/hooks', '/a/b_c-d.e']],
    ['WEBHOOK_PATHS', '/', ['/']],
    ['BODY_LIMIT', '512', 512],
    ['BODY_LIMIT', '512KB', 524_288],
    ['BODY_LIMIT', '100 mb', 104_857_600],
    ['COMPLETED_JOB_AGE', '45', 45],
    ['COMPLETED_JOB_AGE', '15m', 900],
    ['COMPLETED_JOB_AGE', '30d', 2_592_000],
    ['SHUTDOWN_GRACE', '24h', 86_400],
    ['SHUTDOWN_DELAY', '0', 0],
    ['SHUTDOWN_DELAY', '5s', 5],
    ['JOB_ATTEMPTS', '1', 1],
    ['USER_ROLES', 'client, admin agent', ['client', 'admin', 'agent']],
    ['SYNC_ENTITIES', 'users,organizations', ['users', 'organizations']],
    ['STORE_PRIVATE_METADATA', 'FALSE', false],
    ['STORE_PRIVATE_METADATA', '1', true],
    ['LOG_LEVEL', 'silent', 'silent'],
    ['LOG_FORMAT', 'json', 'json'],
    ['CLERK_INSTANCE_ID', 'ins_2abc', 'ins_2abc'],
    ['CLERK_SECRET_KEY', 'sk_live_abc123', 'sk_live_abc123'],
    ['CLERK_API_URL', 'http://127.0.0.1:9', 'http://127.0.0.1:9'],
    ['EVENT_RETENTION_DAYS', '3650', 3650],
  ])('%s takes %j', (name, raw, value) => {
    expect(readConfig({ [name]: raw })[name]).toEqual(value);
  });

  test.each<Good>([
    ['DATABASE_URL', 'mysql://db/app', 'postgres://user:password@host'],
    ['DATABASE_URL', 'postgres:app', 'postgres://user:password@host'],
    ['DATABASE_URL', 'db.example.com', 'postgres://user:password@host'],
    ['DIRECT_DATABASE_URL', 'postgres://u:p#w@db/app', 'Percent-encode'],
    ['REDIS_URL', 'http://127.0.0.1:6379', 'rediss://'],
    ['REDIS_URL', 'redis://cache, redis://a b', 'redis://host:6379'],
    ['REDIS_URL', 'redis://a,rediss://b', 'one of them'],
    ['DATABASE_SCHEMA', 'Clerk', 'lower-case'],
    ['DATABASE_SCHEMA', 'a"; DROP SCHEMA public; --', 'lower-case'],
    ['DATABASE_SCHEMA', 'x'.repeat(64), 'at most 63'],
    ['QUEUE_PREFIX', 'a:b', 'colons'],
    ['PORT', '65536', '0 to 65535'],
    ['PORT', '-1', '0 to 65535'],
    ['PORT', '4000x', '0 to 65535'],
    ['PORT', '0x10', '0 to 65535'],
    ['WEBHOOK_PATHS', 'hooks', 'starting with "/"'],
    ['WEBHOOK_PATHS', '/a?b=c', 'starting with "/"'],
    ['WEBHOOK_PATHS', ',', 'one or more'],
    ['WEBHOOK_PATHS', '/hooks,/healthz/', 'Choose another'],
    ['BODY_LIMIT', 'lots', '512kb or 1mb'],
    ['BODY_LIMIT', '0', 'at least 1'],
    ['BODY_LIMIT', '101mb', 'at most'],
    ['BODY_LIMIT', '1gb', '512kb or 1mb'],
    ['COMPLETED_JOB_AGE', '1.5h', '28h'],
    ['COMPLETED_JOB_AGE', '0s', 'at least 1'],
    ['SHUTDOWN_GRACE', '25d', 'at most'],
    ['SHUTDOWN_GRACE', '0s', 'at least 1'],
    ['SHUTDOWN_DELAY', '2h', 'at most'],
    ['SHUTDOWN_DELAY', '20s', 'shorter than SHUTDOWN_GRACE'],
    ['DATABASE_LOCK_TIMEOUT', '25h', 'at most'],
    ['JOB_ATTEMPTS', '0', 'from 1'],
    ['USER_ROLES', ',', 'one or more'],
    ['SYNC_ENTITIES', 'users,groups', 'organization_memberships'],
    ['SYNC_ENTITIES', ',', 'organization_memberships'],
    ['STORE_PRIVATE_METADATA', 'yes', 'true'],
    ['LOG_LEVEL', 'verbose', 'debug'],
    ['LOG_LEVEL', 'constructor', 'debug'],
    ['LOG_FORMAT', 'xml', 'pretty'],
    ['CLERK_SECRET_KEY', 'pk_test_abc', 'sk_test_'],
    ['CLERK_API_URL', 'api.clerk.com', 'https://api.clerk.com'],
    ['EVENT_RETENTION_DAYS', '0', 'from 1'],
    ['RECONCILE_EVERY', '1m', 'at least 300'],
  ])('%s refuses %j and says what it takes', (name, raw, cure) => {
    const [problem, ...others] = problemsOf({ [name]: raw });
    expect(problem).toMatch(new RegExp(`^${name}: `));
    expect(problem).toContain(cure);
    expect(others).toEqual([]);
  });

  test('a reconcile that is to run by itself needs the key to ask with', () => {
    expect(problemsOf({ RECONCILE_EVERY: '24h' })).toEqual([
      expect.stringContaining('CLERK_SECRET_KEY'),
    ]);
    const both = { RECONCILE_EVERY: '24h', CLERK_SECRET_KEY: 'sk_test_a' };
    expect(readConfig(both).RECONCILE_EVERY).toBe(86_400);
  });

  test('several nodes are a cluster, and one is when REDIS_CLUSTER says so', () => {
    const nodes = { REDIS_URL: 'redis://:p@a:7000,redis://:p@b:7000', QUEUE_PREFIX: '{clerk}' };
    expect(readConfig(nodes).REDIS_CLUSTER).toBe(true);
    const entry = { REDIS_URL: 'rediss://entry', REDIS_CLUSTER: 'true', QUEUE_PREFIX: '{clerk}' };
    expect(readConfig(entry).REDIS_CLUSTER).toBe(true);
    expect(readConfig({ ...entry, REDIS_CLUSTER: '' }).REDIS_CLUSTER).toBe(false);
    expect(problemsOf({ REDIS_CLUSTER: 'true' })).toEqual([
      expect.stringMatching(/^REDIS_CLUSTER is set, and REDIS_URL is not/),
    ]);
  });

  test.each([
    ['no prefix', {}, 'Set QUEUE_PREFIX={bull}.'],
    ['a prefix without braces', { QUEUE_PREFIX: 'clerk' }, 'Set QUEUE_PREFIX={clerk}.'],
    ['a prefix with nothing in them', { QUEUE_PREFIX: '{}clerk' }, 'Set QUEUE_PREFIX={clerk}.'],
    [
      'a database',
      { REDIS_URL: 'redis://a/1,redis://b/1', QUEUE_PREFIX: '{clerk}' },
      'Leave the number out.',
    ],
  ])('a cluster with %s is refused, with the cure', (_case, settings, cure) => {
    const [problem, ...others] = problemsOf({ REDIS_URL: 'redis://a,redis://b', ...settings });
    expect(problem).toMatch(/^REDIS_URL names a /);
    expect(problem).toContain(cure);
    expect(others).toEqual([]);
  });

  test('all problems are reported at once, each on a line of its own', () => {
    const environment = { PORT: 'x', BODY_LIMIT: 'y', SIGNING_SECRET: 'z' };
    expect(problemsOf(environment, ['signing-secret', 'database', 'queue'])).toEqual([
      expect.stringMatching(/^PORT: /),
      expect.stringMatching(/^BODY_LIMIT: /),
      expect.stringMatching(/^SIGNING_SECRET, secret 1: .*Copy the whole Signing Secret/),
      expect.stringMatching(/^DATABASE_URL is not set\. .*npm start/),
      expect.stringMatching(/^Neither REDIS_URL nor DATABASE_URL is set.*npm start/),
    ]);
  });

  test('what a process needs is asked for with its cure, and only by the process that needs it', () => {
    expect(problemsOf({}, ['signing-secret'])).toEqual([
      expect.stringMatching(/^CLERK_WEBHOOK_SIGNING_SECRET is not set.*Dashboard.*npm start/),
    ]);
    expect(problemsOf({ SIGNING_SECRET: ',' }, ['signing-secret'])).toHaveLength(1);
    expect(problemsOf({ DATABASE_URL: 'postgres://db/app' }, ['database', 'queue'])).toEqual([]);
    expect(problemsOf({ REDIS_URL: 'redis://cache' }, ['queue'])).toEqual([]);
  });
});

describe('signing secrets', () => {
  test.each(SIGNING_SECRET_NAMES)('%s is read', (name) => {
    expect(readConfig({ [name]: SECRET }, ['signing-secret']).signingSecrets).toEqual([SECRET]);
  });

  test('of several names the first in the order of the documentation is read, alone', () => {
    const all = Object.fromEntries(SIGNING_SECRET_NAMES.map((name, i) => [name, secretOf(24, i)]));
    expect(readConfig(all).signingSecrets).toEqual([secretOf(24, 0)]);
  });

  test('several, separated by spaces or commas, are all accepted', () => {
    const raw = `${SECRET}, ${OTHER_SECRET} ${SECRET}`;
    expect(readConfig({ WEBHOOK_SECRET: raw }).signingSecrets).toEqual([
      SECRET,
      OTHER_SECRET,
      SECRET,
    ]);
  });

  test.each([
    ['without its prefix', SECRET.slice(6), 'does not start with whsec_'],
    ['of the wrong kind', 'sk_test_abcdefghijklmnopqrstuvwxyz', 'does not start with whsec_'],
    ['that is not base64', `${SECRET.slice(0, -2)}*!`, 'not valid base64'],
    ['cut in the middle of a group', SECRET.slice(0, -1), 'not valid base64'],
    ['that decodes to fewer than 24 bytes', secretOf(23), 'fewer than 24'],
  ])('one %s is refused, by its place and never by its value', (_case, wrong, cause) => {
    const [problem, ...others] = problemsOf({ SIGNING_SECRET: `${OTHER_SECRET},${wrong}` });
    expect(problem).toContain('SIGNING_SECRET, secret 2: ');
    expect(problem).toContain(cause);
    expect(others).toEqual([]);
    expect(problem).not.toContain(wrong.slice(-12));
    expect(problem).not.toContain(OTHER_SECRET);
  });

  test('one that is empty after its prefix, which svix itself would take, is refused', () => {
    expect(problemsOf({ SIGNING_SECRET: 'whsec_' })).toEqual([expect.stringContaining('base64')]);
  });

  test('no problem repeats a secret, a password or a URL that may hold one', () => {
    const environment = {
      CLERK_WEBHOOK_SIGNING_SECRET: 'hunter2-signing',
      DATABASE_URL: 'mysql://app:hunter2-database@db/app',
      DIRECT_DATABASE_URL: 'postgres://app:hunter2#direct@db/app',
      REDIS_URL: 'redis:hunter2-redis',
    };
    const problems = problemsOf(environment);
    expect(problems).toHaveLength(4);
    expect(problems.join('\n')).not.toContain('hunter2');
  });
});

describe('the environment', () => {
  test('is read from the process, then .env.local, then .env', () => {
    const directory = folder({
      '.env.local': 'PORT=2\nHOST=local\n',
      '.env': 'PORT=3\nHOST=file\nLOG_LEVEL="debug" # a comment\n',
    });
    expect(readEnvironment({ PORT: '1' }, directory)).toMatchObject({
      PORT: '1',
      HOST: 'local',
      LOG_LEVEL: 'debug',
    });
  });

  test('an empty or blank variable counts as unset: the next source gives it', () => {
    const directory = folder({ '.env.local': 'PORT=\nHOST="  "\n', '.env': 'PORT=3\n' });
    const environment = readEnvironment({ PORT: '', HOST: undefined, REDIS_URL: ' ' }, directory);
    expect(environment['PORT']).toBe('3');
    expect(readConfig(environment)).toMatchObject({ PORT: 3, HOST: '0.0.0.0' });
    expect(readConfig(environment).REDIS_URL).toBeUndefined();
  });

  test('an empty value is no value to the configuration either', () => {
    expect(readConfig({ PORT: '', WEBHOOK_SECRET: '', REDIS_URL: '' })).toEqual(readConfig({}));
    expect(problemsOf({ DATABASE_URL: '', REDIS_URL: '' }, ['queue'])).toHaveLength(1);
  });

  test('a folder without any file is no trouble', () => {
    expect(readEnvironment({ PORT: '1' }, folder({}))).toEqual({ PORT: '1' });
  });
});

describe('NAME_FILE', () => {
  test('reads a secret from a file, without the newline that editors add', () => {
    const directory = folder({ secret: `${SECRET}\n`, url: 'postgres://db/app\n' });
    const environment = readEnvironment(
      {
        SIGNING_SECRET_FILE: path.join(directory, 'secret'),
        DATABASE_URL_FILE: path.join(directory, 'url'),
      },
      folder({}),
    );
    expect(readConfig(environment)).toMatchObject({
      signingSecrets: [SECRET],
      DATABASE_URL: 'postgres://db/app',
    });
  });

  test('in a .env file is relative to that file', () => {
    const directory = folder({ '.env': 'REDIS_URL_FILE=redis-url', 'redis-url': 'redis://cache' });
    expect(readEnvironment({}, directory)['REDIS_URL']).toBe('redis://cache');
  });

  test('yields to NAME in the same source, and beats NAME in a later one', () => {
    const directory = folder({ '.env': 'REDIS_URL=redis://from-env', url: 'redis://from-file' });
    const file = { REDIS_URL_FILE: 'url' };
    expect(readEnvironment(file, directory)['REDIS_URL']).toBe('redis://from-file');
    expect(readEnvironment({ ...file, REDIS_URL: 'redis://own' }, directory)['REDIS_URL']).toBe(
      'redis://own',
    );
  });

  test('is for secrets only: any other variable with such a name is left alone', () => {
    const directory = folder({ port: '5000' });
    expect(readEnvironment({ PORT_FILE: 'port' }, directory)['PORT']).toBeUndefined();
  });

  test('of a file that cannot be read is a problem with its cure; all of them at once, none with its value', () => {
    const directory = folder({});
    mkdirSync(path.join(directory, 'a-folder'));
    const files = {
      SIGNING_SECRET_FILE: SECRET,
      REDIS_URL_FILE: 'a-folder',
      DATABASE_URL_FILE: '',
    };
    const problems = linesOf(() => readEnvironment(files, directory));
    expect(problems).toEqual([
      expect.stringMatching(/^SIGNING_SECRET_FILE .* set SIGNING_SECRET itself/),
      expect.stringMatching(/^REDIS_URL_FILE .* set REDIS_URL itself/),
    ]);
    expect(problems.join('\n')).not.toContain(SECRET);
  });

  test('of an empty file counts as unset', () => {
    expect(
      readEnvironment({ REDIS_URL_FILE: 'url' }, folder({ url: '\n' }))['REDIS_URL'],
    ).toBeUndefined();
  });
});

describe('a running `npm start`', () => {
  const system: SystemFile = {
    endpoint: 'http://127.0.0.1:4711/hooks/clerk',
    signingSecret: SECRET,
    databaseUrl: 'postgres://embedded/postgres',
    redisUrl: 'redis://running',
    boardUrl: null,
    opsUrls: {},
  };
  const withSystem = (dataDir: string) =>
    folder({ [path.join(dataDir, 'system.json')]: JSON.stringify(system) });

  test('gives what the environment leaves unset', () => {
    const environment = loadEnvironment({}, withSystem(VARIABLES.DATA_DIR.fallback));
    expect(readConfig(environment, ['signing-secret', 'database', 'queue'])).toMatchObject({
      signingSecrets: [SECRET],
      DATABASE_URL: 'postgres://embedded/postgres',
      REDIS_URL: 'redis://running',
      PORT: 4711,
      WEBHOOK_PATHS: ['/hooks/clerk'],
    });
  });

  test('is looked for in DATA_DIR', () => {
    const directory = withSystem('elsewhere');
    expect(loadEnvironment({}, directory)['DATABASE_URL']).toBeUndefined();
    expect(loadEnvironment({ DATA_DIR: 'elsewhere' }, directory)['DATABASE_URL']).toBe(
      'postgres://embedded/postgres',
    );
  });

  test('never replaces what is set', () => {
    const own = {
      DATABASE_URL: 'postgres://own/app',
      REDIS_URL: 'redis://own',
      PORT: '1234',
      WEBHOOK_PATHS: '/own',
    };
    expect(loadEnvironment(own, withSystem('.data'))).toMatchObject(own);
  });

  test.each(SIGNING_SECRET_NAMES)('does not replace a signing secret set as %s', (name) => {
    const environment = loadEnvironment({ [name]: OTHER_SECRET }, withSystem('.data'));
    expect(readConfig(environment).signingSecrets).toEqual([OTHER_SECRET]);
  });

  test('does not lend its Redis to another database', () => {
    const environment = loadEnvironment(
      { DATABASE_URL: 'postgres://own/app' },
      withSystem('.data'),
    );
    expect(environment['REDIS_URL']).toBeUndefined();
  });
});

const folders: string[] = [];

afterAll(() => {
  for (const directory of folders) rmSync(directory, { recursive: true, force: true });
});

/** A new folder that holds `files`, by relative path. */
function folder(files: Record<string, string>): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'clerk-sync-config-'));
  folders.push(directory);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(directory, name)), { recursive: true });
    writeFileSync(path.join(directory, name), content);
  }
  return directory;
}

function problemsOf(environment: Environment, needs?: Parameters<typeof readConfig>[1]): string[] {
  return linesOf(() => readConfig(environment, needs));
}

/** The lines of the `config.invalid` that `read` throws; none when it does not. */
function linesOf(read: () => unknown): string[] {
  try {
    read();
  } catch (error) {
    if (isSyncError(error, 'config.invalid')) return error.message.split('\n');
    throw error;
  }
  return [];
}
