/** What the doctor makes of what it finds, and how it says so. */
import { judgeClocks } from '../../src/commands/doctor/check-clocks.js';
import { judgeServer, judgeSession } from '../../src/commands/doctor/check-database.js';
import { judgeRuns, type RunsFound } from '../../src/commands/doctor/check-handlers.js';
import {
  judgeFailures,
  judgeInstance,
  judgeLastEvent,
} from '../../src/commands/doctor/check-ledger.js';
import { compareVersions, judgeNode } from '../../src/commands/doctor/check-node.js';
import { judgeReadiness, judgeRefusal } from '../../src/commands/doctor/check-processes.js';
import { judgeJobs, judgeWorkers } from '../../src/commands/doctor/check-queue.js';
import { judgePostgres, judgeRedis } from '../../src/commands/doctor/check-store.js';
import { CHECKS } from '../../src/commands/doctor/checks.js';
import { examine, type Check } from '../../src/commands/doctor/examine.js';
import {
  bad,
  ok,
  skipped,
  toFinding,
  warn,
  type Finding,
} from '../../src/commands/doctor/finding.js';
import { formatExamined, formatSummary } from '../../src/commands/doctor/format.js';
import { formatPlace, isNearby } from '../../src/commands/doctor/place.js';
import { readWhatCanBeRead } from '../../src/commands/doctor/reading.js';
import { describeTerminal } from '../../src/commands/terminal.js';
import { sampleEvent } from '../../src/clerk/samples/index.js';
import { compareClock } from '../../src/clock.js';
import { type RedisStore } from '../../src/queue/contract.js';
import { readStore } from '../../src/queue/inspect-redis.js';
import { SECRET } from '../support/clerk.js';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const statuses = (findings: readonly Finding[]) => findings.map(({ status }) => status);

describe('clocks', () => {
  test.each<[number, Finding['status']]>([
    [0, 'ok'],
    [-4_999, 'ok'],
    [5_001, 'warn'],
    [-5_001, 'warn'],
    [5 * MINUTE - 1, 'warn'],
    [5 * MINUTE, 'bad'],
    [-5 * MINUTE, 'bad'],
  ])('one that is %d ms off is %s', (aheadMs, status) => {
    expect(judgeClocks({ Postgres: { aheadMs: 3 }, Redis: { aheadMs } }).status).toBe(status);
  });

  test('each is said to be behind or ahead, and with none there is nothing to say', () => {
    expect(judgeClocks({ Postgres: { aheadMs: -12 }, Redis: { aheadMs: 7_000 } }).found).toBe(
      'Postgres is 12 ms behind, Redis is 7.0 s ahead',
    );
    expect(judgeClocks({}).status).toBe('skipped');
  });

  test('what the way takes is not taken for a difference', async () => {
    const slowest = 40;
    const { aheadMs, latencyMs } = await compareClock(async () => {
      const arrived = Date.now();
      await new Promise((resolve) => setTimeout(resolve, slowest));
      return arrived + slowest / 2 + 10_000;
    });
    expect(latencyMs).toBeGreaterThan(slowest / 2);
    expect(Math.abs(aheadMs - 10_000)).toBeLessThan(latencyMs);
  });
});

describe('handlers', () => {
  const NONE: RunsFound = {
    failed: [],
    waiting: { unrelayed: 0, unrelayedMs: 0, relayed: 0 },
    overdue: [],
    workers: 1,
  };
  const waiting = (unrelayed: number, unrelayedMs: number, relayed = 0) => ({
    waiting: { unrelayed, unrelayedMs, relayed },
  });

  test.each<[string, Partial<RunsFound>, string[]]>([
    ['nothing', {}, ['ok']],
    ['nothing, with nobody to run it', { workers: 0 }, ['ok']],
    ['what has just come', waiting(3, 29_000), ['ok']],
    ['what no relay takes', waiting(1, 31_000), ['bad']],
    ['what no relay takes, with nobody known', { ...waiting(1, 31_000), workers: null }, ['bad']],
    ['what waits for a worker', { ...waiting(0, 0, 2), workers: 0 }, ['bad']],
    [
      'failures, and what is never over',
      {
        failed: [{ handler: 'a', runs: 2, eventId: 'msg_1' }],
        overdue: [{ handler: 'b', runs: 1, eventId: 'msg_2', sinceMs: 2 * 60 * MINUTE }],
      },
      ['warn', 'warn'],
    ],
  ])('%s', (_case, found, expected) => {
    expect(statuses(judgeRuns({ ...NONE, ...found }))).toEqual(expected);
  });
});

describe('Node', () => {
  test.each<[string, Finding['status']]>([
    ['20.19.0', 'ok'],
    ['24.1.0', 'ok'],
    ['20.18.9', 'bad'],
    ['9.99.99', 'bad'],
  ])('%s against >=20.19.0 is %s', (version, status) => {
    expect(judgeNode(version, '>=20.19.0').status).toBe(status);
  });

  test('versions are compared by number, and what is missing is 0', () => {
    expect(compareVersions('7.0.15', '7.0.8')).toBeGreaterThan(0);
    expect(compareVersions('6.2', '6.2.0')).toBe(0);
    expect(compareVersions('5.0.14', '6.2.0')).toBeLessThan(0);
    expect(compareVersions('8.0.0-rc1', '8.0.0')).toBe(0);
  });
});

describe('Redis', () => {
  const store: RedisStore = {
    kind: 'redis',
    clock: { latencyMs: 0.4, aheadMs: 0 },
    ...readStore(
      'redis_version:7.2.4\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\nused_memory:1048576\r\nmaxmemory:0\r\nrole:master\r\n',
    ),
  };
  const judge = (part: Partial<RedisStore>, url = 'redis://127.0.0.1') =>
    judgeRedis({ ...store, ...part }, url).slice(1);

  test('one that is as it should be has nothing but its name', () => {
    expect(judgeRedis(store, 'redis://:hush@127.0.0.1')).toEqual([
      ok('Redis 7.2.4 at 127.0.0.1:6379, answers within 0.4 ms; 1.0 MB are used'),
    ]);
  });

  test.each<[string, Partial<RedisStore>, Finding['status']]>([
    ['older than BullMQ needs', { version: '4.0.14' }, 'bad'],
    ['older than BullMQ recommends', { version: '6.0.16' }, 'warn'],
    ['evicting', { evictionPolicy: 'volatile-lru' }, 'bad'],
    ['without an append-only file', { isPersistent: false }, 'warn'],
    ['unable to write to its disk', { hasWriteFailed: true }, 'bad'],
    ['filling', { usedBytes: 81, maxBytes: 100 }, 'warn'],
    ['full', { usedBytes: 96, maxBytes: 100 }, 'bad'],
    ['a replica', { isReplica: true }, 'bad'],
  ])('one that is %s is found out', (_what, part, status) => {
    expect(statuses(judge(part))).toEqual([status]);
  });

  test('one that is far away is well with TLS, a cluster with TLS at each node that is named', () => {
    expect(statuses(judge({}, 'redis://cache.example.com:6379'))).toEqual(['warn']);
    expect(judge({}, 'rediss://cache.example.com:6379')).toEqual([]);
    expect(statuses(judge({}, 'redis://10.0.0.1,redis://cache.example.com'))).toEqual(['warn']);
    expect(judge({}, 'redis://10.0.0.1,redis://10.0.0.2:7000')).toEqual([]);
  });

  test('its relatives are called by their own name, and BullMQ asks no version of them', () => {
    const valkey = readStore(
      'redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.0.1\r\n',
    );
    expect(valkey).toMatchObject({ product: 'Valkey', version: '8.0.1', minimumVersion: null });
    const dragonfly = readStore('redis_version:7.4.0\r\ndragonfly_version:df-v1.27.1\r\n');
    expect(dragonfly).toMatchObject({ product: 'Dragonfly', version: 'df-v1.27.1' });
    expect(judge({ ...valkey, version: '1.0.0' })).toEqual([]);
  });

  test('a store that says little is given the benefit of the doubt', () => {
    const silent = readStore('');
    expect(judge(silent)).toEqual([]);
    expect(silent.version).toBe('unknown');
  });
});

describe('the queue', () => {
  const counts = { waiting: 1, active: 0, delayed: 0, failed: 0, completed: 5 };
  const measured = { counts, isPaused: false, oldestWaitingMs: 1_000, isPersistent: true };

  test('its states are counted; a pause, an old event and failures are told beneath', () => {
    expect(judgeJobs(measured)).toEqual([
      ok('1 waiting, 0 active, 0 delayed, 0 failed, 5 completed'),
    ]);
    const ill = { ...measured, isPaused: true, oldestWaitingMs: 6 * MINUTE };
    const found = judgeJobs({ ...ill, counts: { ...counts, failed: 2 } });
    expect(statuses(found)).toEqual(['ok', 'bad', 'warn', 'bad']);
    expect(found.map((finding) => finding.found).slice(2)).toEqual([
      'The oldest event that is not applied came 6 min ago',
      '2 events have failed for good',
    ]);
  });

  test('no worker is a fault once there is work, and unknown where the store keeps its list to itself', () => {
    const none = { waiting: 0, active: 0, delayed: 0 };
    expect(judgeWorkers(2, counts)).toEqual(ok('2 connected'));
    expect(judgeWorkers(0, none).status).toBe('warn');
    expect(judgeWorkers(0, { ...none, active: 3 }).status).toBe('bad');
    expect(judgeWorkers(0, { ...none, delayed: 1 }).found).toContain('1 event is not applied');
    expect(judgeWorkers(null, counts).status).toBe('skipped');
  });

  test.each<['current' | 'behind' | 'missing', Finding['status']]>([
    ['current', 'ok'],
    ['behind', 'bad'],
    ['missing', 'bad'],
  ])('in a Postgres whose tables are %s it is %s', (schema, status) => {
    expect(judgePostgres({ schema }).status).toBe(status);
  });
});

describe('Postgres', () => {
  const server = {
    version: '18.4',
    majorVersion: 18,
    isEncrypted: false,
    connections: 12,
    maxConnections: 100,
    identity: 'app 1',
    clock: { latencyMs: 1.23, aheadMs: 0 },
  };
  const url = 'postgres://app:hush@127.0.0.1/app';

  test('one that is as it should be has nothing but its name', () => {
    expect(judgeServer(server, url)).toEqual([
      ok('18.4 at 127.0.0.1:5432/app, answers within 1.2 ms; 12 of 100 connections are taken'),
    ]);
  });

  test('an old one, a crowded one, and an open line to another network are found', () => {
    expect(statuses(judgeServer({ ...server, majorVersion: 12 }, url))).toEqual(['bad']);
    expect(statuses(judgeServer({ ...server, majorVersion: 13 }, url))).toEqual(['ok', 'warn']);
    expect(statuses(judgeServer({ ...server, connections: 90 }, url))).toEqual(['ok', 'warn']);
    const far = 'postgres://app:hush@db.example.com/app';
    expect(statuses(judgeServer(server, far))).toEqual(['ok', 'warn']);
    expect(statuses(judgeServer({ ...server, isEncrypted: true }, far))).toEqual(['ok']);
  });

  test('a transaction pooler is a fault where the queue listens on it, else a warning', () => {
    const context = { name: 'DATABASE_URL', url, identity: 'app 1', isQueue: false };
    const session = { identity: 'app 1', isShared: true };
    expect(judgeSession({ ...session, isShared: false }, context).status).toBe('ok');
    expect(judgeSession(session, context).status).toBe('warn');
    expect(judgeSession(session, { ...context, isQueue: true }).status).toBe('bad');
    expect(judgeSession(session, { ...context, identity: 'app 2' }).found).toContain('different');
  });
});

describe('the ledger', () => {
  const now = Date.now();
  const last = (newest: { type: string | null; receivedAt: number } | null) =>
    judgeLastEvent(newest, { path: '/api/webhooks', now });

  test('the last event is told by type and age; none, or a week without, is a warning', () => {
    expect(last({ type: 'user.created', receivedAt: now - 3 * MINUTE })).toEqual(
      ok('user.created, 3 min ago'),
    );
    expect(last({ type: 'user.created', receivedAt: now - 8 * DAY }).status).toBe('warn');
    expect(last(null).cure).toContain('https://YOUR-HOST/api/webhooks');
  });

  test('a type that is no word is not shown', () => {
    expect(last({ type: 'Ada <ada@example.com>', receivedAt: now }).found).not.toContain('ada');
  });

  test('events of other Clerk instances are a warning, and a fault when all of them are', () => {
    const [ours, theirs] = [
      { id: 'ins_ours', events: 9 },
      { id: 'ins_theirs', events: 2 },
    ];
    expect(judgeInstance([ours], 'ins_ours')).toEqual(ok('ins_ours'));
    expect(judgeInstance([], 'ins_ours').status).toBe('ok');
    expect(judgeInstance([ours, theirs], 'ins_ours').status).toBe('warn');
    expect(judgeInstance([theirs], 'ins_ours').status).toBe('bad');
    expect(judgeInstance([ours, theirs], undefined).found).toContain(
      'ins_ours (9), ins_theirs (2)',
    );
    expect(judgeInstance([ours], undefined).cure).toContain('Set it to ins_ours');
    expect(judgeInstance([], undefined).status).toBe('warn');
  });

  test('sample events are of no other instance, and theirs is not to be set', () => {
    const samples = { id: sampleEvent('user.created').instance_id, events: 3 };
    expect(judgeInstance([samples], 'ins_ours')).toEqual(ok('ins_ours'));
    expect(judgeInstance([samples], undefined).cure).not.toContain(samples.id);
    expect(judgeInstance([samples, { id: 'ins_ours', events: 1 }], undefined).found).toContain(
      'samples of `npm run send` (3), ins_ours (1)',
    );
  });

  test('failures of the week are a warning', () => {
    expect(judgeFailures({ lastDay: 0, lastWeek: 0 }).status).toBe('ok');
    expect(judgeFailures({ lastDay: 0, lastWeek: 1 }).status).toBe('warn');
  });
});

describe('a process', () => {
  const url = 'http://127.0.0.1:4002';
  const readiness = (status: number, body: unknown) =>
    judgeReadiness({ status, body }, { name: 'worker', url });
  const refusal = (status: number, body: unknown, isSigned = true) =>
    judgeRefusal({ status, body }, { url, isSigned });

  test('says that it is ready, or why it is not; a stranger is not taken for it', () => {
    expect(readiness(200, { status: 'ready' })).toEqual(ok(`ready at ${url}`));
    expect(readiness(503, { status: 'not ready', reason: 'stopping' })).toMatchObject({
      status: 'bad',
      found: `Runs at ${url} and is not ready: stopping`,
    });
    expect(readiness(200, null).status).toBe('warn');
    expect(readiness(404, { error: 'no' }).cure).toContain('WORKER_OPS_PORT');
    expect(readiness(0, null).status).toBe('bad');
  });

  test('that refuses a signature has another secret; one that refuses no event is as it should be', () => {
    expect(refusal(400, { error: 'The body has no "type": it is not an event.' }).status).toBe(
      'ok',
    );
    expect(refusal(400, { error: 'The signature does not match: …' }).status).toBe('bad');
    expect(refusal(400, { error: 'The timestamp is more than 5 minutes off: …' }).status).toBe(
      'bad',
    );
    expect(refusal(400, { error: 'Header svix-id is missing.' }, false).status).toBe('ok');
    expect(refusal(200, { status: 'queued' }).status).toBe('warn');
    expect(refusal(404, null).status).toBe('warn');
    expect(refusal(0, null).status).toBe('bad');
  });
});

describe('a place', () => {
  test.each([
    ['postgres://app:hush@db.example.com/app?sslmode=require', 'db.example.com:5432/app', false],
    ['postgres://app@postgres:6000/app', 'postgres:6000/app', true],
    ['postgres:///app?host=/var/run/postgresql', '/var/run/postgresql/app', true],
    ['redis://:hush@10.1.2.3', '10.1.2.3:6379', true],
    ['redis://[fd00::1]:6380/2', '[fd00::1]:6380/2', true],
    ['redis://8.8.8.8:6379', '8.8.8.8:6379', false],
    ['redis://172.32.0.1:6379', '172.32.0.1:6379', false],
    ['redis://cache.internal:6379', 'cache.internal:6379', true],
  ])('%s is shown without its password', (url, place, isNear) => {
    expect(formatPlace(url)).toBe(place);
    expect(isNearby(url)).toBe(isNear);
  });
});

describe('the configuration', () => {
  const environment = {
    DATABASE_URL: 'postgres://127.0.0.1/app',
    CLERK_WEBHOOK_SIGNING_SECRET: SECRET,
  };

  test('what is wrong has its default, and the rest is as it is set', () => {
    const { config, problems, wrong } = readWhatCanBeRead({
      ...environment,
      PORT: 'x',
      JOB_ATTEMPTS: '3',
      REDIS_URL: 'nowhere',
    });
    expect([config.PORT, config.JOB_ATTEMPTS, config.REDIS_URL]).toEqual([4000, 3, undefined]);
    expect(wrong).toEqual(['REDIS_URL', 'PORT']);
    expect(problems).toHaveLength(2);
  });

  test('a problem that another one hid is found, too', () => {
    const { config, wrong } = readWhatCanBeRead({
      ...environment,
      SHUTDOWN_GRACE: 'soon',
      SHUTDOWN_DELAY: '30s',
    });
    expect(wrong).toEqual(['SHUTDOWN_GRACE', 'SHUTDOWN_DELAY']);
    expect([config.SHUTDOWN_GRACE, config.SHUTDOWN_DELAY]).toEqual([20, 0]);
  });

  test('with one secret wrong, none of another variable is taken', () => {
    const { config } = readWhatCanBeRead({
      ...environment,
      CLERK_WEBHOOK_SIGNING_SECRET: 'whsec_short',
      CLERK_WEBHOOK_SECRET: SECRET,
    });
    expect(config.signingSecrets).toEqual([]);
  });

  test('what is needed and not set is a problem of no variable that is wrong', () => {
    const { problems, wrong } = readWhatCanBeRead({});
    expect(wrong).toEqual([]);
    expect(problems.map(({ name }) => name)).toEqual([
      'CLERK_WEBHOOK_SIGNING_SECRET',
      'DATABASE_URL',
      null,
    ]);
  });
});

describe('an examination', () => {
  const check = (name: string, run: () => Promise<Finding[]>): Check<null> => ({ name, run });

  test('goes on past a check that throws and past one that never ends, and hides passwords in their words', async () => {
    const checks = [
      check('throws', () => Promise.reject(new Error('no way to redis://app:hush@host/0'))),
      check('hangs', () => new Promise(() => undefined)),
      check('is well', () => Promise.resolve([ok('fine')])),
    ];
    const found: string[] = [];
    for await (const { name, findings } of examine(null, checks, 20))
      found.push(`${name}: ${findings[0]?.status} ${findings[0]?.found}`);
    expect(found).toEqual([
      'throws: bad The check itself failed: no way to redis://…@host/0',
      'hangs: bad No answer within 0.02 s',
      'is well: ok fine',
    ]);
  });

  test('every check has a name of its own', () => {
    expect(new Set(CHECKS.map(({ name }) => name)).size).toBe(CHECKS.length);
  });
});

describe('the report', () => {
  const plain = { ...describeTerminal({}, { isTTY: false, columns: 0 }), nameWidth: 8 };
  const findings = [ok('8.0'), bad('too full', 'Empty it.'), warn('old', 'Renew it.')];

  test('has a mark for each finding, the name once, and the cure beneath', () => {
    expect(formatExamined({ name: 'Queue', findings }, plain)).toEqual([
      '✔ Queue     8.0',
      '✘           too full',
      '            Empty it.',
      '!           old',
      '            Renew it.',
    ]);
    expect(formatExamined({ name: 'Node', findings: [skipped('no')] }, plain)).toEqual([
      '- Node      no',
    ]);
  });

  test('fits the terminal, and what others say cannot move its cursor', () => {
    const narrow = { ...plain, width: 50 };
    const said = bad(`one two three four five six\u001b[2J seven eight nine ten`, 'Do.');
    const lines = formatExamined({ name: 'Queue', findings: [said] }, narrow);
    expect(lines.length).toBeGreaterThan(2);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(50);
    expect(lines.join('')).not.toContain('\u001b');
  });

  test('has colours on a terminal, unless NO_COLOR is set', () => {
    const terminal = { isTTY: true, columns: 80 };
    const paint = (environment: Record<string, string>) =>
      formatExamined(
        { name: 'Node', findings },
        { ...describeTerminal(environment, terminal), nameWidth: 4 },
      ).join('');
    expect(paint({})).toContain('\u001b[31m✘');
    expect(paint({ NO_COLOR: '1' })).not.toContain('\u001b');
  });

  test('is summed up in its last line', () => {
    expect(formatSummary([ok('')])).toBe('Nothing is wrong.');
    expect(formatSummary([ok(''), warn('', '')])).toBe('Nothing is wrong; 1 warning.');
    expect(formatSummary(findings)).toBe('1 thing is wrong; 1 warning.');
    expect(formatSummary([...findings, ...findings])).toBe('2 things are wrong; 2 warnings.');
  });

  test('keeps cause and cure of a message apart', () => {
    expect(toFinding('bad', 'It is gone. Run `npm start`.')).toEqual(
      bad('It is gone', 'Run `npm start`.'),
    );
    expect(toFinding('bad', 'HOST is 0.0.0.0, open: set A and B.')).toEqual(
      bad('HOST is 0.0.0.0, open', 'Set A and B.'),
    );
    expect(toFinding('bad', 'PORT: "x" is no number.')).toEqual({
      status: 'bad',
      found: 'PORT: "x" is no number',
    });
  });
});
