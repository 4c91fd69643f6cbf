import { readConfig } from '../../src/config.js';
import { type Environment } from '../../src/environment.js';
import { formatBanner } from '../../src/system/banner.js';
import { createChildEnvironment } from '../../src/system/children.js';
import { readSystemConfig } from '../../src/system/system-config.js';
import { describeSystem, type Facts } from '../../src/system/system-file.js';

const SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const OTHER = `whsec_${Buffer.alloc(32, 2).toString('base64')}`;

function makeFacts(environment: Environment = {}): Facts & { environment: Environment } {
  return {
    environment,
    config: readConfig(environment),
    ports: { PORT: 4000, INGEST_OPS_PORT: 4001, WORKER_OPS_PORT: 4002, BOARD_PORT: 4003 },
    databaseUrl: 'postgres://u:p@127.0.0.1:5555/db',
    signingSecret: SECRET,
  };
}

test('the system file tells addresses that can be called', () => {
  expect(describeSystem(makeFacts())).toMatchObject({
    endpoint: 'http://localhost:4000/api/webhooks',
    boardUrl: 'http://127.0.0.1:4003/queues',
    opsUrls: {
      ingest: 'http://127.0.0.1:4001',
      worker: 'http://127.0.0.1:4002',
      board: 'http://127.0.0.1:4003',
    },
    redisUrl: null,
  });
  const hosts = { HOST: '10.0.0.7', OPS_HOST: '::1', BOARD_HOST: '0.0.0.0' };
  expect(describeSystem(makeFacts(hosts))).toMatchObject({
    endpoint: 'http://10.0.0.7:4000/api/webhooks',
    boardUrl: 'http://127.0.0.1:4003/queues',
    opsUrls: { ingest: 'http://[::1]:4001', board: 'http://127.0.0.1:4003' },
  });
});

test('a child is told what was found or made, and keeps what was set', () => {
  const environment = createChildEnvironment({
    ...makeFacts({ LOG_LEVEL: 'warn' }),
    isTerminal: false,
  });
  expect(environment).toEqual({
    LOG_LEVEL: 'warn',
    PORT: '4000',
    INGEST_OPS_PORT: '4001',
    WORKER_OPS_PORT: '4002',
    BOARD_PORT: '4003',
    DATABASE_URL: 'postgres://u:p@127.0.0.1:5555/db',
    CLERK_WEBHOOK_SIGNING_SECRET: SECRET,
  });
});

test('all configured secrets reach the child, whatever name they came by', () => {
  const facts = makeFacts({ SIGNING_SECRET: `${SECRET},${OTHER}` });
  const environment = createChildEnvironment({ ...facts, isTerminal: false });
  expect(environment['CLERK_WEBHOOK_SIGNING_SECRET']).toBe(`${SECRET} ${OTHER}`);
});

test.each<[string, Environment, Environment]>([
  ['pretty and coloured', {}, { LOG_FORMAT: 'pretty', FORCE_COLOR: '1' }],
  ['plain with NO_COLOR', { NO_COLOR: '1' }, { LOG_FORMAT: 'pretty' }],
  ['as LOG_FORMAT says', { LOG_FORMAT: 'json' }, { LOG_FORMAT: 'json' }],
])('on a terminal the logs are %s', (_case, given, expected) => {
  const environment = createChildEnvironment({ ...makeFacts(given), isTerminal: true });
  expect(environment).toMatchObject(expected);
  expect('FORCE_COLOR' in environment).toBe(given['NO_COLOR'] === undefined);
});

test.each([true, false])(
  'the banner holds all that the next step needs (psql there: %s)',
  (hasPsql) => {
    const system = describeSystem(makeFacts());
    const banner = formatBanner({ system, schema: 'elsewhere', hasPsql });
    for (const text of [
      system.endpoint,
      SECRET,
      system.databaseUrl,
      system.boardUrl,
      'npm run send -- user.created',
      'elsewhere.users',
    ]) {
      expect(banner).toContain(text);
    }
    expect(banner.includes('psql ')).toBe(hasPsql);
  },
);

test('half a database is refused', () => {
  expect(() => readSystemConfig({ DIRECT_DATABASE_URL: 'postgres://h/d' })).toThrow(
    'DATABASE_URL is not',
  );
});

test('a board that others can reach is refused before anything starts, when it has no credentials', () => {
  expect(() => readSystemConfig({ BOARD_HOST: '0.0.0.0' })).toThrow('BOARD_USERNAME');
});
