/** What `npm run bench` does when it must not succeed. That it succeeds, CI shows by its short form. */
import { spawn } from 'node:child_process';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '../..');
const TYPESCRIPT = path.join(ROOT, 'scripts/typescript.mjs');

const withRedis = process.env['TEST_REDIS_URL'] ? test : test.skip;

withRedis(
  'a void figure and a crash fail the run, name what is void, and stop no other',
  async () => {
    const { code, stdout, stderr } = await run(['tests/support/failing-bench.ts', '--short']);
    expect(stderr).toContain('VOID failing, incorrect, round 1: 7 rows are missing\n');
    expect(stderr).toMatch(/VOID failing, crashing, round 1: .*src\/worker\.ts ended with 2/);
    expect(stderr).toContain('DATABASE_URL is not set');
    expect(stdout).toMatch(/^ +sound +1 /m);
    expect(stdout).not.toContain('right after every run');
    expect(code).toBe(1);
  },
  120_000,
);

test('without a Redis nothing is measured, and the cure is named', async () => {
  const { code, stderr } = await run(['bench/main.ts', '--short'], { PATH: '/nonexistent' });
  expect(stderr).toContain('apt-get install redis-server');
  expect(code).toBe(2);
}, 60_000);

test('a wrong flag is refused before anything starts', async () => {
  const { code, stdout, stderr } = await run(['bench/main.ts', '--only', 'everything']);
  expect(stderr).toContain('--only knows no scenario everything. There are: ');
  expect([code, stdout]).toEqual([2, '']);
}, 60_000);

async function run(args: string[], environment = { PATH: process.env['PATH'] }) {
  const child = spawn(process.execPath, ['--import', TYPESCRIPT, ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environment,
  });
  const [stdout, stderr, code] = await Promise.all([
    readAll(child.stdout),
    readAll(child.stderr),
    new Promise<number | null>((resolve) => child.once('exit', resolve)),
  ]);
  return { code, stdout, stderr };
}

async function readAll(stream: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}
