/** docs/handlers.md does what it says: its code as it stands there, in a real worker, before a real HTTP server that plays mail provider and mailing list. */
import { readFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { type AddressInfo } from 'node:net';
import path from 'node:path';
import { sampleEvent } from '../../src/clerk/samples/index.js';
import { BACKENDS, queueSettings } from '../support/backends.js';
import { buildWithFiles, toJavaScript } from '../support/build.js';
import { deliver, newMessageId } from '../support/clerk.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { collectFiles, readHandlersDocument } from '../support/handlers-document.js';
import { killAll, startIngest, startWorker } from '../support/processes.js';
import { waitFor } from '../support/wait.js';

const ROOT = path.resolve(import.meta.dirname, '../..');
const blocks = readHandlersDocument();
const files = collectFiles(blocks);
const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');

interface Asked {
  what: string;
  headers: IncomingHttpHeaders;
  body: string;
}

const build = await buildWithFiles(files);
// The tests that it shows: they stand in the build like the rest, and become tests of this file.
for (const file of files.keys()) {
  if (file.endsWith('.test.ts')) await import(path.join(build.directory, toJavaScript(file)));
}
let database: TestDatabase;
let url: string;
/** In the order in which they came, by whom they name. */
const asked: Asked[] = [];
let answer: (asked: Asked) => number = () => 200;
const provider = createServer((request, response) => {
  let body = '';
  request.on('data', (chunk: Buffer) => (body += chunk.toString()));
  request.on('end', () => {
    const what = `${request.method ?? ''} ${request.url ?? ''}`;
    const question = { what, headers: request.headers, body };
    asked.push(question);
    response.writeHead(answer(question)).end();
  });
});

beforeAll(async () => {
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
  const { port } = provider.address() as AddressInfo; // of a TCP server
  const origin = `http://127.0.0.1:${port}`;
  database = await createDatabase();
  await database.query(createWorkspaces());
  const settings = {
    DATABASE_URL: database.url,
    ...queueSettings(BACKENDS[0] ?? 'postgres'),
    MAIL_URL: `${origin}/mails`,
    MAIL_API_KEY: 'a-key',
    MAIL_FROM: 'us@example.com',
    LIST_URL: `${origin}/list`,
  };
  [{ url }] = await Promise.all([startIngest(settings), startWorker(settings, build)]);
});
afterAll(async () => {
  await killAll();
  await new Promise<void>((resolve) => {
    provider.close(() => resolve());
    provider.closeAllConnections();
  });
  await database.drop();
  build.remove();
});

test('the welcome email is the recipe that is shipped, and the table is the shipped one with two comment marks less', () => {
  expect(files.get('src/handlers/welcome-email.ts')).toBe(read('src/handlers/welcome-email.ts'));
  const shipped = read('src/handlers/index.ts').replaceAll(/\/\/ (?=import |')/g, '');
  expect(blocks.find(({ file }) => file === 'src/handlers/index.ts')?.code).toBe(shipped);
});

test('one sign-up is one mail, to whoever signed up, under the key of the event', async () => {
  const [id, address] = [newMessageId(), 'ada-once@example.com'];
  await signUp(id, address);
  const [mail] = await waitFor('the mail', () => findMails(address));
  expect(mail).toMatchObject({
    what: 'POST /mails',
    headers: { 'idempotency-key': `${id}.welcome-email`, authorization: 'Bearer a-key' },
  });
  await waitFor('its run', () => isDone(id, 'welcome-email'));
  await signUp(id, address); // a redelivery
  expect(findMails(address)).toHaveLength(1);
});

test('when the provider answers 500 there is a second attempt, under the same key', async () => {
  const [id, address] = [newMessageId(), 'ada-twice@example.com'];
  answer = ({ body }) => (findMails(address)?.length === 1 && body.includes(address) ? 500 : 200);
  await signUp(id, address);
  await waitFor('its run', () => isDone(id, 'welcome-email'));
  answer = () => 200;
  const keys = findMails(address)?.map(({ headers }) => headers['idempotency-key']);
  expect(keys).toEqual([`${id}.welcome-email`, `${id}.welcome-email`]);
});

test('an organization gets its workspace, with as many seats as it has members', async () => {
  const organization = sampleEvent('organization.created', { entityId: 'org_recipes' });
  await send(organization);
  const about = { organizationId: 'org_recipes' };
  for (const [type, entityId] of [
    ['organizationMembership.created', 'orgmem_1'],
    ['organizationMembership.created', 'orgmem_2'],
    ['organizationMembership.deleted', 'orgmem_1'],
  ] as const)
    await send(
      sampleEvent(type, { ...about, entityId, version: type.endsWith('deleted') ? 1 : 0 }),
    );
  const { name } = organization.data as { name: string };
  await waitFor('the workspace', async () => {
    const [row] = await database.query<{ name: string | null; seats: number | null }>(
      `SELECT name, seats FROM public.workspaces WHERE organization_id = 'org_recipes'`,
    );
    return row?.name === name && row.seats === 1;
  });
});

test('a deleted user is taken off the mailing list, and one who was not on it as well', async () => {
  const id = newMessageId();
  answer = () => 404;
  await send({ type: 'user.deleted', data: { id: 'user_gone', deleted: true } }, id);
  await waitFor('its run', () => isDone(id, 'leave-mailing-list'));
  answer = () => 200;
  const found = asked.find(({ what }) => what === 'DELETE /list/members/user_gone');
  expect(found?.headers['idempotency-key']).toBe(`${id}.leave-mailing-list`);
});

async function signUp(id: string, address: string): Promise<void> {
  const event = sampleEvent('user.created', { entityId: `user_${id}` });
  Object.assign(event.data, {
    primary_email_address_id: 'idn_1',
    email_addresses: [{ id: 'idn_1', email_address: address }],
  });
  await send(event, id);
}

async function send(event: object, id = newMessageId()): Promise<void> {
  expect((await deliver(url, event, id)).status).toBe(200);
}

/** Undefined: none came yet. */
function findMails(address: string): Asked[] | undefined {
  const mails = asked.filter(({ body }) => body.includes(`"to":"${address}"`));
  return mails.length > 0 ? mails : undefined;
}

async function isDone(eventId: string, handler: string): Promise<boolean> {
  const rows = await database.query(
    `SELECT 1 FROM clerk.handler_runs WHERE event_id = $1 AND handler = $2 AND outcome = 'done'`,
    [eventId, handler],
  );
  return rows.length === 1;
}

/** As the document has people make it. */
function createWorkspaces(): string {
  const [sql] = /create table public\.workspaces \([^`]*\)/.exec(read('docs/handlers.md')) ?? [];
  if (!sql) throw new Error('docs/handlers.md makes no table of workspaces.');
  return sql;
}
