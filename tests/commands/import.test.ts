/** A team's own users are created in Clerk, each linked by its id; and a role is set where Clerk keeps it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { importCommand } from '../../src/commands/import.js';
import { roleCommand } from '../../src/commands/role.js';
import { type ClerkApiServer, startClerkApi } from '../support/clerk-api/start-clerk-api.js';
import { runCommand, runToExit } from '../support/commands.js';

const CSV = `id,email,first_name,role,password_hash,created_at
1,ann@example.com,Ann,admin,$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy,2024-01-31T12:00:00Z
2,bob@example.com,"Bob, Jr.",,,
3,not an address,Cy,,,
,dee@example.com,Dee,,,
1,eve@example.com,Eve,,,
6,ann@example.com,Fay,,,
7,gus@example.com,Gus,king,,
8,hal@example.com,Hal,,5f4dcc3b5aa765d61d8327deb882cf99,
`;

let clerk: ClerkApiServer;
let directory: string;
/** Those who were there from the start. */
let samples: Set<unknown>;

beforeEach(async () => {
  clerk = await startClerkApi({ size: { users: 3 } });
  samples = new Set(clerk.instance.readAll('users').map(({ external_id: id }) => id));
  directory = mkdtempSync(path.join(tmpdir(), 'clerk-sync-import-'));
});

afterEach(async () => {
  await clerk.stop();
  rmSync(directory, { recursive: true });
});

const settings = (extra: object = {}) => ({
  CLERK_API_URL: clerk.url,
  CLERK_SECRET_KEY: clerk.secretKey,
  USER_ROLES: 'client,admin',
  ...extra,
});

const importHere = (args: string[], extra: object = {}) =>
  runToExit(importCommand, args, settings(extra));

function write(name: string, text: string): string {
  const file = path.join(directory, name);
  writeFileSync(file, text);
  return file;
}

function readImported(): unknown[] {
  return clerk.instance
    .readAll('users')
    .filter(({ external_id: id }) => !samples.has(id))
    .map((user) => [user['external_id'], user['first_name'], user['public_metadata']]);
}

test('without --apply it says what it would do, line by line, and changes nothing', async () => {
  const before = clerk.instance.readAll('users');
  const { code, stdout } = await runCommand(['import', write('users.csv', CSV)], settings());
  expect(code).toBe(1);
  expect(stdout.trimEnd().split('\n')).toEqual([
    'line 4 (3) has no email address',
    'line 5 has no id',
    'line 6 (1) has the id of an earlier line',
    'line 7 (6) has the email address of an earlier line',
    'line 8 (7) has a role that is none of USER_ROLES (client, admin)',
    'line 9 (8) password_hash does not say what made it: name it in password_hasher, as Clerk does',
    '8 users read: 2 to be created, 0 in Clerk already, 6 refused',
    'Nothing was changed. To create them: --apply',
  ]);
  expect(clerk.instance.readAll('users')).toEqual(before);
});

test('with --apply they are created, linked and with their role; run again, nobody is created twice', async () => {
  const file = write('users.csv', CSV);
  const first = await importHere([file, '--apply', '--json']);
  expect(JSON.parse(first.stdout)).toMatchObject({ read: 8, created: 2, skipped: 0, refused: 6 });
  expect(readImported()).toEqual([
    ['1', 'Ann', { role: 'admin' }],
    ['2', 'Bob, Jr.', {}],
  ]);
  const again = await importHere([file, '--apply', '--json']);
  expect(JSON.parse(again.stdout)).toMatchObject({ read: 8, created: 0, skipped: 2, refused: 6 });
  expect(readImported()).toHaveLength(2);
});

test('JSON lines do as well; an address that another user of Clerk has is refused, and nobody touched', async () => {
  const taken = clerk.instance.readAll('users')[0]?.['email_addresses'] as {
    email_address: string;
  }[]; // of a sample user
  const lines = [
    { id: 10, email: 'ida@example.com', first_name: 'Ida' },
    { id: 'b', email: taken[0]?.email_address },
  ];
  const text = `${lines.map((line) => JSON.stringify(line)).join('\n')}\n\nnot json\n`;
  const result = await importHere([write('users.jsonl', text), '--apply']);
  expect(result.code).toBe(1);
  expect(result.stdout).toContain('line 2 (b) has an email address that another user in Clerk has');
  expect(result.stdout).toContain('line 4 is not a JSON object');
  expect(result.stdout).not.toContain(taken[0]?.email_address);
  expect(readImported()).toEqual([['10', 'Ida', {}]]);
});

test('creating keeps within the lower limit that Clerk has for it', async () => {
  await clerk.stop();
  // Of the 20 in 10 s that Clerk allows a part, as evenly spread: the whole takes a quarter of a minute.
  clerk = await startClerkApi({ creationLimit: { requests: 2, windowMs: 1_000 } });
  const rows = Array.from({ length: 5 }, (_value, index) => `${index},user${index}@example.com`);
  const file = write('users.csv', `id,email\n${rows.join('\n')}\n`);
  expect(await importHere([file, '--apply'])).toMatchObject({ code: 0 });
  expect(readImported()).toHaveLength(5);
  expect(clerk.counts().limited).toBe(0);
});

test.each<[string, string[], object, string]>([
  ['no file', [], {}, 'Which file?'],
  ['a file that is not there', ['/nonexistent.csv'], {}, 'cannot be read'],
  ['no key', ['users.csv'], { CLERK_SECRET_KEY: '' }, 'CLERK_SECRET_KEY is not set'],
])('%s is wrong usage', async (_what, args, extra, said) => {
  const result = await importHere(args, extra);
  expect(result.code).toBe(2);
  expect(result.stderr).toContain(said);
});

test('columns that are missing or not known are named before anything is done', async () => {
  for (const header of ['id,name', 'id,email,shoe_size']) {
    const result = await importHere([write('users.csv', `${header}\n1,a,b\n`)]);
    expect(result.code).toBe(2);
    expect(result.stderr).toContain("The file's first line");
  }
});

describe('npm run role', () => {
  test('sets public_metadata.role in Clerk, and says how it comes back', async () => {
    const id = String(clerk.instance.readAll('users')[0]?.['id']);
    const result = await runCommand(['role', id, 'admin'], settings());
    expect(result.code).toBe(0);
    expect(result.stdout).toContain('user.updated');
    expect(clerk.instance.read('users', id)?.['public_metadata']).toMatchObject({ role: 'admin' });
  });

  test.each<[string, string[], number, string]>([
    ['a role that USER_ROLES does not have', ['user_1', 'king'], 2, 'none of USER_ROLES'],
    ['a user that Clerk does not have', ['user_nobody', 'admin'], 1, 'Clerk has no user'],
    ['no role', ['user_1'], 2, 'Usage'],
  ])('%s is refused', async (_what, args, code, said) => {
    const result = await runToExit(roleCommand, args, settings());
    expect(result.code).toBe(code);
    expect(result.stderr).toContain(said);
  });
});
