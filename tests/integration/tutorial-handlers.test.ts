/** docs/from-a-tutorial.md says what is wrong with the handlers that people have: here they run as the page shows them, and do it. */
import crypto from 'node:crypto';
import { verifyWebhook } from '@clerk/backend/webhooks';
import { transformSync } from '@swc/core';
import { Webhook } from 'svix';
import { createSigner } from '../../src/clerk/signature.js';
import { newMessageId, SECRET } from '../support/clerk.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { type Block, readChapter } from '../support/document.js';

const ENVIRONMENT = { env: { WEBHOOK_SECRET: SECRET } };
const A_YEAR_MS = 365 * 24 * 60 * 60 * 1_000;

let database: TestDatabase;

beforeEach(async () => {
  database = await createDatabase();
});

afterEach(() => database.drop());

describe('chapter 1', () => {
  let post: (event: object, body?: string) => Promise<unknown>;

  beforeEach(async () => {
    const globals = { Webhook, pool: database, process: ENVIRONMENT };
    const handler = await prepare(readChapter('docs/from-a-tutorial.md', '1.'), 'ts', globals);
    post = (event, body = JSON.stringify(event)) => handler(asRequest(body));
  });

  test('refuses an event that is written in another way than it would write it', async () => {
    const event = userEvent('user.created', { first_name: 'Smith & Co' });
    const body = JSON.stringify(event).replaceAll('&', '\\u0026');
    await expect(post(event, body)).rejects.toThrow('No matching signature');
    await post(event);
    expect(await database.query('SELECT first_name FROM users')).toEqual([
      { first_name: 'Smith & Co' },
    ]);
  });

  test('revives who was deleted, and lets the older name win', async () => {
    await post(userEvent('user.created'));
    await post(userEvent('user.deleted'));
    expect(await database.query('SELECT id FROM users')).toEqual([]);
    await post(userEvent('user.updated', { first_name: 'New', updated_at: 2 }));
    await post(userEvent('user.updated', { first_name: 'Old', updated_at: 1 }));
    expect(await database.query('SELECT first_name FROM users')).toEqual([{ first_name: 'Old' }]);
  });

  test('cannot delete who has orders', async () => {
    await post(userEvent('user.created'));
    await database.query(`INSERT INTO orders (user_id, amount) SELECT id, 1 FROM users`);
    await expect(post(userEvent('user.deleted'))).rejects.toMatchObject({ code: '23503' });
  });
});

test('chapter 2 calls every trouble of the database a wrong signature', async () => {
  const handler = await prepare(readChapter('docs/from-a-tutorial.md', '2.'), 'ts', {
    verifyWebhook: (request: Request) => verifyWebhook(request, { signingSecret: SECRET }),
    pool: database,
    Response,
  });
  const post = async (event: object) => {
    const answer = (await handler(asRequest(JSON.stringify(event)))) as Response; // as the page has it
    return [answer.status, await answer.text()];
  };
  const created = userEvent('user.created');
  const withoutAddress = userEvent('user.created', { id: 'user_2', email_addresses: [] });
  expect(await post(created)).toEqual([200, 'Webhook received']);
  expect(await post(created)).toEqual([400, 'Error verifying webhook']);
  expect(await post(withoutAddress)).toEqual([400, 'Error verifying webhook']);
});

describe('chapter 3', () => {
  let post: (event: object, signed?: Signed) => Promise<{ status: number; isLost: boolean }>;

  beforeEach(async () => {
    const globals = { crypto, db: database, process: ENVIRONMENT, Buffer };
    const handler = await prepare(readChapter('docs/from-a-tutorial.md', '3.'), 'js', globals);
    post = async (event, { at = new Date(), before = '' } = {}) => {
      const headers = createSigner(SECRET)('msg_1', JSON.stringify(event), at);
      headers['svix-signature'] = before + headers['svix-signature'];
      const answer = { status: 0 };
      const response = {
        status: (status: number) => ((answer.status = status), { end: () => undefined }),
      };
      const isLost = await handler({ headers, body: event }, response).then(
        () => false,
        () => true,
      );
      return { ...answer, isLost };
    };
  });

  test('takes a delivery that was recorded a year ago', async () => {
    const at = new Date(Date.now() - A_YEAR_MS);
    expect(await post(userEvent('user.created'), { at })).toEqual({ status: 200, isLost: false });
  });

  test('refuses what comes while a secret is rotated', async () => {
    const before = 'v1,b2xk ';
    expect(await post(userEvent('user.created'), { before })).toMatchObject({ status: 401 });
  });

  test('acknowledges an event that it then loses, as that of an address that has moved', async () => {
    await post(userEvent('user.created'));
    const next = userEvent('user.created', { id: 'user_2' });
    expect(await post(next)).toEqual({ status: 200, isLost: true });
  });
});

interface Signed {
  at?: Date;
  /** Another signature that stands first. */
  before?: string;
}

type Handler = (...args: unknown[]) => Promise<unknown>;

/** Makes the chapter's tables, and its handler as the page has it, with `globals` in place of what it imports. */
async function prepare(
  chapter: readonly Block[],
  language: 'ts' | 'js',
  globals: object,
): Promise<Handler> {
  await database.query(findText(chapter, 'sql'));
  const source = findText(chapter, language)
    .replace(/^import .*$/gm, '')
    .replace(/^export (default )?/m, '');
  const { code } = transformSync(source, {
    jsc: { parser: { syntax: 'typescript' }, target: 'es2023' },
  });
  const name = /function (\w+)/.exec(source)?.[1];
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- what is shown is the very code of the page
  const make = new Function(...Object.keys(globals), `${code}; return ${name};`);
  return make(...Object.values(globals)) as Handler; // a function, as the line before looked for
}

function findText(chapter: readonly Block[], language: string): string {
  const block = chapter.find((one) => one.language === language);
  if (!block) throw new Error(`The chapter has no block of ${language}.`);
  return block.text;
}

function asRequest(body: string): Request {
  const headers = { ...createSigner(SECRET)(newMessageId(), body) };
  return new Request('http://localhost/api/webhooks', { method: 'POST', headers, body });
}

function userEvent(type: string, fields: object = {}): object {
  const data = {
    id: 'user_1',
    first_name: 'Ada',
    last_name: 'Lovelace',
    email_addresses: [{ id: 'idn_1', email_address: 'ada@example.com' }],
    ...fields,
  };
  return { type, data };
}
