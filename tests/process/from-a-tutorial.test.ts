/** docs/from-a-tutorial.md, followed to the letter: every SQL and shell block of it runs here, and what the page says comes out. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'dotenv';
import { hasProgram } from '../../src/system/find-program.js';
import { BACKENDS, queueSettings } from '../support/backends.js';
import { type InstanceEvent } from '../support/clerk-api/instance.js';
import { type ClerkApiServer, startClerkApi } from '../support/clerk-api/start-clerk-api.js';
import { deliver, SECRET } from '../support/clerk.js';
import { type CloneFolder, createCloneFolder } from '../support/clone-folder.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { type Block, readChapter, readChapters } from '../support/document.js';
import {
  addPeople,
  addPerson,
  listPresent,
  missEvents,
  type People,
  type Person,
  sortById,
  writeValues,
} from '../support/old-application.js';
import { killAll, startIngest, startWorker } from '../support/processes.js';
import { waitFor } from '../support/wait.js';

const PAGE = 'docs/from-a-tutorial.md';
const PRISMA = path.resolve(import.meta.dirname, '../../node_modules/prisma/build/index.js');
const BCRYPT = '$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy';
const MISSING = ['psql', 'sqlite3'].filter((name) => !hasProgram(name, process.env['PATH']));
const canFollow = MISSING.length === 0;

if (!canFollow) {
  process.stderr.write(`
******************************************************************************
  ${MISSING.join(' and ')}: not found, so NOBODY FOLLOWS ${PAGE}.
  To do so: apt-get install postgresql-client sqlite3.
******************************************************************************
`);
}

import.meta.jest.setTimeout(120_000);

/** What ran, so that a block that nobody follows is noticed. */
const followed = new Set<string>();
let database: TestDatabase;
let clone: CloneFolder;
let clerk: ClerkApiServer;
let endpoint: string | undefined;
let sending: Promise<unknown>[];

(canFollow || process.env['CI'] === 'true' ? describe : describe.skip)('followed,', () => {
  beforeEach(async () => {
    clone = createCloneFolder();
    sending = [];
    endpoint = undefined;
    clerk = await startClerkApi({ onEvent: sendToEndpoint });
  });

  afterEach(async () => {
    await Promise.all(sending);
    await killAll();
    await clerk.stop();
    clone.remove();
    await database.drop();
  });

  test('the move makes a schema of its own, and each command of it is content', async () => {
    await configure({ migrated: false });
    await database.query('CREATE TABLE users (id text PRIMARY KEY)');
    const follow = openChapter('The move');
    await follow('npm run migrate');
    expect(await listTables('public')).toEqual(['users']);
    expect(await listTables('clerk')).toContain('users');
    for (let i = 0; i < 3; i++) clerk.instance.add('users');
    await startSystem();
    expect(await follow('npm run doctor')).toContain('✔');
    await follow('npm run backfill');
    expect(await database.query('SELECT id FROM clerk.users')).toHaveLength(3);
    await follow('npm run reconcile -- --dry-run');
  });

  test('1: the old table is a view, orders point to the mirror, and no write passes the view', async () => {
    const { follow, people } = await begin('1.');
    await follow('create table users');
    await database.query(
      `INSERT INTO users (id, email, first_name, last_name) VALUES ${writeValues(people, ({ id, email, first, last }) => [id, email, first, last])};
       INSERT INTO orders (user_id, amount) VALUES ${writeValues(people, ({ id }) => [id, '7'])}`,
    );
    const lost = await catchUp(people);
    expect(sortLines(await follow('full join'))).toEqual(reportOf(people, lost));
    await follow('alter table users rename to users_before_clerk_sync');

    const readUsers = () =>
      database.query('SELECT id, email, first_name, last_name FROM users ORDER BY id COLLATE "C"');
    expect(await readUsers()).toEqual(
      listPresent(people, lost).map(({ id, email, first, last }) => ({
        id,
        email,
        first_name: first,
        last_name: last,
      })),
    );
    await expect(database.query(`UPDATE users SET email = 'x'`)).rejects.toThrow(
      'users is a view of what Clerk has',
    );
    await expect(
      database.query(`INSERT INTO orders (user_id, amount) VALUES ('user_unknown', 1)`),
    ).rejects.toMatchObject({ code: '23503' });

    clerk.instance.remove('users', people.kept.id);
    await waitFor('the deletion', async () => (await readUsers()).length === 2);
    expect(await database.query('SELECT user_id FROM orders ORDER BY id')).toEqual([
      { user_id: null },
      { user_id: people.changed.id },
      { user_id: null },
    ]);
  });

  test('2: the integer ids stay, each new user gets one, and posts outlive who wrote them', async () => {
    const { follow, people } = await begin('2.');
    await follow('id serial primary key');
    await database.query(
      `INSERT INTO users (clerk_id, email, name) VALUES ${writeValues(people, ({ id, email, name }) => [id, email, name])};
       INSERT INTO posts (author_id, title) SELECT id, clerk_id FROM users`,
    );
    const lost = await catchUp(people);
    expect(sortLines(await follow('full join'))).toEqual(reportOf(people, lost));
    await follow('alter table users rename to user_ids');
    const fresh = addPerson(clerk.instance);
    const readUsers = () =>
      database.query<{ clerk_id: string }>('SELECT id, clerk_id, email, name FROM users');
    await waitFor('the new user', async () => (await readUsers()).length === 4);
    const ids = await database.query<{ id: number; clerk_id: string }>('SELECT * FROM user_ids');
    expect(ids).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ id: 1, clerk_id: people.kept.id }),
        expect.objectContaining({ id: 2, clerk_id: people.changed.id }),
      ]),
    );
    const numberOf = new Map(ids.map(({ id, clerk_id: clerkId }) => [clerkId, id]));
    expect(sortByClerkId(await readUsers())).toEqual(
      sortByClerkId(
        [...listPresent(people, lost), fresh].map(({ id, email, name }) => ({
          id: numberOf.get(id),
          clerk_id: id,
          email,
          name,
        })),
      ),
    );

    clerk.instance.remove('users', people.kept.id);
    await waitFor('the deletion', async () => (await readUsers()).length === 3);
    expect(
      await database.query(
        'SELECT p.title, u.name FROM posts p LEFT JOIN users u ON u.id = p.author_id WHERE p.author_id = 1',
      ),
    ).toEqual([{ title: people.kept.id, name: null }]);
    await expect(database.query(`UPDATE users SET email = 'x'`)).rejects.toThrow('cannot update');
    await follow('drop column email');
    addPerson(clerk.instance);
    await waitFor('one more', async () => (await readUsers()).length === 4);
  });

  test('3: who is deleted stays in sight as deleted, before and after the move', async () => {
    const { follow, people } = await begin('3.');
    await follow('create table members');
    await database.query(
      `INSERT INTO members (clerk_id, email, full_name) VALUES ${writeValues(people, ({ id, email, name }) => [id, email, name])};
       INSERT INTO members VALUES ('user_long_gone', null, null, true)`,
    );
    const lost = await catchUp(people);
    expect(sortLines(await follow('full join'))).toEqual(reportOf(people, lost));
    await follow('alter table members rename to members_before_clerk_sync');
    const readMembers = () =>
      database.query<{ clerk_id: string; is_deleted: boolean }>('SELECT * FROM members');
    clerk.instance.remove('users', lost.id);
    await waitFor('the deletion', async () =>
      (await readMembers()).some((row) => row.clerk_id === lost.id && row.is_deleted),
    );
    const present = listPresent(people, lost).filter(({ id }) => id !== lost.id);
    expect(sortByClerkId(await readMembers())).toEqual(
      sortByClerkId([
        ...present.map(({ id, email, name }) => ({
          clerk_id: id,
          email,
          full_name: name,
          is_deleted: false,
        })),
        ...[people.gone.id, lost.id, 'user_long_gone'].map((id) => ({
          clerk_id: id,
          email: null,
          full_name: null,
          is_deleted: true,
        })),
      ]),
    );
    await expect(database.query('DELETE FROM members')).rejects.toThrow('cannot delete');
  });

  test('4: roles go to Clerk and come back, from Postgres and from SQLite, and no browser gives one', async () => {
    await configure();
    const people = addPeople(clerk.instance);
    const { kept, changed, gone } = people;
    const follow = openChapter('4.');
    await follow('create table users');
    await database.query(
      `INSERT INTO users (id, email, role) VALUES ${writeValues(people, ({ id, email }) => [id, email, id === kept.id ? 'admin' : 'user'])}`,
    );
    await clone.run('sqlite3', [
      'app.db',
      `CREATE TABLE users (id integer primary key, clerk_id text, role text);
       INSERT INTO users (clerk_id, role) VALUES ('${gone.id}', 'admin'), ('${changed.id}', 'user')`,
    ]);
    await follow('DEFAULT_USER_ROLE=user');
    await startSystem(parse(readFileSync(path.join(clone.directory, '.env'))));
    await clone.type('npm run backfill -- users');
    addEndpoint();

    const setRoles = readChapter(PAGE, '4.').find(({ text }) => text.includes('npm run role'));
    await follow('psql "$DATABASE_URL"');
    await clone.type(setRoles?.text ?? '');
    await follow('sqlite3 -separator');
    await follow('npm run role');
    const readRoles = () =>
      database.query<{ role: string }>('SELECT id, role FROM clerk.users ORDER BY id COLLATE "C"');
    const expected = sortById([
      { id: kept.id, role: 'admin' },
      { id: changed.id, role: 'user' },
      { id: gone.id, role: 'admin' },
    ]);
    await waitFor(
      'the roles',
      async () => (await readRoles()).filter(({ role }) => role === 'admin').length === 2,
    );
    expect(await readRoles()).toEqual(expected);
    expect(await follow('o.role as here')).toBe(`${gone.id}|user|admin\n`);
    await follow('alter table users rename to users_before_clerk_sync');
    expect(await database.query('SELECT id, role FROM users ORDER BY id COLLATE "C"')).toEqual(
      expected,
    );
    await expect(database.query(`UPDATE users SET role = 'admin'`)).rejects.toThrow('is a view');

    clerk.instance.update('users', changed.id, { unsafe_metadata: { role: 'admin' } });
    await waitFor('the update', async () => {
      const rows = await database.query(
        `SELECT 1 FROM clerk.users WHERE unsafe_metadata->>'role' = 'admin'`,
      );
      return rows.length === 1;
    });
    expect(await readRoles()).toEqual(expected);
  });

  test('5: users from before Clerk are created there and linked, and the old rows keep ids and posts', async () => {
    const { follow, people } = await begin('5.');
    await follow('create table "User"');
    await database.query(
      `INSERT INTO "User" ("id", "clerkId", "email", "name") VALUES ${writeValues(people, ({ id, email, name }) => [`own_${id}`, id, email, name])};
       INSERT INTO "User" ("id", "email", "name", "password") VALUES ('own_early', 'early@example.com', 'Early', '${BCRYPT}');
       INSERT INTO "Post" SELECT 'post_' || "id", 'a title', "id" FROM "User"`,
    );
    expect(await follow('npm run import -- users.csv')).toContain('1 to be created');
    const early = clerk.instance.readAll('users').find(({ external_id: id }) => id === 'own_early');
    expect(early).toMatchObject({ first_name: 'Early', password_enabled: true });
    const lost = await catchUp(people);
    await follow('where c.external_id = o.id');
    expect(sortLines(await follow('full join'))).toEqual(reportOf(people, lost));
    await follow('"User_clerkId_fkey"');
    const emails = new Map(listPresent(people, lost).map(({ id, email }) => [id, email]));
    expect(
      await database.query(
        `SELECT o."id", c.email FROM "User" o LEFT JOIN clerk.users c ON c.id = o."clerkId" ORDER BY o."id" COLLATE "C"`,
      ),
    ).toEqual(
      sortById([
        { id: 'own_early', email: 'early@example.com' },
        ...Object.values<Person>({ ...people }).map(({ id }) => ({
          id: `own_${id}`,
          email: emails.get(id) ?? null,
        })),
      ]),
    );
    await follow('on conflict ("clerkId") do nothing', (text) => text.replace('user_…', lost.id));

    clerk.instance.remove('users', String(early?.['id']));
    await waitFor('the deletion', async () => {
      const rows = await database.query(
        `SELECT 1 FROM "User" WHERE "id" = 'own_early' AND "clerkId" IS NULL`,
      );
      return rows.length === 1;
    });
    expect(await database.query('SELECT 1 FROM "Post"')).toHaveLength(4);
    await validateSchema(readChapter(PAGE, '5.').findLast(({ language }) => language === 'prisma'));
  });

  test('a foreign key that says nothing of deletions fails the event, visibly, and the user stays', async () => {
    await begin('The move');
    addEndpoint();
    const { id } = addPerson(clerk.instance);
    const isThere = async () =>
      (await database.query('SELECT 1 FROM clerk.users WHERE id = $1', [id])).length === 1;
    await waitFor('the user', isThere);
    await database.query(
      `CREATE TABLE orders (user_id text REFERENCES clerk.users (id)); INSERT INTO orders VALUES ('${id}')`,
    );
    clerk.instance.remove('users', id);
    const failed = await waitFor('the failure', async () => {
      const [row] = await database.query<{ error: string }>(
        `SELECT error FROM clerk.webhook_events WHERE outcome = 'failed'`,
      );
      return row;
    });
    expect(failed.error).toContain('orders');
    expect(await isThere()).toBe(true);
  });

  test('a view pins its columns, and goes with the schema', async () => {
    await configure();
    await database.query('CREATE VIEW users AS SELECT id, email FROM clerk.users');
    await expect(
      database.query('ALTER TABLE clerk.users ALTER email TYPE varchar(10)'),
    ).rejects.toThrow('used by a view');
    await database.query('DROP SCHEMA clerk CASCADE');
    await expect(database.query('SELECT FROM users')).rejects.toThrow('does not exist');
  });
});

(canFollow ? test : test.skip)('no SQL or shell block of the page is left that was not run', () => {
  const blocks = [...readChapters(PAGE).values()].flat().filter(isRunnable);
  expect(blocks.length).toBeGreaterThan(20);
  expect(blocks.map(({ text }) => text).filter((text) => !followed.has(text))).toEqual([]);
});

/** Runs a chapter's blocks one after the other. `part` is what the next one must say, so that a new one does not shift the others. */
type Follow = (part: string, change?: (text: string) => string) => Promise<string>;

function openChapter(start: string): Follow {
  const blocks = readChapter(PAGE, start).filter(isRunnable);
  return async (part, change = (text) => text) => {
    const { language, text } = blocks.shift() ?? { language: '', text: 'no further block' };
    expect(text).toContain(part);
    followed.add(text);
    if (language === 'sh') return clone.type(change(text));
    const options = ['-X', '-q', '-At', '-v', 'ON_ERROR_STOP=1', '-f', '-'];
    return clone.run('psql', [database.url, ...options], change(text));
  };
}

function isRunnable({ language }: Block): boolean {
  return language === 'sql' || language === 'sh';
}

/** The application as it was, in Clerk, with clerk-sync running beside it and no endpoint yet. */
async function begin(start: string): Promise<{ follow: Follow; people: People }> {
  await configure();
  const people = addPeople(clerk.instance);
  await startSystem();
  return { follow: openChapter(start), people };
}

/** What the old route misses, then the backfill; from here on the new endpoint hears everything. @returns who is new. */
async function catchUp(people: People): Promise<Person> {
  const lost = missEvents(clerk.instance, people);
  await clone.type('npm run backfill -- users');
  addEndpoint();
  return lost;
}

/** What the query of step 4 says of them, line by line. */
function reportOf({ changed, gone }: People, lost: Person): string[] {
  return [`${changed.id}|differs`, `${gone.id}|deleted in Clerk`, `${lost.id}|missing here`].sort();
}

async function configure(options?: { migrated: boolean }): Promise<void> {
  database = await createDatabase(options);
  Object.assign(clone.settings, {
    DATABASE_URL: database.url,
    CLERK_API_URL: clerk.url,
    CLERK_SECRET_KEY: clerk.secretKey,
    CLERK_WEBHOOK_SIGNING_SECRET: SECRET,
    DATA_DIR: path.join(clone.directory, 'none'),
    ...queueSettings(BACKENDS[0] ?? 'postgres'),
  });
}

/** @param env what the page has written to `.env`. */
async function startSystem(env: Record<string, string> = {}): Promise<void> {
  const settings = { ...clone.settings, ...env };
  const [ingest, worker] = await Promise.all([startIngest(settings), startWorker(settings)]);
  Object.assign(clone.settings, {
    PORT: new URL(ingest.url).port,
    INGEST_OPS_PORT: new URL(ingest.opsUrl).port,
    WORKER_OPS_PORT: new URL(worker.opsUrl).port,
  });
}

function addEndpoint(): void {
  endpoint = `http://127.0.0.1:${clone.settings['PORT']}/api/webhooks`;
}

function sendToEndpoint(event: InstanceEvent): void {
  if (endpoint !== undefined) sending.push(deliver(endpoint, event));
}

async function listTables(schema: string): Promise<string[]> {
  const rows = await database.query<{ name: string }>(
    'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = $1',
    [schema],
  );
  return rows.map(({ name }) => name);
}

async function validateSchema(block: Block | undefined): Promise<void> {
  writeFileSync(path.join(clone.directory, 'schema.prisma'), block?.text ?? '');
  // Prisma's command line wants to download an engine that `validate` does not use: any file will do.
  clone.settings['PRISMA_SCHEMA_ENGINE_BINARY'] = process.execPath;
  await clone.run(process.execPath, [PRISMA, 'validate', '--schema', 'schema.prisma']);
}

function sortLines(text: string): string[] {
  return text.trimEnd().split('\n').sort();
}

function sortByClerkId<T extends { clerk_id: string }>(rows: T[]): T[] {
  return rows.sort((a, b) => (a.clerk_id < b.clerk_id ? -1 : 1));
}
